import type { TenderFilter, TenderOrder } from '../gql/graphql';
import { navigate, usePlace } from '../router';

/** The dimensions that a list can be narrowed by, and how each is called in the address. */
export const dimensions = {
  departmentCodes: 'departement', buyerIds: 'organisme', natures: 'nature', procedures: 'procedure',
  deadlineKinds: 'reponse', techniques: 'technique', sources: 'source',
} as const;
export type Dimension = keyof typeof dimensions;
export const dimensionNames = Object.keys(dimensions) as Dimension[];

export const pageSizes = [10, 20, 50, 100];
const orders: TenderOrder[] = ['PUBLISHED_AT_DESC', 'DEADLINE_ASC'];

/** What a list shows; it stands in the address, so that it can be linked to, kept, and returned to. */
export interface ListPlace {
  words: string;
  onlineOnly: boolean;
  filter: TenderFilter;
  narrowed: boolean;
  /** Only what the reader marked as of interest. */
  interestedOnly: boolean;
  order: TenderOrder | undefined;
  size: number;
  page: number;
  /** Goes to another page of the list. */
  turnTo(page: number): void;
  /** Changes what is listed, which begins at its first page. */
  change(change: (address: URLSearchParams) => void): void;
  chosen(dimension: Dimension): string[];
  toggle(dimension: Dimension, value: string): void;
  /** Narrows the list to departments, and searches for other words. */
  within(departments: string[], words: string): void;
  clear(): void;
}

export function useListPlace(): ListPlace {
  const { search } = usePlace();
  const chosen = (dimension: Dimension) => search.getAll(dimensions[dimension]);
  const order = orders.find((order) => order === search.get('tri'));
  const size = Number(search.get('taille'));
  const page = Number(search.get('page'));
  const interestedOnly = search.get('etudier') === 'oui';

  function go(change: (address: URLSearchParams) => void) {
    const next = new URLSearchParams(search);
    change(next);
    const text = next.toString();
    navigate(location.pathname + (text && `?${text}`));
  }
  function change(how: (address: URLSearchParams) => void) {
    go((address) => {
      address.delete('page');
      how(address);
    });
  }
  return {
    words: search.get('mots') ?? '',
    onlineOnly: search.get('enligne') !== 'non',
    // The address says what it likes; the API refuses what it does not know.
    filter: {
      ...Object.fromEntries(dimensionNames.map((name) => [name, chosen(name)]).filter(([, values]) => values!.length > 0)),
      ...(interestedOnly && { interested: 'ONLY' as const }),
    },
    narrowed: interestedOnly || dimensionNames.some((name) => chosen(name).length > 0),
    interestedOnly,
    order,
    size: pageSizes.includes(size) ? size : 10,
    page: Number.isInteger(page) && page > 0 ? page : 1,
    turnTo: (page) => go((address) => (page > 1 ? address.set('page', String(page)) : address.delete('page'))),
    change,
    chosen,
    toggle: (dimension, value) =>
      change((address) => {
        const name = dimensions[dimension];
        if (address.has(name, value)) address.delete(name, value);
        else address.append(name, value);
      }),
    within: (departments, words) =>
      change((address) => {
        const name = dimensions.departmentCodes;
        address.delete(name);
        departments.forEach((code) => address.append(name, code));
        if (words) address.set('mots', words);
        else address.delete('mots');
      }),
    clear: () =>
      change((address) => {
        dimensionNames.forEach((name) => address.delete(dimensions[name]));
        address.delete('etudier');
      }),
  };
}
