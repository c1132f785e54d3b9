import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { useDeferredValue, useEffect } from 'react';
import { forgetMarks, forgetMatches, unknownFilter } from '../client';
import { MatchingTendersDocument, type TenderRowFragment } from '../gql/first';
import { DismissTenderDocument } from '../gql/lists';
import { Exports } from './Exports';
import { useLanguage } from '../language';
import { useMessages } from '../messages';
import { Failure, Skeleton } from '../Page';
import { BadFilter } from './BadFilter';
import { Facets, MatchingFacets } from './Facets';
import { InterestButton } from './Interest';
import { marked } from './Marked';
import { ListSettings, Pager } from './Pager';
import { matchingOf } from './asked';
import { useListPlace } from './place';
import { TenderTable } from './TenderTable';
import { Views } from './Views';

const focusHeading = () => document.getElementById('matching')?.focus();

/** The tenders online now that the reader's active watches match, or those of the watches that the address names. */
export function Matching() {
  const said = useLanguage();
  const place = useListPlace();
  const { first, page, ...asked } = matchingOf(place);
  const { data: now, previousData, error, loading, refetch } = useQuery(MatchingTendersDocument, { variables: { ...asked, first, page } });
  const pages = now?.matchingTenders?.pageCount;
  useEffect(() => {
    if (pages != null && place.page > Math.max(pages, 1)) place.endAt(Math.max(pages, 1));
  });
  // Its rows are many: what stands above them is drawn first.
  const newest = (now ?? previousData)?.matchingTenders ?? null;
  const list = useDeferredValue(newest, null);
  if (error && unknownFilter(error)) return <BadFilter place={place} then={focusHeading} />;
  if (!list) return error ? <Failure error={error} text={said.searchDown} retry={refetch} /> : <Skeleton lines={place.size} tall />;

  const count = list.totalCount ?? 0;
  return (
    <>
      <p className="total" role="status">{said.matchingCount(count, said.number(count))}</p>
      {error && <Failure error={error} text={said.searchDown} retry={refetch} />}
      <Views place={place} />
      <Exports list="matching-tenders" variables={asked} none={count === 0} />
      {count > 0 && <ListSettings place={place} />}
      <Facets place={place}><MatchingFacets place={place} /></Facets>
      {list.edges.length > 0 && (
        <TenderTable
          labelledBy="matching"
          busy={loading || list !== newest}
          lines={list.edges.map(({ node, matchedBy, highlights }) => ({
            tender: node,
            ...marked(node.title, highlights),
            about: matchedBy.length > 0 && (
              <span className="why">
                {matchedBy.length > 1 ? said.matchedBySeveral : said.matchedBy}{' '}
                {matchedBy.map(({ watch, keywords }) => (keywords.length > 0 ? `${watch.name} (${keywords.join(', ')})` : watch.name)).join(' · ')}
              </span>
            ),
            action: <><InterestButton tender={node} filtered={place.view === 'interested'} />{node.dismissed ? <RestoreButton tender={node} then={focusHeading} /> : <DismissButton tender={node} />}</>,
          }))}
        />
      )}
      {count === 0 && <p className="empty">{place.filtered ? said.noneFiltered : said.noneInView[place.view]}</p>}
      {count > 0 && <Pager place={place} pages={list.pageCount ?? 1} heading="matching" />}
    </>
  );
}

function DismissButton({ tender: { id, title } }: { tender: TenderRowFragment }) {
  const said = useLanguage();
  const { dismiss } = useDismissal();
  return <button type="button" className="link" aria-label={said.dismissTender(title)} onClick={() => void dismiss(id, title)}>{said.dismiss}</button>;
}

/** Puts a tender back into the lists, which takes it out of the one of what was dismissed. */
export function RestoreButton({ tender: { id, title }, then }: { tender: TenderRowFragment; then: () => void }) {
  const said = useLanguage();
  const { restore } = useDismissal();
  async function go() {
    if (await restore(id)) then(); // the row goes
  }
  return <button type="button" className="link" aria-label={said.restoreTender(title)} onClick={() => void go()}>{said.restore}</button>;
}

/** Takes tenders out of the lists, and puts them back. */
export function useDismissal() {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const [mark] = useMutation(DismissTenderDocument);
  async function change(tenderId: string, dismissed: boolean): Promise<boolean> {
    const { data, error } = await mark({ variables: { tenderId, dismissed }, errorPolicy: 'all' });
    const problem = data?.dismissTender?.userErrors[0]?.message ?? (error && said.notSaved);
    if (problem) say({ text: problem });
    else {
      forgetMarks(client);
      forgetMatches(client);
    }
    return !problem;
  }
  return {
    async dismiss(id: string, title: string) {
      if (await change(id, true)) say({ text: said.dismissed(title), action: { label: said.undo, run: () => void change(id, false), focus: true } });
    },
    restore: (id: string) => change(id, false),
  };
}
