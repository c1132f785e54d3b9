import { createContext, use } from 'react';
import type { Locale } from './gql/first';
import { words, type Words } from './words/all';

/** What a language says, and how it writes numbers and moments. */
export interface Language extends Words {
  locale: Locale;
  number(n: number): string;
  /** A day: 26 novembre 2026. */
  day(moment: string): string;
  /** A day and the hour in France, where bids are handed in: 26 novembre 2026 à 12 h 00. */
  moment(moment: string): string;
  /** Up to when something is known: the start of a day is the end of the one before. */
  until(moment: string): string;
  /** How many days of the calendar in France there are until a moment. */
  daysUntil(moment: string): number;
  /** A language by its code: français. */
  languageName(code: string): string;
}

function make(locale: Locale): Language {
  const tag = locale === 'FR' ? 'fr-FR' : 'en-GB';
  const timeZone = 'Europe/Paris';
  // Formats take tens of milliseconds to make, so they are made when first used.
  const number = once(() => new Intl.NumberFormat(tag));
  const day = once(() => new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeZone }));
  const moment = once(() => new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeStyle: 'short', timeZone }));
  const names = once(() => new Intl.DisplayNames(tag, { type: 'language' }));
  const clock = once(() => new Intl.DateTimeFormat('sv-SE', { timeStyle: 'short', timeZone }));
  const calendar = once(() => new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeZone }));
  const midnight = (moment: Date) => Date.parse(calendar().format(moment));
  const dayBefore = (text: string) => written(day().format(new Date(Date.parse(text) - 1)));
  const written = locale === 'FR' ? frenchMoment : (moment: string) => moment;
  return {
    ...(locale === 'FR' ? typeset(words.FR) : words.EN),
    locale,
    number: (n) => number().format(n),
    day: (text) => written(day().format(new Date(text))),
    moment: (text) => written(moment().format(new Date(text))),
    until: (text) => (clock().format(new Date(text)) === '00:00' ? (locale === 'FR' ? `${dayBefore(text)} inclus` : `the end of ${dayBefore(text)}`) : written(moment().format(new Date(text)))),
    daysUntil: (text) => Math.round((midnight(new Date(text)) - midnight(new Date())) / 86_400_000),
    languageName: (code) => names().of(code) ?? code,
  };
}

/** A day and an hour as French texts have them, and the API: 1er janvier 2027 à 9 h 05. */
function frenchMoment(moment: string): string {
  return moment.replace(/^1 /, '1er ').replace(/0?(\d+):(\d+)$/, '$1\u00a0h\u00a0$2');
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/** French as it is printed: what stands before : ; ? ! and within « » does not part from its word. */
function typeset<T>(said: T): T {
  const printed = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(/ (?=[:;?!»])|(?<=«) /g, '\u00a0');
    if (typeof value === 'function') return (...args: unknown[]) => printed((value as (...args: unknown[]) => unknown)(...args));
    if (Array.isArray(value)) return value.map(printed);
    return Object.fromEntries(Object.entries(value as object).map(([name, part]) => [name, printed(part)]));
  };
  return printed(said) as T;
}

export const languages = { FR: make('FR'), EN: make('EN') };

export const LanguageContext = createContext(languages.FR);

export function useLanguage(): Language {
  return use(LanguageContext);
}

/** A hook for a part of the page that has words of its own, which come with its script: these, and all that a language says. */
export function saying<Own extends object>(own: Record<Locale, Own>): () => Language & Own {
  const both = {
    FR: once(() => ({ ...languages.FR, ...typeset(own.FR) })),
    EN: once(() => ({ ...languages.EN, ...own.EN })),
  };
  return () => both[useLanguage().locale]();
}
