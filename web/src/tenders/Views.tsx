import { useLanguage } from '../language';
import { Link } from '../router';
import { views, type View } from './asked';
import type { ListPlace } from './place';

/** Leads to the tenders of the list that the reader has not seen, wants to study, or has dismissed. */
export function Views({ place }: { place: ListPlace }) {
  const said = useLanguage();
  return (
    <nav className="views" aria-label={said.viewsLabel}>
      {(Object.keys(views) as View[]).map((view) => (
        <Link key={view} href={place.viewed(view)} aria-current={place.view === view ? 'true' : undefined}>{said.views[view]}</Link>
      ))}
    </nav>
  );
}
