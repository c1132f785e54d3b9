import { NetworkStatus } from '@apollo/client';
import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { forgetWatches } from '../client';
import { Buyers } from '../fields/Buyers';
import { WatchFeeds } from '../Feeds';
import { Departments } from '../fields/Departments';
import { Choice, Field, Group } from '../fields/Field';
import { Recipients } from '../fields/Recipients';
import { Conflicts } from '../form/Conflicts';
import { changesOf, draftFrom, draftOf, filledIn, inputOf, mergeDrafts, places, same, type Conflict, type Draft, type Name } from '../form/draft';
import { readKept, useKeeping, type Kept } from '../form/kept';
import { focusOn, Mistakes, wrongIn, type Mistake } from '../form/Mistakes';
import { Preview } from '../form/Preview';
import { BuyersByIdDocument, CreateWatchDocument, EditedWatchDocument, FormChoicesDocument, UpdateWatchDocument, type AlertFrequency, type FormChoicesQuery, type WatchDetailsFragment } from '../gql/form';
import { useMessages } from '../messages';
import { Failure, Page, Skeleton } from '../Page';
import { Link, navigate, to, usePlace } from '../router';
import { useFormWords } from '../words/form';

export function NewWatch() {
  const said = useFormWords();
  const { search } = usePlace();
  const { data, error, refetch } = useQuery(FormChoicesDocument);
  // A search, or an example, that is to become a watch stands in the address; it has the ids of buyers alone.
  const ids = search.getAll('organisme');
  const named = useQuery(BuyersByIdDocument, { variables: { ids }, skip: ids.length === 0 });
  const ready = data && (ids.length === 0 || named.data || named.error);
  const buyers = named.data?.nodes.flatMap((node) => (node && 'name' in node ? [{ id: node.id, name: node.name }] : [])) ?? [];
  return (
    <Page title={said.createTitle}>
      {ready ? <WatchForm key={search.toString()} choices={data} begin={draftFrom(search, buyers)} /> : error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={8} tall />}
    </Page>
  );
}

export function EditWatch({ id }: { id: string }) {
  const said = useFormWords();
  const choices = useQuery(FormChoicesDocument);
  // The form begins with what is stored now, not with what the cache remembers.
  const watch = useQuery(EditedWatchDocument, { variables: { id }, fetchPolicy: 'network-only' });
  const error = choices.error ?? watch.error;
  // Read again later, it stays as it was typed.
  const ready = choices.data && watch.data && watch.networkStatus !== NetworkStatus.loading;
  return (
    <Page title={said.editTitle}>
      {ready && watch.data!.watch && <WatchForm choices={choices.data!} watch={watch.data!.watch} begin={draftOf(watch.data!.watch)} />}
      {ready && watch.data!.watch && <WatchFeeds id={id} />}
      {ready && !watch.data!.watch && <p className="card empty">{said.unknownWatch} <Link href={to()}>{said.back}</Link></p>}
      {!ready && (error ? <Failure error={error} retry={() => Promise.all([choices.refetch(), watch.refetch()])} /> : <Skeleton lines={8} tall />)}
    </Page>
  );
}

/** What of a draft is in the part of the form that is folded. */
const asksForMore = ({ excluded, natures, procedures, cpv, minValue, maxValue, techniques, deadlineKinds }: Draft) =>
  [excluded, natures, procedures, cpv, minValue, maxValue, techniques, deadlineKinds].some(({ length }) => length > 0);

