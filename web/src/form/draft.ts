import type { AlertFrequency, CreateWatchInput, CriteriaInput, DeadlineKind, FormChoicesQuery, KeywordMode, Nature, Procedure, Technique, UpdateWatchInput, WatchDetailsFragment } from '../gql/form';
import type { ChosenBuyer } from '../fields/Buyers';
import type { FormWords } from '../words/form';

/** What the form holds, as it is typed. */
export interface Draft {
  name: string;
  keywords: string;
  mode: KeywordMode;
  buyers: ChosenBuyer[];
  departments: string[];
  includeNationwide: boolean;
  excluded: string;
  natures: Nature[];
  procedures: Procedure[];
  cpv: string;
  deadlineKinds: DeadlineKind[];
  techniques: Technique[];
  minValue: string;
  maxValue: string;
  includeUnknownValue: boolean;
  active: boolean;
  frequency: AlertFrequency;
  notifyMe: boolean;
  recipients: string[];
}

export type Name = keyof Draft;

/** What the form begins with: what is stored of a watch, or nothing. */
export function draftOf(watch: WatchDetailsFragment | undefined): Draft {
  const criteria = watch?.criteria;
  return {
    name: watch?.name ?? '',
    keywords: criteria?.keywordsText ?? '',
    mode: criteria?.keywordMode ?? 'ALL',
    buyers: criteria?.buyers.map(({ id, name }) => ({ id, name })) ?? [],
    departments: criteria?.departments.map(({ code }) => code) ?? [],
    includeNationwide: criteria?.includeNationwide ?? true,
    excluded: criteria?.excludedKeywords.join(', ') ?? '',
    natures: criteria?.natures ?? [],
    procedures: criteria?.procedures ?? [],
    cpv: criteria?.cpvCodes.join(' ') ?? '',
    deadlineKinds: criteria?.deadlineKinds ?? [],
    techniques: criteria?.techniques ?? [],
    minValue: criteria?.minValue ?? '',
    maxValue: criteria?.maxValue ?? '',
    includeUnknownValue: criteria?.includeUnknownValue ?? true,
    active: watch?.active ?? true,
    frequency: watch?.frequency ?? 'DAILY',
    notifyMe: watch ? watch.recipients.some(({ primary }) => primary) : true,
    recipients: watch?.recipients.filter(({ primary }) => !primary).map(({ email }) => email) ?? [],
  };
}

export function criteriaOf(draft: Draft) {
  return {
    keywordsText: draft.keywords,
    keywordMode: draft.mode,
    buyerIds: draft.buyers.map(({ id }) => id),
    departmentCodes: draft.departments,
    includeNationwide: draft.includeNationwide,
    excludedKeywords: pieces(draft.excluded, /,/),
    natures: draft.natures,
    procedures: draft.procedures,
    cpvCodes: pieces(draft.cpv, /[\s,;]+/),
    deadlineKinds: draft.deadlineKinds,
    techniques: draft.techniques,
    minValue: amount(draft.minValue),
    maxValue: amount(draft.maxValue),
    includeUnknownValue: draft.includeUnknownValue,
  } satisfies CriteriaInput;
}

/** « 90 000,50 € » as the API writes it: 90000.50. */
const amount = (typed: string) => typed.replace(/[\s€]/g, '').replace(',', '.');

const pieces = (text: string, between: RegExp) => text.split(between).map((piece) => piece.trim()).filter(Boolean);

/** All of the draft. */
export function inputOf(draft: Draft) {
  const { name, active, frequency, notifyMe } = draft;
  return { name, active, frequency, notifyMe, recipients: filledIn(draft.recipients), criteria: criteriaOf(draft) } satisfies CreateWatchInput;
}

/** Rows left empty are no addresses. */
export const filledIn = (addresses: string[]) => addresses.filter((address) => address.trim() !== '');

/** What of the draft is no longer as it began. */
export function changesOf(base: Draft, draft: Draft): UpdateWatchInput {
  const { criteria: before, ...otherBefore } = inputOf(base);
  const { criteria: after, ...otherAfter } = inputOf(draft);
  const criteria = different(before, after);
  return { ...different(otherBefore, otherAfter), ...(Object.keys(criteria).length > 0 && { criteria }) };
}

/** What of `after` is not as it was. */
export function different<T extends object>(before: T, after: T): Partial<T> {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => !same(before[name as keyof T], value))) as Partial<T>;
}

export const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** A part of the draft that another one changed meanwhile. */
export interface Conflict {
  name: Name;
  theirs: Draft;
  /** What was typed here; absent where this part was left as it was. */
  mine?: Draft;
}

