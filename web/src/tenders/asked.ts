import { to } from '../address';
import type { Nature, Procedure, TenderFilter, TenderOrder } from '../gql/first';

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
export const addressed = { ...dimensions, watches: 'veille' } as const;
export type Narrowing = keyof typeof addressed;
export const narrowings = Object.keys(addressed) as Narrowing[];

/** Which tenders of a list are shown, by the reader's marks, and how each view is called in the address. */
export const views = { all: '', unseen: 'nonvus', interested: 'aetudier', dismissed: 'ecartes' } as const;
export type View = keyof typeof views;

/** What a view asks of the reader's marks. */
const marks: Record<View, TenderFilter> = { all: {}, unseen: { seen: 'HIDE' }, interested: { interested: 'ONLY' }, dismissed: { dismissed: 'ONLY' } };

export const pageSizes = [10, 20, 50];
const orders: TenderOrder[] = ['PUBLISHED_AT_DESC', 'DEADLINE_ASC'];

/** What an address asks of a list. */
export interface Asked {
  words: string;
  onlineOnly: boolean;
  /** By dimensions and the view. */
  filter: TenderFilter;
  view: View;
  order: TenderOrder | undefined;
  size: number;
  page: number;
  chosen(dimension: Narrowing): string[];
}

export function readAddress(search: URLSearchParams): Asked {
  const chosen = (dimension: Narrowing) => {
    const values = search.getAll(addressed[dimension]);
    const all = dimension === 'watches' ? undefined : known[dimension];
    return all ? values.filter((value) => all.includes(value)) : values;
  };
  const size = Number(search.get('taille'));
  const page = Number(search.get('page'));
  const view = (Object.keys(views) as View[]).find((view) => views[view] === search.get('vue')) ?? 'all';
  return {
    words: search.get('mots') ?? '',
    onlineOnly: search.get('enligne') !== 'non',
    filter: {
      ...Object.fromEntries(dimensionNames.map((name) => [name, chosen(name)]).filter(([, values]) => values!.length > 0)),
      ...marks[view],
    },
    view,
    order: orders.find((order) => order === search.get('tri')),
    size: pageSizes.includes(size) ? size : 10,
    page: Number.isInteger(page) && page > 0 ? page : 1,
    chosen,
  };
}

/** What the list of the reader's watches is asked by. */
export function matchingOf({ chosen, filter, order, size, page }: Asked) {
  const watchIds = chosen('watches');
  return { watchIds: watchIds.length > 0 ? watchIds : null, filter, orderBy: order ?? ('PUBLISHED_AT_DESC' as const), first: size, page };
}

/** What the free search is asked by. */
export function searchOf({ words, filter, onlineOnly, order, size, page }: Asked) {
  return { search: words, filter: { ...filter, ...(onlineOnly && { statuses: ['ONLINE' as const] }) }, orderBy: order, first: size, page };
}

/** The list at an address, and the addresses of its pages. */
export function listAt(list: string) {
  const url = new URL(list, location.origin);
  const asked = readAddress(url.searchParams);
  const onPage = (page: number) => {
    const other = new URL(url);
    if (page > 1) other.searchParams.set('page', String(page));
    else other.searchParams.delete('page');
    return other.pathname + other.search;
  };
  return { ...asked, free: url.pathname === to('recherche'), onPage };
}
