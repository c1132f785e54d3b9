import { createContext } from 'react';

/**
 * Whose page this is: the bearer token that the platform hands over by the link that leads here, /veille#token=…
 * The part after # is never sent to a server. The page takes it out of the address at once and keeps it for this tab;
 * a new link replaces it. Without a token the API is asked without one, which the demo's answers.
 *
 * A platform that has tokens of its own at hand replaces this class: `token` is asked before each request.
 */
export type Access = 'open' | 'missing' | 'expired';

export class Session {
  #key = 'vigie-token';
  #access: Access = 'open';
  #listeners = new Set<() => void>();

  constructor() {
    this.#take();
    addEventListener('hashchange', () => {
      if (this.#take()) location.reload();
    });
  }

  /** The token, where there is one. */
  get token(): string | null {
    return sessionStorage.getItem(this.#key);
  }

  /** Whether the API lets the reader in, as far as is known. */
  get access(): Access {
    return this.#access;
  }

  /** The API did not accept the token, or wants one. */
  refused(): void {
    this.#access = this.token === null ? 'missing' : 'expired';
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Takes a token out of the address. */
  #take(): boolean {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (!token) return false;
    sessionStorage.setItem(this.#key, token);
    history.replaceState(null, '', location.pathname + location.search);
    return true;
  }
}

/** The session of what the page shows. */
export const SessionContext = createContext<Session | null>(null);