/** Puts what was changed here over what was stored meanwhile, and says where the other one changed something. */
export function mergeDrafts(base: Draft, mine: Draft, theirs: Draft): { draft: Draft; conflicts: Conflict[] } {
  const draft = { ...theirs };
  const conflicts: Conflict[] = [];
  for (const name of Object.keys(base) as Name[]) {
    const changed = !same(base[name], mine[name]);
    if (changed) Object.assign(draft, { [name]: mine[name] });
    if (same(base[name], theirs[name]) || same(mine[name], theirs[name])) continue;
    conflicts.push(changed ? { name, theirs, mine } : { name, theirs });
  }
  return { draft, conflicts };
}

/** What an address such as ?mots=voirie&departement=01 asks for; it names buyers by their ids. */
export function draftFrom(address: URLSearchParams, buyers: ChosenBuyer[]): Draft {
  return {
    ...draftOf(undefined),
    keywords: address.get('mots') ?? '',
    buyers,
    departments: address.getAll('departement').filter((code) => /^(\d{2,3}|2[AB])$/.test(code)),
    natures: address.getAll('nature') as Nature[],
    procedures: address.getAll('procedure') as Procedure[],
  };
}

/** Where in the input of a mutation a part of the draft is: mistakes name it so. */
export const places: Record<Name, string[][]> = {
  name: [['name']],
  keywords: [['criteria', 'keywordsText'], ['criteria', 'keywords']],
  mode: [['criteria', 'keywordMode']],
  buyers: [['criteria', 'buyerIds']],
  departments: [['criteria', 'departmentCodes']],
  includeNationwide: [['criteria', 'includeNationwide']],
  excluded: [['criteria', 'excludedKeywords'], ['criteria', 'keywordsText']],
  natures: [['criteria', 'natures']],
  procedures: [['criteria', 'procedures']],
  cpv: [['criteria', 'cpvCodes']],
  deadlineKinds: [['criteria', 'deadlineKinds']],
  techniques: [['criteria', 'techniques']],
  // Each is judged by the other, too.
  minValue: [['criteria', 'minValue'], ['criteria', 'maxValue']],
  maxValue: [['criteria', 'minValue'], ['criteria', 'maxValue']],
  includeUnknownValue: [['criteria', 'includeUnknownValue']],
  active: [['active']],
  frequency: [['frequency']],
  notifyMe: [['notifyMe'], ['recipients']],
  recipients: [['recipients']],
};

/** A part of the draft by its label, and as a person reads it. */
export function shownPart(draft: Draft, name: Name, said: FormWords, { departments, choices }: FormChoicesQuery): { label: string; value: string } {
  const of = (all: { value: string; label: string }[], values: string[]) => all.filter(({ value }) => values.includes(value)).map(({ label }) => label).join(', ');
  const parts: Record<Name, [label: string, value: string]> = {
    name: [said.nameLabel, draft.name],
    keywords: [said.keywordsLabel, draft.keywords],
    mode: [said.keywordMode, draft.mode === 'ALL' ? said.allTerms : said.anyTerm],
    buyers: [said.buyersLegend, draft.buyers.map(({ name }) => name).join(', ')],
    departments: [said.departmentsLegend, departments.filter(({ code }) => draft.departments.includes(code)).map(({ name }) => name).join(', ')],
    includeNationwide: [said.includeNationwide, said.yesOrNo(draft.includeNationwide)],
    excluded: [said.excluded, draft.excluded],
    natures: [said.natures, of(choices.natures, draft.natures)],
    procedures: [said.procedure, of(choices.procedures, draft.procedures)],
    cpv: [said.cpv, draft.cpv],
    deadlineKinds: [said.deadlineKinds, of(choices.deadlineKinds, draft.deadlineKinds)],
    techniques: [said.technique, of(choices.techniques, draft.techniques)],
    minValue: [said.minValue, draft.minValue],
    maxValue: [said.maxValue, draft.maxValue],
    includeUnknownValue: [said.includeUnknownValue, said.yesOrNo(draft.includeUnknownValue)],
    active: [said.alert, said.yesOrNo(draft.active)],
    frequency: [said.frequency, of(choices.frequencies, [draft.frequency])],
    notifyMe: [said.ownAddress, said.yesOrNo(draft.notifyMe)],
    recipients: [said.otherAddresses, draft.recipients.join(', ')],
  };
  const [label, value] = parts[name];
  return { label: label.replace(/\s*:$/, ''), value: value || said.nothing };
}
