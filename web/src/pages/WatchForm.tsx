import { NetworkStatus } from '@apollo/client';
import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { forgetWatches } from '../client';
import { WatchFeeds } from '../Feeds';
import { Buyers, type ChosenBuyer } from '../fields/Buyers';
import { useDebounced } from '../fields/debounced';
import { Departments } from '../fields/Departments';
import { Choice, Field, Group } from '../fields/Field';
import { Recipients } from '../fields/Recipients';
import {
  CreateWatchDocument, EditedWatchDocument, FormChoicesDocument, PreviewMatchesDocument, UpdateWatchDocument,
  type AlertFrequency, type CriteriaInput, type DeadlineKind, type FormChoicesQuery, type KeywordMode, type Nature, type Procedure, type Technique,
  type WatchDetailsFragment,
} from '../gql/graphql';
import { useLanguage } from '../language';
import { useMessages } from '../messages';
import { Failure, Page, Skeleton } from '../Page';
import { Link, navigate, to } from '../router';

export function NewWatch() {
  const said = useLanguage();
  const { data, error, refetch } = useQuery(FormChoicesDocument);
  return (
    <Page title={said.createTitle}>
      {data ? <WatchForm choices={data} /> : error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={8} tall />}
    </Page>
  );
}

export function EditWatch({ id }: { id: string }) {
  const said = useLanguage();
  const choices = useQuery(FormChoicesDocument);
  // The form begins with what is stored now, not with what the cache remembers.
  const watch = useQuery(EditedWatchDocument, { variables: { id }, fetchPolicy: 'network-only' });
  const error = choices.error ?? watch.error;
  // Read again later, it stays as it was typed.
  const ready = choices.data && watch.data && watch.networkStatus !== NetworkStatus.loading;
  return (
    <Page title={said.editTitle}>
      {ready && watch.data!.watch && <WatchForm choices={choices.data!} watch={watch.data!.watch} />}
      {ready && watch.data!.watch && <WatchFeeds id={id} />}
      {ready && !watch.data!.watch && <p className="card empty">{said.unknownWatch} <Link href={to()}>{said.back}</Link></p>}
      {!ready && (error ? <Failure error={error} retry={() => Promise.all([choices.refetch(), watch.refetch()])} /> : <Skeleton lines={8} tall />)}
    </Page>
  );
}

