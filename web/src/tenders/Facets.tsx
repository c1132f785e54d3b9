import { useQuery } from '@apollo/client/react';
import { useRef, useState, type ReactNode } from 'react';
import { Choice } from '../fields/Field';
import { changeAndFocus } from '../focus';
import { MatchingFacetsDocument, SearchFacetsDocument, WatchFacetsDocument, type FacetsFragment } from '../gql/facets';
import { useLanguage } from '../language';
import { Failure, Skeleton } from '../Page';
import { dimensionNames, matchingOf, searchOf, type Dimension, type Narrowing } from './asked';
import { InForce, useFilterNames, type NameOf } from './InForce';
import type { ListPlace } from './place';

const shown = 6;

/** A panel of what narrows the list, which the reader alone opens and closes, and the filters in force. `children` are there while it is open. */
export function Facets({ place, children }: { place: ListPlace; children: ReactNode }) {
  const said = useLanguage();
  const summary = useRef<HTMLElement>(null);
  const [open, setOpen] = useState(false);
  /** What was found is below; on a telephone the panel is long. */
  function fold() {
    changeAndFocus(() => setOpen(false), () => summary.current);
    summary.current!.scrollIntoView();
  }
  return (
    <>
      <details className="facets" open={open} onToggle={(event) => event.target === event.currentTarget && setOpen(event.currentTarget.open)}>
        <summary ref={summary}>{said.refine}</summary>
        {open && children}
        <p className="narrow"><button type="button" onClick={fold}>{said.showFound}</button></p>
      </details>
      <InForce place={place} then={() => summary.current} />
    </>
  );
}

/** The counts of the tenders that the reader's watches match. */
export function MatchingFacets({ place }: { place: ListPlace }) {
  const { watchIds, filter } = matchingOf(place);
  const { data: now, previousData, error, refetch } = useQuery(MatchingFacetsDocument, { variables: { watchIds, filter } });
  return (
    <Columns facets={(now ?? previousData)?.matchingTenders?.facets} failure={error && <Failure error={error} retry={refetch} />} place={place}>
      <Watches place={place} />
    </Columns>
  );
}

/** The counts of the tenders that a search finds. */
export function SearchFacets({ place }: { place: ListPlace }) {
  const { search, filter } = searchOf(place);
  const { data: now, previousData, error, refetch } = useQuery(SearchFacetsDocument, { variables: { search, filter } });
  return <Columns facets={(now ?? previousData)?.tenders?.facets} failure={error && <Failure error={error} retry={refetch} />} place={place} />;
}

function Columns({ facets, failure, place, children }: { facets: FacetsFragment | null | undefined; failure: ReactNode; place: ListPlace; children?: ReactNode }) {
  const nameOf = useFilterNames(place);
  if (!facets) return failure || <Skeleton lines={3} />;
  return (
    <div className="columns">
      {children}
      {dimensionNames.map((dimension) => <Facet key={dimension} dimension={dimension} counts={countsOf(facets, dimension)} place={place} nameOf={nameOf} />)}
    </div>
  );
}

/** How many there are of each watch. They are counted one by one, which is dear. */
function Watches({ place }: { place: ListPlace }) {
  const nameOf = useFilterNames(place);
  const { data: now, previousData } = useQuery(WatchFacetsDocument, { variables: { filter: place.filter } });
  return <Facet dimension="watches" counts={(now ?? previousData)?.matchingTenders?.facets?.watches ?? []} place={place} nameOf={nameOf} />;
}

type Counts = FacetsFragment['departments'];

function countsOf(facets: FacetsFragment, dimension: Dimension): Counts {
  return {
    departmentCodes: facets.departments, buyerIds: facets.buyers, natures: facets.natures, procedures: facets.procedures,
    deadlineKinds: facets.deadlineKinds, techniques: facets.techniques, sources: facets.sources,
  }[dimension];
}

/** Most lists have one value of these: then there is nothing to choose. */
const onlyWithChoice: Narrowing[] = ['deadlineKinds', 'techniques', 'sources'];

/** The counts of a list by one dimension, each a box that narrows it. */
function Facet({ dimension, counts, place, nameOf }: { dimension: Narrowing; counts: Counts; place: ListPlace; nameOf: NameOf }) {
  const said = useLanguage();
  const chosen = place.chosen(dimension);
  // What was chosen stays where it stands, also when it is no longer: the focus is on it.
  const [first] = useState(() => new Set(chosen));
  const [ever] = useState(() => new Set<string>());
  for (const value of chosen) ever.add(value);
  const absent = [...ever].filter((value) => !counts.some((count) => count.value === value));
  const all = [...counts, ...absent.map((value) => ({ value, label: nameOf(value) ?? value, count: 0 }))];
  if (all.length < (onlyWithChoice.includes(dimension) && ever.size === 0 ? 2 : 1)) return null;
  const box = (count: Counts[number]) => (
    <Choice
      key={count.value}
      label={<>{count.label} <span className="count">({said.number(count.count)})</span></>}
      checked={chosen.includes(count.value)}
      onChange={() => place.toggle(dimension, count.value)}
    />
  );
  const above = all.filter(({ value }, i) => i < shown || first.has(value));
  const rest = all.filter((count) => !above.includes(count));
  return (
    <fieldset>
      <legend>{said.facets[dimension]}</legend>
      {above.map(box)}
      {rest.length > 0 && (
        <details>
          <summary>{said.moreValues(rest.length, said.number(rest.length))}</summary>
          {rest.map(box)}
        </details>
      )}
    </fieldset>
  );
}
