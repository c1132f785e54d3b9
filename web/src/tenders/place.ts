import type { Nature, Procedure, TenderFilter, TenderOrder } from '../gql/graphql';
import { navigate, replace, usePlace } from '../router';

/** The dimensions that a list can be narrowed by, and how each is called in the address. */
export const dimensions = {
  departmentCodes: 'departement', buyerIds: 'organisme', natures: 'nature', procedures: 'procedure',
  deadlineKinds: 'reponse', techniques: 'technique', sources: 'source',
} as const;
export type Dimension = keyof typeof dimensions;
export const dimensionNames = Object.keys(dimensions) as Dimension[];

/** The values of a dimension that has but few: an address that names another is taken to name none. */
const known: { natures: Nature[]; procedures: Procedure[] } & Partial<Record<Dimension, string[]>> = {
  natures: ['WORKS', 'SUPPLIES', 'SERVICES'],
  procedures: ['OPEN', 'RESTRICTED', 'NEGOTIATED', 'COMPETITIVE_DIALOGUE', 'ADAPTED', 'OTHER'],
};

/** Watches narrow a list too, where it is one of matching tenders; they are no part of its filter. */
const addressed = { ...dimensions, watches: 'veille' } as const;
export type Narrowing = keyof typeof addressed;

/** Which tenders of a list are shown, by the reader's marks, and how each view is called in the address. */
export const views = { all: '', unseen: 'nonvus', interested: 'aetudier', dismissed: 'ecartes' } as const;
export type View = keyof typeof views;

/** What a view asks of the reader's marks. */
const marks: Record<View, TenderFilter> = { all: {}, unseen: { seen: 'HIDE' }, interested: { interested: 'ONLY' }, dismissed: { dismissed: 'ONLY' } };

export const pageSizes = [10, 20, 50, 100];
const orders: TenderOrder[] = ['PUBLISHED_AT_DESC', 'DEADLINE_ASC'];

/** What a list shows; it stands in the address, so that it can be linked to, kept, and returned to. */
export interface ListPlace {
  words: string;
  onlineOnly: boolean;
  /** By dimensions and the view. */
  filter: TenderFilter;
  /** By the boxes of the filters: not by the view alone. */
  filtered: boolean;
  view: View;
  order: TenderOrder | undefined;
  size: number;
  page: number;
  /** Goes to another page of the list. */
  turnTo(page: number): void;
  /** The list has fewer pages than the address says: the last one is shown. */
  endAt(page: number): void;
  /** Changes what is listed, which begins at its first page. */
  change(change: (address: URLSearchParams) => void): void;
  chosen(dimension: Narrowing): string[];
  toggle(dimension: Narrowing, value: string): void;
  /** Narrows the list to departments, and searches for other words. */
  within(departments: string[], words: string): void;
  clear(): void;
  /** The address of another view of the list. */
  viewed(view: View): string;
}

export function useListPlace(): ListPlace {
  const { search } = usePlace();
  const chosen = (dimension: Narrowing) => {
    const values = search.getAll(addressed[dimension]);
    const all = dimension === 'watches' ? undefined : known[dimension];
    return all ? values.filter((value) => all.includes(value)) : values;
  };
  const order = orders.find((order) => order === search.get('tri'));
  const size = Number(search.get('taille'));
  const page = Number(search.get('page'));
  const view = (Object.keys(views) as View[]).find((view) => views[view] === search.get('vue')) ?? 'all';

  const address = (change: (address: URLSearchParams) => void) => {
    const next = new URLSearchParams(search);
    change(next);
    const text = next.toString();
    return location.pathname + (text && `?${text}`);
  };
  const onPage = (page: number) => address((address) => (page > 1 ? address.set('page', String(page)) : address.delete('page')));
  const changed = (how: (address: URLSearchParams) => void) =>
    address((address) => {
      address.delete('page');
      how(address);
    });
  const change = (how: (address: URLSearchParams) => void) => navigate(changed(how));
  const everyDimension = Object.keys(addressed) as Narrowing[];
  const filtered = everyDimension.some((name) => chosen(name).length > 0);
  return {
    words: search.get('mots') ?? '',
    onlineOnly: search.get('enligne') !== 'non',
    filter: {
      ...Object.fromEntries(dimensionNames.map((name) => [name, chosen(name)]).filter(([, values]) => values!.length > 0)),
      ...marks[view],
    },
    filtered,
    view,
    order,
    size: pageSizes.includes(size) ? size : 10,
    page: Number.isInteger(page) && page > 0 ? page : 1,
    turnTo: (page) => navigate(onPage(page)),
    endAt: (page) => replace(onPage(page)),
    change,
    chosen,
    toggle: (dimension, value) =>
      change((address) => {
        const name = addressed[dimension];
        const others = address.getAll(name);
        address.delete(name);
        for (const other of others.includes(value) ? others.filter((other) => other !== value) : [...others, value]) address.append(name, other);
      }),
    within: (departments, words) =>
      change((address) => {
        const name = dimensions.departmentCodes;
        address.delete(name);
        departments.forEach((code) => address.append(name, code));
        if (words) address.set('mots', words);
        else address.delete('mots');
      }),
    clear: () => change((address) => everyDimension.forEach((name) => address.delete(addressed[name]))),
    viewed: (view) => changed((address) => (view === 'all' ? address.delete('vue') : address.set('vue', views[view]))),
  };
}
