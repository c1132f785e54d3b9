import type { TenderRowFragment } from '../gql/first';
import { useLanguage } from '../language';

/** From how many days on a deadline is soon, and near. */
const [soon, near] = [7, 14];

/** How many days are left to answer a tender; nothing where it cannot be answered, or has no deadline. */
export function Days({ tender: { deadline, status } }: { tender: Pick<TenderRowFragment, 'deadline' | 'status'> }) {
  const said = useLanguage();
  if (!deadline || status !== 'ONLINE') return null;
  const left = said.daysUntil(deadline);
  if (left < 0) return null;
  return (
    <>
      <span className={`days${left <= soon ? ' soon' : left <= near ? ' near' : ''}`} aria-hidden="true">{said.days(left)}</span>
      <span className="hidden">{said.daysLeft(left)}</span>
    </>
  );
}
