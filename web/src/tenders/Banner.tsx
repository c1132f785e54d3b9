import type { TenderDetailsFragment } from '../gql/tender';
import { Change, noise } from './Notices';
import { useTenderWords } from '../words/tender';

/** What a bidder has to know before all else: that there is nothing to answer, or that it is answered at another time, or by other documents. */
export function Banner({ tender }: { tender: TenderDetailsFragment }) {
  const said = useTenderWords();
  switch (tender.status) {
    case 'CANCELLED': return <Notice title={said.cancelledTitle} kind="cancelled"><p>{said.cancelledText}</p></Notice>;
    case 'AWARDED': return <Notice title={said.awardedTitle} kind="closed"><p>{said.closedText}</p></Notice>;
    case 'CLOSED': return <Notice title={said.closedTitle} kind="closed"><p>{said.closedText}</p></Notice>;
    case 'PLANNED': return <p className="card banner closed">{said.planned}</p>;
  }
  const moved = tender.notices.findLast(({ changes }) => changes.some(({ field }) => field === 'deadline'))?.changes.find(({ field }) => field === 'deadline');
  const changed = tender.notices.findLast(({ documentsChanged }) => documentsChanged);
  return (
    <>
      {moved?.before && !noise(moved) && <Notice title={said.movedTitle} kind="closed"><p><Change change={moved} /></p></Notice>}
      {changed && <p className="card banner closed">{said.documentsChanged(said.day(changed.publishedAt))}</p>}
    </>
  );
}

function Notice({ title, kind, children }: { title: string; kind: string; children: React.ReactNode }) {
  return (
    <section className={`card banner ${kind}`} aria-labelledby="banner">
      <h2 id="banner">{title}</h2>
      {children}
    </section>
  );
}
