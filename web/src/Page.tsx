import { useEffect, type ReactNode } from 'react';
import { unauthenticated } from './client';
import { useLanguage } from './language';

/** A title of more characters is set smaller, so that it does not fill a telephone. */
const long = 120;

/** A page: its title stands in the window's too. */
export function Page({ title, above, children }: { title: string; above?: ReactNode; children: ReactNode }) {
  const { title: all } = useLanguage();
  useEffect(() => {
    document.title = title === all ? title : `${title} – ${all}`;
  }, [title, all]);
  return (
    <div className="wide">
      {above}
      <h1 tabIndex={-1} className={title.length > long ? 'long' : undefined}>{title}</h1>
      {children}
    </div>
  );
}

/** What stands where something could not be loaded. Of an ended session the page as a whole speaks. */
export function Failure({ error, text, retry }: { error: unknown; text?: string; retry: () => unknown }) {
  const { failed, retry: again } = useLanguage();
  if (unauthenticated(error)) return null;
  return (
    <div className="failure" role="alert">
      <p>{text ?? failed}</p>
      <button type="button" onClick={() => void retry()}>{again}</button>
    </div>
  );
}

/** Grey lines of about the height of what is to come, so that nothing jumps. */
export function Skeleton({ lines, tall }: { lines: number; tall?: boolean }) {
  const { loading } = useLanguage();
  return (
    <div className={tall ? 'skeleton tall' : 'skeleton'} role="status">
      <span className="hidden">{loading}</span>
      {Array.from({ length: lines }, (_, i) => <span key={i} aria-hidden="true" />)}
    </div>
  );
}
