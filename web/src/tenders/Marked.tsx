import type { ReactNode } from 'react';

interface Highlight {
  field: string;
  parts: { text: string; hit: boolean }[];
}

/** A title in which what was found is marked, and the passage of the description that has it. */
export function marked(title: string, highlights: Highlight[]): { title: ReactNode; passage?: ReactNode } {
  const of = (field: string) => highlights.find((highlight) => highlight.field === field);
  const [inTitle, inDescription] = [of('title'), of('description')];
  return { title: inTitle ? <Parts {...inTitle} /> : title, passage: inDescription && <Parts {...inDescription} /> };
}

/** Pieces of a text, in which what was found is marked. */
export function Parts({ parts }: Pick<Highlight, 'parts'>) {
  return parts.map(({ text, hit }, i) => (hit ? <mark key={i}>{text}</mark> : <span key={i}>{text}</span>));
}
