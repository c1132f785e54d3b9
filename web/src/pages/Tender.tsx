import { useMutation, useQuery } from '@apollo/client/react';
import { useEffect, useState } from 'react';
import { ExplanationDocument, MarkTendersSeenDocument, TenderPageDocument, type TenderDetailsFragment } from '../gql/tender';
import { Failure, Page, Skeleton } from '../Page';
import { Link, to, usePlace } from '../router';
import { Banner } from '../tenders/Banner';
import { Facts, KeyFacts } from '../tenders/Facts';
import { Award, Lots } from '../tenders/Lots';
import { Parts } from '../tenders/Marked';
import { InterestButton } from '../tenders/Interest';
import { useDismissal } from '../tenders/Matching';
import { PlannedReminders } from '../tenders/PlannedReminders';
import { Notices } from '../tenders/Notices';
import { Way } from '../tenders/Way';
import { useTenderWords } from '../words/tender';

/** A tender's own page, by its number at its source: where the links of mails lead. */
export function TenderPage({ source, sourceRef }: { source: string; sourceRef: string }) {
  const said = useTenderWords();
  const { trail } = usePlace();
  const { data, error, refetch } = useQuery(TenderPageDocument, { variables: { source, sourceRef }, fetchPolicy: 'cache-and-network' });
  const tender = data?.tenderBySourceRef;
  return (
    <Page title={tender?.title ?? said.tender} above={<Way trail={trail} source={source} sourceRef={sourceRef} />}>
      {tender && <Details tender={tender} watches={data.watches?.nodes ?? []} />}
      {data && !tender && !error && <p className="card empty">{said.unknownTender} <Link href={to('recherche')}>{said.search}</Link></p>}
      {!tender && error && <Failure error={error} retry={refetch} />}
      {!data && !error && <Skeleton lines={6} tall />}
    </Page>
  );
}

type Watches = { id: string; name: string }[];

function Details({ tender, watches }: { tender: TenderDetailsFragment; watches: Watches }) {
  const said = useTenderWords();
  const { dismiss, restore } = useDismissal();
  const [markSeen] = useMutation(MarkTendersSeenDocument);
  const { id, seen } = tender;
  useEffect(() => {
    if (!seen) void markSeen({ variables: { tenderIds: [id], seen: true }, errorPolicy: 'all' });
  }, [id, seen, markSeen]);
  const open = tender.status === 'ONLINE';
  const links = [
    { href: open ? tender.submissionUrl : null, label: said.submission },
    { href: tender.status === 'CANCELLED' ? null : tender.documentsUrl, label: said.documents },
    { href: tender.url, label: said.source },
  ].filter(({ href }) => href);
  // Those of lots stand with their lots.
  const awards = tender.awards.filter(({ lot }) => !lot || !tender.lots.some(({ number }) => number === lot));
  return (
    <>
      <Banner tender={tender} />
      <section className="card" aria-label={said.tender}>
        {tender.dismissed && <p className="warning">{said.dismissedHere}</p>}
        <KeyFacts tender={tender} />
        <p className="row unprinted">
          {/* One thing to do stands out; what cannot be answered does not ask to be. */}
          {links.map(({ href, label }, i) => <a key={label} className={!open ? undefined : i === 0 ? 'button' : 'button second'} href={href!} rel="noreferrer">{label}</a>)}
          <InterestButton tender={tender} plain />
          {tender.calendarUrl && open && <a className="button second" href={tender.calendarUrl}>{said.addToCalendar}</a>}
          {tender.dismissed
            ? <button type="button" onClick={() => void restore(id)}>{said.restore}</button>
            : <button type="button" onClick={() => void dismiss(id, tender.title)}>{said.dismiss}</button>}
          <button type="button" onClick={() => print()}>{said.print}</button>
        </p>
        <PlannedReminders tender={tender} />
        <Facts tender={tender} />
      </section>
      {tender.description && (
        <section className="card" aria-labelledby="description">
          <h2 id="description">{said.description}</h2>
          <p className="text">{tender.description}</p>
        </section>
      )}
      {tender.awardCriteria.length > 0 && (
        <section className="card" aria-labelledby="award-criteria">
          <h2 id="award-criteria">{said.awardCriteria}</h2>
          <ul className="lots">{tender.awardCriteria.map(({ label }, i) => <li key={i}>{label}</li>)}</ul>
        </section>
      )}
      {tender.lots.length > 0 && <Lots lots={tender.lots} />}
      {awards.length > 0 && (
        <section className="card" aria-labelledby="awards">
          <h2 id="awards">{said.awards}</h2>
          {awards.map((award, i) => (
            <div key={i}>
              {award.lot && <h3>{said.lot(award.lot)}</h3>}
              <Award award={award} />
            </div>
          ))}
        </section>
      )}
      <Notices tender={tender} />
      <Why tender={tender} watches={watches} />
    </>
  );
}

/** Why the reader's watches match the tender; of the others, why they do not. */
function Why({ tender, watches }: { tender: TenderDetailsFragment; watches: Watches }) {
  const said = useTenderWords();
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
  const said = useTenderWords();
  const { data, error, refetch } = useQuery(ExplanationDocument, { variables: { watchId, tenderId } });
  const explained = data?.explainMatch;
  if (!explained) return error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={2} />;
  if (explained.criteria.length === 0) return <p>{said.noCriteria}</p>;
  return (
    <ul className="criteria">
      {explained.criteria.map(({ criterion, label, satisfied, wanted, found, places }) => (
        <li key={criterion} className={satisfied ? 'satisfied' : 'unsatisfied'}>
          <b>{label}</b> <span className="tag">{satisfied ? said.matches : said.matchesNot}</span>
          <p>{said.wanted} {wanted.join(', ')}</p>
          <p>{said.found} {found.join(', ') || said.nothing}</p>
          {places.map((place, i) => (
            <p key={i} className="passage">
              <span className="label">{said.foundIn(place.label)}</span>{' '}
              {place.place !== 'CPV' && <Parts parts={place.excerpt} />}
            </p>
          ))}
        </li>
      ))}
    </ul>
  );
}