/** What the form holds. */
interface Draft {
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

function draftOf(watch: WatchDetailsFragment | undefined): Draft {
  const criteria = watch?.criteria;
  return {
    name: watch?.name ?? '',
    keywords: criteria?.keywordsText ?? '',
    mode: criteria?.keywordMode ?? 'ALL',
    buyers: criteria?.buyers ?? [],
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

function criteriaOf(draft: Draft): CriteriaInput {
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
  };
}

/** « 90 000,50 € » as the API writes it: 90000.50. */
const amount = (typed: string) => typed.replace(/[\s€]/g, '').replace(',', '.');

const pieces = (text: string, between: RegExp) => text.split(between).map((piece) => piece.trim()).filter(Boolean);

/** Whether something is in the part of the form that is folded. */
const asksForMore = ({ excluded, natures, procedures, cpv, minValue, maxValue, techniques, deadlineKinds }: Draft) =>
  [excluded, natures, procedures, cpv, minValue, maxValue, techniques, deadlineKinds].some(({ length }) => length > 0);

/** A mistake that the API found, and where: ["input", "criteria", "keywordsText"]. */
interface Mistake {
  field: string[];
  message: string;
}

function WatchForm({ choices, watch }: { choices: FormChoicesQuery; watch?: WatchDetailsFragment }) {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const [draft, setDraft] = useState(() => draftOf(watch));
  const [more] = useState(() => asksForMore(draft)); // what opens the rest does not close it
  const [version] = useState(watch?.version); // that the draft began with
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  const [create, creating] = useMutation(CreateWatchDocument);
  const [update, updating] = useMutation(UpdateWatchDocument);
  const form = useRef<HTMLFormElement>(null);
  const saving = creating.loading || updating.loading;
  const set = <K extends keyof Draft>(name: K) => (value: Draft[K]) => setDraft((draft) => ({ ...draft, [name]: value }));

  /** What is wrong at a place, or below it. */
  const wrong = (...place: string[]) =>
    mistakes.filter(({ field }) => ['input', ...place].every((name, i) => field[i] === name)).map(({ message }) => message).join(' ') || undefined;
  const shownElsewhere = ['name', 'criteria', 'recipients'];
  const general = mistakes.filter(({ field }) => !shownElsewhere.includes(field[1] ?? ''));

  async function save(event: FormEvent) {
    event.preventDefault();
    if (saving) return;
    const recipients = draft.recipients.filter((address) => address.trim() !== '');
    const input = {
      name: draft.name, criteria: criteriaOf(draft), active: draft.active, frequency: draft.frequency, notifyMe: draft.notifyMe, recipients,
    };
    const { payload, error } = watch
      ? await update({ variables: { id: watch.id, input, version: version! }, errorPolicy: 'all' }).then(({ data, error }) => ({ payload: data?.updateWatch, error }))
      : await create({ variables: { input }, errorPolicy: 'all' }).then(({ data, error }) => ({ payload: data?.createWatch, error }));
    if (error || !payload) return setMistakes([{ field: [], message: said.notSaved }]);
    // Rows left empty are not among those that the mistakes count.
    setDraft((draft) => ({ ...draft, recipients }));
    setMistakes(payload.userErrors);
    if (payload.userErrors.length > 0) return;
    forgetWatches(client);
    navigate(to());
    say({ text: [said.saved(payload.watch!.name), ...payload.warnings.map(({ message }) => message)].join(' ') });
  }

  // To the first mistake.
  useEffect(() => {
    if (mistakes.length === 0) return;
    for (const details of form.current!.querySelectorAll('details')) if (details.querySelector('.wrong')) details.open = true;
    form.current!.querySelector<HTMLElement>('[aria-invalid=true], [data-error]')?.focus();
  }, [mistakes]);

  return (
    <form ref={form} className="form" onSubmit={(event) => void save(event)} noValidate>
      <div className="fields">
        {mistakes.length > 0 && (
          <div className="failure" role="alert">
            <p>{said.formErrors}</p>
            {general.map(({ message }) => <p key={message}>{message}</p>)}
          </div>
        )}
        <section className="card">
          <Field label={said.nameLabel} error={wrong('name')}>
            {(tied) => <input {...tied} type="text" required maxLength={choices.limits.maxNameLength} value={draft.name} onChange={(event) => set('name')(event.target.value)} />}
          </Field>
          <Field label={said.keywordsLabel} hint={said.keywordsHint(choices.limits.minKeywordLength)} error={wrong('criteria', 'keywordsText') ?? wrong('criteria', 'keywords')}>
            {(tied) => <input {...tied} type="text" autoComplete="off" value={draft.keywords} onChange={(event) => set('keywords')(event.target.value)} />}
          </Field>
          <Group legend={said.keywordMode}>
            <Choice type="radio" name="mode" label={said.allTerms} checked={draft.mode === 'ALL'} onChange={() => set('mode')('ALL')} />
            <Choice type="radio" name="mode" label={said.anyTerm} checked={draft.mode === 'ANY'} onChange={() => set('mode')('ANY')} />
          </Group>
        </section>
        <section className="card">
          <Buyers chosen={draft.buyers} change={set('buyers')} error={wrong('criteria', 'buyerIds')} />
        </section>
        <section className="card">
          <Departments all={choices.departments} chosen={draft.departments} change={set('departments')} error={wrong('criteria', 'departmentCodes')} />
          {draft.departments.length > 0 && <Choice label={said.includeNationwide} checked={draft.includeNationwide} onChange={set('includeNationwide')} />}
        </section>
        <details className="card" open={more || undefined}>
          <summary>{said.more}</summary>
          <Field label={said.excluded} hint={said.excludedHint} error={wrong('criteria', 'excludedKeywords')}>
            {(tied) => <input {...tied} type="text" autoComplete="off" value={draft.excluded} onChange={(event) => set('excluded')(event.target.value)} />}
          </Field>
          <Choices legend={said.natures} error={wrong('criteria', 'natures')} all={choices.choices.natures} chosen={draft.natures} change={set('natures')} />
          <Choices legend={said.facets.procedures} error={wrong('criteria', 'procedures')} all={choices.choices.procedures} chosen={draft.procedures} change={set('procedures')} />
          <Field label={said.cpv} hint={said.cpvHint} error={wrong('criteria', 'cpvCodes')}>
            {(tied) => <input {...tied} type="text" autoComplete="off" inputMode="numeric" value={draft.cpv} onChange={(event) => set('cpv')(event.target.value)} />}
          </Field>
          <Field label={said.minValue} error={wrong('criteria', 'minValue')}>
            {(tied) => <input {...tied} type="text" autoComplete="off" inputMode="decimal" value={draft.minValue} onChange={(event) => set('minValue')(event.target.value)} />}
          </Field>
          <Field label={said.maxValue} error={wrong('criteria', 'maxValue')}>
            {(tied) => <input {...tied} type="text" autoComplete="off" inputMode="decimal" value={draft.maxValue} onChange={(event) => set('maxValue')(event.target.value)} />}
          </Field>
          {(draft.minValue !== '' || draft.maxValue !== '') && (
            <Choice label={said.includeUnknownValue} checked={draft.includeUnknownValue} onChange={set('includeUnknownValue')} />
          )}
          <Choices legend={said.technique} error={wrong('criteria', 'techniques')} all={choices.choices.techniques} chosen={draft.techniques} change={set('techniques')} />
          <Choices legend={said.deadlineKinds} error={wrong('criteria', 'deadlineKinds')} all={choices.choices.deadlineKinds} chosen={draft.deadlineKinds} change={set('deadlineKinds')} />
        </details>
        <section className="card">
          <h2>{said.alertLegend}</h2>
          <Choice label={said.alert} checked={draft.active} onChange={set('active')} />
          <p className="hint">{said.alertHint}</p>
          <Group legend={said.frequency}>
            {choices.choices.frequencies.map(({ value, label }) => (
              <Choice key={value} type="radio" name="frequency" label={label} checked={draft.frequency === value} onChange={() => set('frequency')(value as AlertFrequency)} />
            ))}
          </Group>
          <Recipients
            email={choices.viewer.email}
            notifyMe={draft.notifyMe}
            changeNotifyMe={set('notifyMe')}
            others={draft.recipients}
            changeOthers={set('recipients')}
            known={watch?.recipients ?? []}
            most={choices.limits.maxRecipients}
            errors={(place) => wrong('recipients', String(place))}
          />
        </section>
      </div>
      <div className="side">
        <Preview draft={draft} />
        <div className="card submit">
          <button type="submit" className="button" aria-disabled={saving}>{saving ? said.saving : watch ? said.submit : said.submitNew}</button>
          <Link href={to()}>{said.cancel}</Link>
        </div>
      </div>
    </form>
  );
}

/** Boxes of which any can be checked. */
function Choices<T extends string>({ legend, error, all, chosen, change }: {
  legend: string;
  error: string | undefined;
  all: { value: string; label: string }[];
  chosen: T[];
  change: (chosen: T[]) => void;
}) {
  return (
    <Group legend={legend} error={error}>
      {(all as { value: T; label: string }[]).map(({ value, label }) => (
        <Choice
          key={value}
          label={label}
          checked={chosen.includes(value)}
          onChange={(checked) => change(checked ? [...chosen, value] : chosen.filter((other) => other !== value))}
        />
      ))}
    </Group>
  );
}

/** What the draft would match, while it is typed. */
function Preview({ draft }: { draft: Draft }) {
  const said = useLanguage();
  const text = useDebounced(JSON.stringify(criteriaOf(draft)), 300);
  const criteria = JSON.parse(text) as CriteriaInput;
  const { data: now, previousData, error, loading, refetch } = useQuery(PreviewMatchesDocument, { variables: { criteria }, fetchPolicy: 'network-only' });
  const preview = (now ?? previousData)?.previewMatches;
  const { onlineCount, last30Days } = preview ?? {};
  return (
    <section className="card preview" aria-labelledby="preview" aria-busy={loading}>
      <h2 id="preview">{said.preview}</h2>
      <div role="status">
        {preview && onlineCount != null && last30Days != null && <p className="big">{said.previewCount(onlineCount, said.number(onlineCount), last30Days, said.number(last30Days))}</p>}
        {preview?.userErrors.map(({ message }) => <p key={message} className="error">{message}</p>)}
        {preview?.warnings.map(({ message }) => <p key={message} className="warning">{message}</p>)}
      </div>
      {!preview && (error ? <Failure error={error} text={said.searchDown} retry={refetch} /> : <Skeleton lines={1} tall />)}
    </section>
  );
}
