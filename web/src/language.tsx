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

/** What clocks in France show: 2026-11-26 12:05. A format takes tens of milliseconds to make on a telephone, so there is this one. */
const clock = once(() => new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: 'Europe/Paris' }));

function shown(moment: Date) {
  const [date = '', time = ''] = clock().format(moment).split(' ');
  return { date, time };
}

function make(locale: Locale): Language {
  const tag = locale === 'FR' ? 'fr-FR' : 'en-GB';
  const said = locale === 'FR' ? typeset(words.FR) : words.EN;
  const number = once(() => new Intl.NumberFormat(tag));
  const names = once(() => new Intl.DisplayNames(tag, { type: 'language' }));
  const day = (date: string) => {
    const [year, month, day] = date.split('-').map(Number) as [number, number, number];
    return said.date(day, said.months[month - 1]!, year);
  };
  const moment = (text: string) => {
    const { date, time } = shown(new Date(text));
    return said.dateAndHour(day(date), time);
  };
  const midnight = (moment: Date) => Date.parse(shown(moment).date);
  return {
    ...said,
    locale,
    number: (n) => (n < 1000 ? String(n) : number().format(n)),
    day: (text) => day(shown(new Date(text)).date),
    moment,
    until: (text) => (shown(new Date(text)).time === '00:00' ? said.endOf(day(shown(new Date(Date.parse(text) - 1)).date)) : moment(text)),
    daysUntil: (text) => Math.round((midnight(new Date(text)) - midnight(new Date())) / 86_400_000),
    languageName: (code) => names().of(code) ?? code,
  };
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
