import type { Locale } from './gql/first';
import { browserStorage } from './storage';

const stored = 'vigie-language';

/** The language of the last visit, so that the page begins in it; the account's is asked for meanwhile. */
export function lastLanguage(): Locale | null {
  const locale = browserStorage.get(stored);
  return locale === 'FR' || locale === 'EN' ? locale : null;
}

export function keepLanguage(locale: Locale): void {
  browserStorage.set(stored, locale);
  document.documentElement.lang = locale.toLowerCase();
}
