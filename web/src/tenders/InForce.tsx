import { useQuery } from '@apollo/client/react';
import { Chosen } from '../fields/Chosen';
import { FilterNamesDocument } from '../gql/facets';
import { useLanguage } from '../language';
import { narrowings, type Narrowing } from './asked';
import type { ListPlace } from './place';

/** The filters in force, each with what takes it away. `then` is where the focus goes once none is left. */
export function InForce({ place, then }: { place: ListPlace; then: () => HTMLElement | null }) {
  const said = useLanguage();
  const nameOf = useFilterNames(place);
  if (!place.filtered) return null;
  const filters = narrowings.flatMap((dimension) => place.chosen(dimension).map((value) => ({ id: `${dimension} ${value}`, dimension, value })));
  const label = (dimension: Narrowing, value: string) => {
    const name = nameOf(value);
    return name === undefined ? said.filters[dimension] : `${said.labelled(said.filters[dimension])} ${name}`;
  };
  function clear() {
    place.clear();
    then()?.focus();
  }
  return (
    <div className="inforce">
      <Chosen
        label={said.inForce}
        items={filters.map(({ id, dimension, value }) => ({ id, label: label(dimension, value) }))}
        take={(id) => {
          const { dimension, value } = filters.find((filter) => filter.id === id)!;
          place.toggle(dimension, value);
        }}
        then={then}
      />
      <button type="button" className="link" onClick={clear}>{said.clearFilters}</button>
    </div>
  );
}

export type NameOf = (value: string) => string | undefined;

/** How the filters in force are called, as far as is known: of a list that they leave empty, no counts say it. */
export function useFilterNames(place: ListPlace): NameOf {
  const said = useLanguage();
  const ids = [...place.chosen('buyerIds'), ...place.chosen('watches')];
  const { data: now, previousData } = useQuery(FilterNamesDocument, { variables: { ids }, skip: !place.filtered });
  const data = now ?? previousData;
  if (!data) return () => undefined;
  const { choices, departments, sources, nodes } = data;
  const names = new Map([
    ...[choices.natures, choices.procedures, choices.deadlineKinds, choices.techniques].flat().map(({ value, label }) => [value, label] as const),
    ...departments.map(({ code, name }) => [code, `${name} (${code})`] as const),
    ...sources.map(({ name, label }) => [name, label] as const),
    ...nodes.flatMap((node) => (node && 'name' in node ? [[node.id, node.name] as const] : [])),
    ['NATIONWIDE', said.nationwide] as const,
    ['ABROAD', said.abroad] as const,
  ]);
  return (value) => names.get(value);
}
