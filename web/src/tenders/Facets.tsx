import { useRef } from 'react';
import { Choice } from '../fields/Field';
import type { FacetsFragment } from '../gql/graphql';
import { useLanguage } from '../language';
import { dimensionNames, type Dimension, type ListPlace } from './place';

const shown = 6;

/** The counts of a list by dimension, each a box that narrows it. */
export function Facets({ facets, place }: { facets: FacetsFragment | null | undefined; place: ListPlace }) {
  const said = useLanguage();
  const summary = useRef<HTMLElement>(null);
  function clear() {
    place.clear();
    summary.current?.focus(); // the button is no longer there
  }
  return (
    <details className="facets" open={place.narrowed || undefined}>
      <summary ref={summary}>{said.refine}</summary>
      {place.narrowed && <p><button type="button" onClick={clear}>{said.clearFilters}</button></p>}
      <div className="columns">
        {dimensionNames.map((dimension) => <Facet key={dimension} dimension={dimension} counts={countsOf(facets, dimension)} place={place} />)}
      </div>
    </details>
  );
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
const onlyWithChoice: Dimension[] = ['deadlineKinds', 'techniques', 'sources'];

function Facet({ dimension, counts, place }: { dimension: Dimension; counts: Counts; place: ListPlace }) {
  const said = useLanguage();
  const chosen = place.chosen(dimension);
  const least = onlyWithChoice.includes(dimension) ? 2 : 1;
  if (counts.length < least && chosen.length === 0) return null;
  // What is chosen stands there also where nothing is left of it; then the API does not name it.
  const absent = chosen.filter((value) => !counts.some((count) => count.value === value));
  const all = [...counts, ...absent.map((value) => ({ value, label: dimension === 'buyerIds' ? said.chosenBuyer : value, count: 0 }))];
  const first = all.filter(({ value }, i) => i < shown || chosen.includes(value));
  const rest = all.filter((count) => !first.includes(count));
  const box = (count: Counts[number]) => (
    <Choice
      key={count.value}
      label={<>{count.label} <span className="count">({said.number(count.count)})</span></>}
      checked={chosen.includes(count.value)}
      onChange={() => place.toggle(dimension, count.value)}
    />
  );
  return (
    <fieldset>
      <legend>{said.facets[dimension]}</legend>
      {first.map(box)}
      {rest.length > 0 && (
        <details>
          <summary>{said.moreValues(rest.length, said.number(rest.length))}</summary>
          {rest.map(box)}
        </details>
      )}
    </fieldset>
  );
}
