// The blocks of a page of docs, which tests run.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The fenced blocks of a page, in their order: each has a language, a name (the name of a file, or ''), and a text. */
export function blocksOf(page) {
  const text = readFileSync(fileURLToPath(new URL(`../docs/${page}`, import.meta.url)), 'utf8');
  return [...text.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(([, language, name, block]) => ({ language, name, text: block }));
}
