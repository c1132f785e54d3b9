import { useMemo, useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from 'react';
import { base, to } from './address';

export { to };

const moved = 'vigie-moved';

function subscribe(listener: () => void): () => void {
  addEventListener('popstate', listener);
  addEventListener(moved, listener);
  return () => {
    removeEventListener('popstate', listener);
    removeEventListener(moved, listener);
  };
}

/** The way below the page, in pieces, and what is asked of it. */
export interface Place {
  path: string[];
  search: URLSearchParams;
  /** The list that the reader came from, where they did. */
  trail: Trail | undefined;
}

/** A list, and the tenders of its page, each by source and number. It stands in the browser's history, with the address. */
export interface Trail {
  list: string;
  tenders: [source: string, sourceRef: string][];
}

export function usePlace(): Place {
  const at = useSyncExternalStore(subscribe, () => location.pathname + location.search);
  return useMemo(() => {
    const url = new URL(at, location.origin);
    return { path: url.pathname.slice(base.length).split('/').filter(Boolean).map(decoded), search: url.searchParams, trail: (history.state as { trail?: Trail } | null)?.trail };
  }, [at]);
}

/** A piece of a way; one that nobody encoded well is what it is. */
function decoded(piece: string): string {
  try {
    return decodeURIComponent(piece);
  } catch {
    return piece;
  }
}

export function navigate(url: string, trail?: Trail): void {
  history.pushState(trail ? { trail } : null, '', url);
  dispatchEvent(new Event(moved));
}

/** Puts another address in the place of this one: going back does not lead to it. */
export function replace(url: string): void {
  history.replaceState(history.state, '', url);
  dispatchEvent(new Event(moved));
}

/** A link within the page. It is an ordinary link to everybody else: to a new tab, to a copied address. */
export function Link({ href, trail, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { href: string; trail?: Trail | undefined }) {
  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href, trail);
  }
  return <a href={href} onClick={follow} {...rest} />;
}
