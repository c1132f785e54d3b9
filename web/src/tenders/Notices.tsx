import type { TenderDetailsFragment } from '../gql/tender';
import { useTenderWords } from '../words/tender';

type OneChange = TenderDetailsFragment['notices'][number]['changes'][number];

/** Every notice has a page of its own at its source: that its address is another is no news. */
export const noise = ({ field }: OneChange) => field === 'url';

/** What was published about a tender, where, and what each notice changed. */
export function Notices({ tender }: { tender: TenderDetailsFragment }) {
  const said = useTenderWords();
  return (
    <section className="card" aria-labelledby="notices">
      <h2 id="notices">{said.notices}</h2>
      {tender.publications.length > 1 && (
        <p>
          {said.publishedAt}{' '}
          {tender.publications.map(({ source, sourceRef, label, url }, i) => (
            <span key={`${source} ${sourceRef}`}>{i > 0 && ', '}{url ? <a href={url} rel="noreferrer">{label}</a> : label}</span>
          ))}
        </p>
      )}
      <ol className="notices">
        {tender.notices.map((notice) => {
          const changes = notice.changes.filter((change) => !noise(change));
          return (
            <li key={notice.id} className={notice.kind.toLowerCase()}>
              <p><b>{said.noticeKinds[notice.kind]}</b> {notice.sourceRef}, <time dateTime={notice.publishedAt}>{said.day(notice.publishedAt)}</time></p>
              {notice.correction && <p className="text">{notice.correction}</p>}
              {changes.length > 0 && (
                <dl className="changes">
                  {changes.map((change) => <div key={change.field}><dt>{change.label}</dt><dd><Change change={change} /></dd></div>)}
                </dl>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** The old value, and the new one. */
export function Change({ change: { field, before, after } }: { change: OneChange }) {
  const said = useTenderWords();
  return (
    <>
      {field !== 'documents' && ( // it tells what happened, not what there was
        <>
          <span className="hidden">{said.before} </span><del>{before ?? said.nothing}</del>
          <span aria-hidden="true"> → </span>
          <span className="hidden"> {said.after} </span>
        </>
      )}
      <ins>{after ?? said.nothing}</ins>
    </>
  );
}
