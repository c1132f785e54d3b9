import { navigate, replace, usePlace } from '../router';
import { addressed, dimensions, narrowings, readAddress, views, type Asked, type Narrowing, type View } from './asked';

/** What a list shows; it stands in the address, so that it can be linked to, kept, and returned to. */
export interface ListPlace extends Asked {
  /** By the boxes of the filters: not by the view alone. */
  filtered: boolean;
  /** Goes to another page of the list. */
  turnTo(page: number): void;
  /** The list has fewer pages than the address says: the last one is shown. */
  endAt(page: number): void;
  /** Changes what is listed, which begins at its first page. */
  change(change: (address: URLSearchParams) => void): void;
  toggle(dimension: Narrowing, value: string): void;
  /** Narrows the list to departments, and searches for other words. */
  within(departments: string[], words: string): void;
  clear(): void;
  /** The address of another view of the list. */
  viewed(view: View): string;
}

export function useListPlace(): ListPlace {
  const { search } = usePlace();
  const asked = readAddress(search);
  const { chosen } = asked;

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
  const filtered = narrowings.some((name) => chosen(name).length > 0);
  return {
    ...asked,
    filtered,
    turnTo: (page) => navigate(onPage(page)),
    endAt: (page) => replace(onPage(page)),
    change,
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
    clear: () => change((address) => narrowings.forEach((name) => address.delete(addressed[name]))),
    viewed: (view) => changed((address) => (view === 'all' ? address.delete('vue') : address.set('vue', views[view]))),
  };
}
