import { useQuery } from '@apollo/client/react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { Choice } from '../fields/Field';
import { SearchTendersDocument } from '../gql/search';
import { Failure, Page, Skeleton } from '../Page';
import { unknownFilter } from '../client';
import { Link, to, usePlace } from '../router';
import { Sources } from '../Sources';
import { BadFilter } from '../tenders/BadFilter';
import { Exports } from '../tenders/Exports';
import { Facets, SearchFacets } from '../tenders/Facets';
import { InterestButton } from '../tenders/Interest';
import { marked } from '../tenders/Marked';
import { RestoreButton } from '../tenders/Matching';
import { ListSettings, Pager } from '../tenders/Pager';
import { dimensionNames, dimensions, searchOf } from '../tenders/asked';
import { useListPlace, type ListPlace } from '../tenders/place';
import { Places } from '../tenders/Places';
import { TenderTable } from '../tenders/TenderTable';
import { Views } from '../tenders/Views';
import { useSearchWords } from '../words/search';

/** Free search over all tenders. */
export function Search() {
  const said = useSearchWords();
  const place = useListPlace();
  const [typed, setTyped] = useState(place.words);
  // The box says what the list was asked for, also after a button, or after going back.
  const { search: address } = usePlace();
  const [asked, setAsked] = useState(address);
  if (asked !== address) {
    setAsked(address);
    setTyped(place.words);
  }
  function search(event: FormEvent) {
    event.preventDefault();
    place.change((address) => (typed.trim() ? address.set('mots', typed.trim()) : address.delete('mots')));
  }
  return (
    <Page title={said.search}>
      <form className="card search" role="search" onSubmit={search}>
        <label htmlFor="words">{said.searchLabel}</label>
        <p id="words-hint" className="hint">{said.searchHint}</p>
        <div className="row">
          <input id="words" type="search" aria-describedby="words-hint" maxLength={200} value={typed} onChange={(event) => setTyped(event.target.value)} />
          <button type="submit" className="button">{said.searchButton}</button>
        </div>
        <Choice label={said.onlineOnly} checked={place.onlineOnly} onChange={(only) => place.change((address) => (only ? address.delete('enligne') : address.set('enligne', 'non')))} />
      </form>
      <section className="card" aria-label={said.search}>
        <Found place={place} />
      </section>
      <Sources />
    </Page>
  );
}

function Found({ place }: { place: ListPlace }) {
  const said = useSearchWords();
  const { first, page, ...asked } = searchOf(place);
  const { data: now, previousData, error, loading, refetch } = useQuery(SearchTendersDocument, { variables: { ...asked, first, page } });
  const found = useRef<HTMLParagraphElement>(null);
  const pages = now?.tenders?.pageCount;
  useEffect(() => {
    if (pages != null && place.page > Math.max(pages, 1)) place.endAt(Math.max(pages, 1));
  });
  if (error && unknownFilter(error)) return <BadFilter place={place} then={() => document.querySelector('h1')?.focus()} />;
  const list = (now ?? previousData)?.tenders;
  if (!list) return error ? <Failure error={error} text={said.searchDown} retry={refetch} /> : <Skeleton lines={place.size} tall />;

  const count = list.totalCount ?? 0;
  return (
    <>
      <p id="found" className="total" role="status" tabIndex={-1} ref={found}>{said.foundCount(count, said.number(count))}</p>
      {list.corrected && <p id="corrected">{said.corrected(list.corrected)}</p>}
      <Places places={now?.tenders?.places ?? []} place={place} then={() => found.current?.focus()} />
      {error && <Failure error={error} text={said.searchDown} retry={refetch} />}
      {(place.words || place.filtered) && <p className="ask"><Link href={watchOf(place)}>{said.watchThis}</Link></p>}
      <Views place={place} />
      <Exports list="tenders" variables={asked} none={count === 0} />
      {count > 0 && <ListSettings place={place} relevance={place.words !== ''} />}
      <Facets place={place}><SearchFacets place={place} /></Facets>
      {list.edges.length > 0 && (
        <TenderTable
          labelledBy="found"
          busy={loading}
          lines={list.edges.map(({ node, highlights }) => ({
            tender: node,
            ...marked(node.title, highlights),
            action: (
              <>
                <InterestButton tender={node} filtered={place.view === 'interested'} />
                {node.dismissed && <RestoreButton tender={node} then={() => found.current?.focus()} />}
              </>
            ),
          }))}
        />
      )}
      {count === 0 && <p className="empty">{place.filtered ? said.noneFiltered : place.view === 'all' ? said.noneFound : said.noneInView[place.view]}</p>}
      {count > 0 && <Pager place={place} pages={list.pageCount ?? 1} heading="found" />}
    </>
  );
}

/** The form of a new watch that looks for what the list was asked for: its address has the same parts. */
function watchOf({ words, chosen }: ListPlace): string {
  const asked = new URLSearchParams(words && { mots: words });
  for (const name of dimensionNames) for (const value of chosen(name)) asked.append(dimensions[name], value);
  return `${to('nouvelle')}?${asked}`;
}
