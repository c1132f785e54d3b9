/** Where the page lives. */
export const base = '/veille';

/** A way below the page: to('veilles', id). */
export function to(...path: string[]): string {
  return [base, ...path.map(encodeURIComponent)].join('/');
}
