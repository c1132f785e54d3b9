import { useQuery } from '@apollo/client/react';
import { useEffect, useRef, useState } from 'react';
import { Choice } from '../fields/Field';
import { changeAndFocus } from '../focus';
import { WatchFacetsDocument, type FacetsFragment } from '../gql/graphql';
import { useLanguage } from '../language';
import { dimensionNames, type Dimension, type ListPlace, type Narrowing } from './place';

const shown = 6;

/** The counts of a list by dimension, each a box that narrows it; of one of matching tenders by watch, too. */
export function Facets({ facets, place, watches = false }: { facets: FacetsFragment | null | undefined; place: ListPlace; watches?: boolean }) {
  const said = useLanguage();
  const summary = useRef<HTMLElement>(null);
  // Narrowing by one of its boxes opens it; nothing but the reader closes it.
  const [open, setOpen] = useState(place.filtered);
  useEffect(() => {
    if (place.filtered) setOpen(true);
  }, [place.filtered]);
  function clear() {
    place.clear();
    summary.current?.focus(); // the button is no longer there
  }
  /** What was found is below; on a telephone the panel is long. */
  function fold() {
    changeAndFocus(() => setOpen(false), () => summary.current);
    summary.current!.scrollIntoView();
  }
  return (
    <details className="facets" open={open} onToggle={(event) => event.target === event.currentTarget && setOpen(event.currentTarget.open)}>
      <summary ref={summary}>{said.refine}</summary>
      {place.filtered && <p><button type="button" onClick={clear}>{said.clearFilters}</button></p>}
      <div className="columns">
        {watches && open && <Watches place={place} />}
        {dimensionNames.map((dimension) => <Facet key={dimension} dimension={dimension} counts={countsOf(facets, dimension)} place={place} />)}
      </div>
      <p className="narrow"><button type="button" onClick={fold}>{said.showFound}</button></p>
    </details>
  );
}

/** They are counted one by one, which is dear: only while the panel is open. */
function Watches({ place }: { place: ListPlace }) {
  const { data: now, previousData } = useQuery(WatchFacetsDocument, { variables: { filter: place.filter } });
  return <Facet dimension="watches" counts={(now ?? previousData)?.matchingTenders?.facets?.watches ?? []} place={place} />;
}

type Counts = FacetsFragment['departments'];

function countsOf(facets: FacetsFragment | null | undefined, dimension: Dimension): Counts {
  if (!facets) return [];
  return {
    departmentCodes: facets.departments, buyerIds: facets.buyers, natures: facets.natures, procedures: facets.procedures,
    deadlineKinds: facets.deadlineKinds, techniques: facets.techniques, sources: facets.sources,
  }[dimension];
}

/** Most lists have one value of these: then there is nothing to choose. */
const onlyWithChoice: Narrowing[] = ['deadlineKinds', 'techniques', 'sources'];

function Facet({ dimension, counts, place }: { dimension: Narrowing; counts: Counts; place: ListPlace }) {
  const said = useLanguage();
  const chosen = place.chosen(dimension);
  // What was chosen stays where it stands, also when it is no longer: the focus is on it.
  const [first] = useState(() => new Set(chosen));
  const [ever] = useState(() => new Set<string>());
  for (const value of chosen) ever.add(value);
  const absent = [...ever].filter((value) => !counts.some((count) => count.value === value));
  const all = [...counts, ...absent.map((value) => ({ value, label: said.chosenValue[dimension] ?? value, count: 0 }))];
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
