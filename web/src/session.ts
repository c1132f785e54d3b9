import { openChannel, tabStorage } from './storage';

/**
 * Whose page this is: the bearer token that the platform hands over by the link that leads here, /veille#token=…
 * The part after # is never sent to a server. The page takes it out of the address at once and keeps it for this tab;
 * a new link replaces it, without a reload. Without a token the API is asked without one, which the demo's answers.
 *
 * Tabs hand their token to one another: a tab without one asks for it, and one whose token has expired takes a new one
 * of the same person.
 *
 * A platform that has tokens of its own at hand replaces this class: `token` is asked before each request.
 */
export type Access = 'open' | 'missing' | 'expired' | 'ended';

/** What tabs say to one another. */
type Note = { wanted: true } | { token: string } | { ended: string };

const key = 'vigie-token';

export class Session {
  #access: Access = 'open';
  #listeners = new Set<() => void>();
  #channel = openChannel('vigie-session');

  constructor() {
    this.#takeFromAddress();
    addEventListener('hashchange', () => this.#takeFromAddress());
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Note>) => this.#hear(data));
  }

  /** The token, where there is one. */
  get token(): string | null {
    return tabStorage.get(key);
  }

  /** What tells the API who asks. */
  get authorization(): Record<string, string> {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /** Who the token says is signed in: of another person nothing may stay on the screen. */
  get person(): string {
    return personOf(this.token);
  }

  /** Whether the API lets the reader in, as far as is known. */
  get access(): Access {
    return this.#access;
  }

  /** The API did not accept the token, or wants one. */
  refused(): void {
    if (this.#access === 'ended') return;
    this.#set(this.token === null ? 'missing' : 'expired');
    this.#tell({ wanted: true });
  }

  /** The account is no more: nothing is asked in its name again. */
  end(): void {
    this.#tell({ ended: this.person });
    this.#leave();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(access: Access): void {
    this.#access = access;
    for (const listener of this.#listeners) listener();
  }

  #tell(note: Note): void {
    this.#channel?.postMessage(note);
  }

  #hear(note: Note): void {
    if ('ended' in note) {
      if (note.ended === this.person) this.#leave();
    } else if ('wanted' in note) {
      if (this.#access === 'open' && this.token) this.#tell({ token: this.token });
    } else if (this.#access === 'missing' || (this.#access === 'expired' && note.token !== this.token && personOf(note.token) === this.person)) {
      this.#take(note.token);
    }
  }

  #leave(): void {
    tabStorage.remove(key);
    this.#set('ended');
  }

  #take(token: string): void {
    tabStorage.set(key, token);
    this.#set('open');
  }

  /** Takes a token out of the address, and tells the other tabs. */
  #takeFromAddress(): void {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');
    if (!token) return;
    history.replaceState(history.state, '', location.pathname + location.search);
    this.#take(token);
    this.#tell({ token });
  }
}

/** The issuer and subject of a token, unchecked: the API checks them. */
function personOf(token: string | null): string {
  try {
    const { iss, sub } = JSON.parse(atob(token!.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/'))) as Record<string, unknown>;
    return JSON.stringify([iss, sub]);
  } catch {
    return token ?? '';
  }
}

/** The platform's page that signs people in, which is told where they were going. */
export function signInAt(home: string): string {
  try {
    const url = new URL(home);
    url.searchParams.set('return', location.origin + location.pathname + location.search);
    return url.href;
  } catch {
    return home;
  }
}
