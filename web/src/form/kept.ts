import { useCallback, useEffect, useRef } from 'react';
import { useMessages } from '../messages';
import { navigate } from '../router';
import { tabStorage } from '../storage';
import { same } from './draft';
import { useFormWords } from '../words/form';

/** A draft with what it began with: what was stored then, and its version where it has one. */
export interface Kept<T> {
  draft: T;
  base: T;
  version: string | undefined;
}

const keyOf = (owner: string, place: string) => `vigie-draft ${owner} ${place}`;

/** What was typed at a place, a form's address, and neither saved nor thrown away. What an earlier release did not know is as the form begins. */
export function readKept<T extends object>(owner: string, place: string, begin: T): Kept<T> | undefined {
  try {
    const { draft, base, version } = JSON.parse(tabStorage.get(keyOf(owner, place)) ?? '') as Kept<T>;
    return { draft: { ...begin, ...draft }, base: { ...begin, ...base }, version };
  } catch {
    return undefined;
  }
}

/**
 * Keeps what is typed for as long as the tab is open. The browser asks before the page is left; within the page,
 * the reader is told, and can go back to it.
 */
export function useKeeping<T extends object>(owner: string, place: string, kept: Kept<T>) {
  const said = useFormWords();
  const say = useMessages();
  const dirty = !same(kept.base, kept.draft);
  const key = keyOf(owner, place);
  // As it is when the form is left.
  const now = useRef({ kept, dirty, over: false, said });
  useEffect(() => {
    now.current = { ...now.current, kept, dirty, said };
    if (now.current.over) return;
    if (dirty) tabStorage.set(key, JSON.stringify(kept));
    else tabStorage.remove(key);
  }, [key, kept, dirty, said]);

  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (now.current.dirty && !now.current.over) event.preventDefault();
    };
    addEventListener('beforeunload', ask);
    return () => {
      removeEventListener('beforeunload', ask);
      const { dirty, over, said } = now.current;
      if (dirty && !over) say({ text: said.typedIsKept, action: { label: said.resume, run: () => navigate(place) } });
    };
  }, [place, say]);

  /** What was typed is saved: it is kept no longer. */
  const saved = useCallback(() => {
    now.current.over = true;
    tabStorage.remove(key);
  }, [key]);

  /** What was typed is given up; that can be undone. */
  const giveUp = useCallback(() => {
    const { kept, dirty, said } = now.current;
    saved();
    if (!dirty) return;
    const back = () => {
      tabStorage.set(key, JSON.stringify(kept));
      navigate(place);
    };
    say({ text: said.typedIsGivenUp, action: { label: said.resume, run: back } });
  }, [key, place, saved, say]);

  return { saved, giveUp };
}
