/**
 * A browser may deny its storage, or have no room left: what is kept is then kept for as long as the page is open.
 */
export class Keeper {
  #storage: () => Storage;
  #memory = new Map<string, string>();

  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  get(key: string): string | null {
    const remembered = this.#memory.get(key);
    if (remembered !== undefined) return remembered;
    try {
      return this.#storage().getItem(key);
    } catch {
      return null;
    }
  }

  set(key: string, value: string): void {
    try {
      this.#storage().setItem(key, value);
      this.#memory.delete(key);
    } catch {
      this.#memory.set(key, value);
    }
  }

  remove(key: string): void {
    this.#memory.delete(key);
    try {
      this.#storage().removeItem(key);
    } catch {
      // then nothing is there
    }
  }
}

/** What this tab keeps until it is closed. */
export const tabStorage = new Keeper(() => sessionStorage);

/** What this browser keeps. */
export const browserStorage = new Keeper(() => localStorage);

/** A way to tell the other tabs of the page something; old browsers, and some that deny storage, have none. */
export function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
}