function WatchForm({ choices, watch, begin }: { choices: FormChoicesQuery; watch?: WatchDetailsFragment; begin: Draft }) {
  const said = useFormWords();
  const say = useMessages();
  const client = useApolloClient();
  const [place] = useState(() => location.pathname + location.search);
  const back = usePlace().trail?.list ?? to();
  const owner = choices.viewer.id;
  const [resumed, setResumed] = useState(() => readKept(owner, place, begin));
  const [kept, setKept] = useState<Kept<Draft>>(() => resumed ?? { draft: begin, base: begin, version: watch?.version });
  const { saved, giveUp } = useKeeping(owner, place, kept);
  const { draft } = kept;
  const [more] = useState(() => asksForMore(draft)); // what opens the rest does not close it
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  const [refusals, setRefusals] = useState(0);
  const [conflicts, setConflicts] = useState<Conflict[]>([]);
  const [create, creating] = useMutation(CreateWatchDocument);
  const [update, updating] = useMutation(UpdateWatchDocument);
  const form = useRef<HTMLFormElement>(null);
  const saving = creating.loading || updating.loading;

  /** Changes the draft. What was wrong with that part of it is no longer known to be. */
  function change(parts: Partial<Draft>) {
    setKept((kept) => ({ ...kept, draft: { ...kept.draft, ...parts } }));
    const changed = (Object.keys(parts) as Name[]).flatMap((name) => places[name]);
    const within = ({ field }: Mistake) => field.length === 0 || changed.some((at) => ['input', ...at].every((name, i) => field[i] === name));
    setMistakes((mistakes) => (mistakes.some(within) ? mistakes.filter((mistake) => !within(mistake)) : mistakes));
  }
  const set = <K extends Name>(name: K) => (value: Draft[K]) => change({ [name]: value });

  /** What is wrong at a place, or below it. */
  const wrong = (...place: string[]) =>
    mistakes.filter(({ field }) => ['input', ...place].every((name, i) => field[i] === name)).map(({ message }) => message).join(' ') || undefined;
  const shownElsewhere = ['name', 'criteria', 'recipients'];
  const general = mistakes.filter(({ field }) => !shownElsewhere.includes(field[1] ?? ''));

  function startAnew() {
    setResumed(undefined);
    setMistakes([]);
    setConflicts([]);
    setKept({ draft: begin, base: begin, version: watch?.version });
    form.current!.querySelector<HTMLElement>('input')!.focus(); // the button is no longer there
  }

  function refuse(mistakes: Mistake[]) {
    setMistakes(mistakes);
    setRefusals((refusals) => refusals + 1);
  }

  async function save(event: FormEvent) {
    event.preventDefault();
    if (saving) return;
    // Rows left empty are not among those that the mistakes count.
    const trimmed = { ...draft, recipients: filledIn(draft.recipients) };
    await store({ ...kept, draft: trimmed });
  }

  async function store(kept: Kept<Draft>): Promise<void> {
    const { payload, error } = watch
      ? await update({ variables: { id: watch.id, input: changesOf(kept.base, kept.draft), version: kept.version! }, errorPolicy: 'all' }).then(({ data, error }) => ({ payload: data?.updateWatch, error }))
      : await create({ variables: { input: inputOf(kept.draft) }, errorPolicy: 'all' }).then(({ data, error }) => ({ payload: data?.createWatch, error }));
    if (error || !payload) return refuse([{ field: [], message: said.notSaved }]);
    if (payload.userErrors.some((problem) => 'code' in problem && problem.code === 'VERSION_MISMATCH')) return merge(kept);
    setKept(kept);
    setConflicts([]);
    if (payload.userErrors.length > 0) return refuse(payload.userErrors);
    saved();
    forgetWatches(client);
    navigate(back);
    const asked = payload.watch!.recipients.filter(({ status }) => status === 'PENDING').map(({ email }) => email);
    say({ text: [said.saved(payload.watch!.name), ...(asked.length > 0 ? [said.stillToConfirm(asked.length, asked.join(', '))] : []), ...payload.warnings.map(({ message }) => message)].join(' ') });
  }

  /** The watch is no longer what the draft began with: shows both, or saves again where nothing of the form differs. */
  async function merge(kept: Kept<Draft>): Promise<void> {
    const { data, error } = await client.query({ query: EditedWatchDocument, variables: { id: watch!.id }, fetchPolicy: 'network-only' });
    if (error || !data?.watch) return refuse([{ field: [], message: error ? said.notSaved : said.unknownWatch }]);
    const base = draftOf(data.watch);
    const { draft, conflicts } = mergeDrafts(kept.base, kept.draft, base);
    const merged = { draft, base, version: data.watch.version };
    if (conflicts.length === 0) return store(merged);
    setKept(merged);
    setMistakes([]);
    setConflicts(conflicts);
    requestAnimationFrame(() => document.getElementById('conflict')?.focus());
  }

  function takeStored({ name, theirs }: Conflict) {
    change({ [name]: theirs[name] });
    setConflicts((conflicts) => conflicts.map((conflict) => (conflict.name === name ? { name, theirs } : conflict)));
  }

  // From the table of watches, to the addresses that get no mail.
  useEffect(() => {
    if (new URLSearchParams(location.search).get('voir') === 'destinataires') document.getElementById('recipients')?.focus();
  }, []);

  // To the first mistake, or to what hinders saving, once: who puts another one right stays there.
  useEffect(() => {
    if (refusals === 0) return;
    for (const details of form.current!.querySelectorAll('details')) if (wrongIn(details)) details.open = true;
    focusOn(wrongIn(form.current!) ?? form.current!.querySelector<HTMLElement>('.failure'));
  }, [refusals]);

  return (
    <form ref={form} className="form" onSubmit={(event) => void save(event)} noValidate>
      <div className="fields">
        {resumed && !same(kept.draft, begin) && (
          <div className="resumed row">
            <p>{said.typedIsBack}</p>
            <button type="button" onClick={startAnew}>{said.startAnew}</button>
          </div>
        )}
        {conflicts.length > 0 && <Conflicts conflicts={conflicts} choices={choices} take={takeStored} />}
        {mistakes.length > 0 && <Mistakes mistakes={mistakes} general={general} form={form} />}
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
          <h2 id="recipients" tabIndex={-1}>{said.alertLegend}</h2>
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
        {/* Above the preview, which grows with what it finds. */}
        <div className="card submit">
          <button type="submit" className="button" aria-disabled={saving}>{saving ? said.saving : watch ? said.submit : said.submitNew}</button>
          <Link href={back} onClick={giveUp}>{said.cancel}</Link>
        </div>
        <Preview draft={draft} change={change} />
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
