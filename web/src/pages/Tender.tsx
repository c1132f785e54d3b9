import { useMutation, useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { ExplanationDocument, MarkTendersSeenDocument, TenderPageDocument, type TenderDetailsFragment } from '../gql/graphql';
import { useLanguage } from '../language';
import { Failure, Page, Skeleton } from '../Page';
import { Link, to } from '../router';
import { useDismissal } from '../tenders/Matching';
import { departmentsOf } from '../tenders/TenderTable';

/** A tender's own page, by its number at its source: where the links of mails lead. */
export function TenderPage({ source, sourceRef }: { source: string; sourceRef: string }) {
  const said = useLanguage();
  const { data, error, refetch } = useQuery(TenderPageDocument, { variables: { source, sourceRef }, fetchPolicy: 'cache-and-network' });
  const tender = data?.tenderBySourceRef;
  return (
    <Page title={tender?.title ?? said.tender} above={<p className="above"><Link href={to()}>{said.back}</Link></p>}>
      {tender && <Details tender={tender} watches={data.watches?.nodes ?? []} />}
      {data && !tender && !error && <p className="card empty">{said.unknownTender}</p>}
      {!tender && error && <Failure error={error} retry={refetch} />}
      {!data && !error && <Skeleton lines={6} tall />}
    </Page>
  );
}

type Watches = { id: string; name: string }[];

function Details({ tender, watches }: { tender: TenderDetailsFragment; watches: Watches }) {
  const said = useLanguage();
  const { dismiss, restore } = useDismissal();
  const [markSeen] = useMutation(MarkTendersSeenDocument);
  const { id, seen } = tender;
  useEffect(() => {
    if (!seen) void markSeen({ variables: { tenderIds: [id], seen: true }, errorPolicy: 'all' });
  }, [id, seen, markSeen]);
  return (
    <>
      <section className="card" aria-label={said.tender}>
        {tender.dismissed && <p className="warning">{said.dismissedHere}</p>}
        <dl className="facts">
          <div><dt>{said.status}</dt><dd><span className={`tag ${tender.status.toLowerCase()}`}>{said.statuses[tender.status]}</span></dd></div>
          <div><dt>{said.deadline}</dt><dd>{tender.deadline ? said.parisTime(said.moment(tender.deadline)) : said.noDeadline}</dd></div>
          <div><dt>{said.buyer}</dt><dd>{tender.buyer.name}</dd></div>
          <div><dt>{said.reference}</dt><dd>{tender.reference ?? tender.sourceRef}</dd></div>
          <div><dt>{said.departments}</dt><dd>{departmentsOf(tender, Infinity) || said.nationwide}</dd></div>
          {tender.natures.length > 0 && <div><dt>{said.nature}</dt><dd>{tender.natures.map((nature) => said.natureNames[nature]).join(', ')}</dd></div>}
          {tender.procedure && <div><dt>{said.procedure}</dt><dd>{said.procedures[tender.procedure]}</dd></div>}
          {tender.cpvCodes.length > 0 && <div><dt>CPV</dt><dd>{tender.cpvCodes.join(', ')}</dd></div>}
          <div><dt>{said.published}</dt><dd>{said.day(tender.publishedAt)}</dd></div>
        </dl>
        <p className="row unprinted">
          {tender.url && <a className="button" href={tender.url} rel="noreferrer">{said.source}</a>}
          <button type="button" onClick={() => print()}>{said.print}</button>
          {tender.dismissed
            ? <button type="button" onClick={() => void restore(id)}>{said.restore}</button>
            : <button type="button" onClick={() => void dismiss(id, tender.title)}>{said.dismiss}</button>}
        </p>
      </section>
      {tender.description && (
        <section className="card" aria-labelledby="description">
          <h2 id="description">{said.description}</h2>
          <p className="text">{tender.description}</p>
        </section>
      )}
      {tender.lots.length > 0 && (
        <section className="card" aria-labelledby="lots">
          <h2 id="lots">{said.lots}</h2>
          <ul className="lots">
            {tender.lots.map(({ number, title }, i) => <li key={i}>{number && <b>{said.lot(number)}</b>} {title}</li>)}
          </ul>
        </section>
      )}
      <section className="card" aria-labelledby="notices">
        <h2 id="notices">{said.notices}</h2>
        <ol className="notices">
          {tender.notices.map((notice) => (
            <li key={notice.id}>
              <p><b>{said.noticeKinds[notice.kind]}</b> {notice.sourceRef}, {said.day(notice.publishedAt)}</p>
              {notice.changes.length > 0 && (
                <dl className="changes">
                  {notice.changes.map(({ field, label, before, after }) => (
                    <div key={field}>
                      <dt>{label}</dt>
                      <dd>
                        <span className="hidden">{said.before} </span><del>{before ?? said.nothing}</del>
                        <span aria-hidden="true"> → </span>
                        <span className="hidden"> {said.after} </span><ins>{after ?? said.nothing}</ins>
                      </dd>
                    </div>
                  ))}
                </dl>
              )}
            </li>
          ))}
        </ol>
      </section>
      <Why tender={tender} watches={watches} />
    </>
  );
}

/** Why the reader's watches match the tender; of the others, why they do not. */
function Why({ tender, watches }: { tender: TenderDetailsFragment; watches: Watches }) {
  const said = useLanguage();
  if (watches.length === 0) return null;
  const matching = tender.matchedBy.map(({ watch }) => watch);
  const others = watches.filter(({ id }) => !matching.some((watch) => watch.id === id));
  return (
    <section className="card unprinted" aria-labelledby="why">
      <h2 id="why">{said.why}</h2>
      {matching.length === 0 && <p>{said.noneMatches}</p>}
      {matching.map((watch) => <Explained key={watch.id} watch={watch} tenderId={tender.id} begin />)}
      {others.length > 0 && (
        <>
          <h3>{said.otherWatches}</h3>
          {others.map((watch) => <Explained key={watch.id} watch={watch} tenderId={tender.id} />)}
        </>
      )}
    </section>
  );
}

function Explained({ watch, tenderId, begin = false }: { watch: { id: string; name: string }; tenderId: string; begin?: boolean }) {
  const [open, setOpen] = useState(begin);
  return (
    <details className="explained" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{watch.name}</summary>
      {open && <Criteria watchId={watch.id} tenderId={tenderId} />}
    </details>
  );
}

function Criteria({ watchId, tenderId }: { watchId: string; tenderId: string }) {
  const said = useLanguage();
  const { data, error, refetch } = useQuery(ExplanationDocument, { variables: { watchId, tenderId } });
  const explained = data?.explainMatch;
  if (!explained) return error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={2} />;
  if (explained.criteria.length === 0) return <p>{said.noCriteria}</p>;
  return (
    <ul className="criteria">
      {explained.criteria.map(({ criterion, label, satisfied, wanted, found }) => (
        <li key={criterion} className={satisfied ? 'satisfied' : 'unsatisfied'}>
          <b>{label}</b> <span className="tag">{satisfied ? said.matches : said.matchesNot}</span>
          <p>{said.wanted} {wanted.join(', ')}</p>
          <p>{said.found} {found.join(', ') || said.nothing}</p>
        </li>
      ))}
    </ul>
  );
}
