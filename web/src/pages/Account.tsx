import { useMutation, useQuery } from '@apollo/client/react';
import { use, useRef, useState, type FormEvent } from 'react';
import { Webhooks } from '../account/Webhooks';
import { download } from '../download';
import { Choice, Field } from '../fields/Field';
import { AccountFeeds } from '../Feeds';
import { changeAndFocus } from '../focus';
import {
  ChangeSettingsDocument, DeleteAccountDocument, ExportAccountDocument, SettingsDocument, type AccountSettingsFragment, type Locale, type Weekday,
} from '../gql/graphql';
import { useLanguage } from '../language';
import { useMessages } from '../messages';
import { Failure, Page, Skeleton } from '../Page';
import { Reminders } from '../Reminders';
import { SessionContext } from '../session';

/** The account: when alerts are sent, where else they go, and what is held of it. */
export function Account() {
  const said = useLanguage();
  const { data, error, refetch } = useQuery(SettingsDocument, { fetchPolicy: 'cache-and-network' });
  return (
    <Page title={said.account}>
      {data && (
        <>
          <p>{said.accountOf(data.viewer.email)}</p>
          <Settings account={data.viewer} />
          <Reminders />
          <AccountFeeds />
          <Webhooks />
          <Data />
          <Erasure email={data.viewer.email} />
        </>
      )}
      {!data && (error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={4} tall />)}
    </Page>
  );
}

function Settings({ account }: { account: AccountSettingsFragment }) {
  const said = useLanguage();
  const say = useMessages();
  const [changed, setChanged] = useState<Partial<AccountSettingsFragment>>({});
  const [change, { loading, client }] = useMutation(ChangeSettingsDocument);
  const { locale, digestHour, digestDay, quietNotes } = { ...account, ...changed };
  const set = (parts: Partial<AccountSettingsFragment>) => setChanged({ ...changed, ...parts });
  async function save(event: FormEvent) {
    event.preventDefault();
    if (loading) return;
    const { data, error } = await change({ variables: { input: { locale, digestHour, digestDay, quietNotes } }, errorPolicy: 'all' });
    const problem = data?.updateAccount?.userErrors[0]?.message ?? (error && said.notSaved);
    if (problem) return say({ text: problem });
    setChanged({});
    say({ text: said.settingsSaved });
    // Labels come from the API in the reader's language.
    if (locale !== account.locale) await client.refetchQueries({ include: 'active' });
  }
  return (
    <form className="card" aria-labelledby="settings" onSubmit={(event) => void save(event)}>
      <h2 id="settings">{said.settingsTitle}</h2>
      <Field label={said.digestHour} hint={said.inZone(account.timeZone)}>
        {(tied) => (
          <select {...tied} value={digestHour} onChange={(event) => set({ digestHour: Number(event.target.value) })}>
            {Array.from({ length: 24 }, (_, hour) => <option key={hour} value={hour}>{said.hour(hour)}</option>)}
          </select>
        )}
      </Field>
      <Field label={said.digestDay}>
        {(tied) => (
          <select {...tied} value={digestDay} onChange={(event) => set({ digestDay: event.target.value as Weekday })}>
            {(Object.keys(said.weekdays) as Weekday[]).map((day) => <option key={day} value={day}>{said.weekdays[day]}</option>)}
          </select>
        )}
      </Field>
      <Field label={said.language}>
        {(tied) => (
          <select {...tied} value={locale} onChange={(event) => set({ locale: event.target.value as Locale })}>
            {(Object.keys(said.localeNames) as Locale[]).map((locale) => <option key={locale} value={locale} lang={locale.toLowerCase()}>{said.localeNames[locale]}</option>)}
          </select>
        )}
      </Field>
      <div className="field"><Choice label={said.quietNotes} checked={quietNotes} onChange={(quietNotes) => set({ quietNotes })} /></div>
      <p className="after"><button type="submit" className="button" aria-disabled={loading}>{said.save}</button></p>
    </form>
  );
}

function Data() {
  const said = useLanguage();
  const say = useMessages();
  const [read, { loading }] = useMutation(ExportAccountDocument);
  async function go() {
    if (loading) return;
    const { data, error } = await read({ errorPolicy: 'all' });
    const problem = data?.exportAccount?.userErrors[0]?.message ?? ((error || !data?.exportAccount) && said.failed);
    if (problem) return say({ text: problem });
    download('vigie.json', 'application/json', JSON.stringify(data!.exportAccount!.data, null, 2));
  }
  return (
    <section className="card" aria-labelledby="data">
      <h2 id="data">{said.dataTitle}</h2>
      <p>{said.dataText}</p>
      <p className="after"><button type="button" aria-disabled={loading} onClick={() => void go()}>{said.download}</button></p>
    </section>
  );
}

/** Erases the account, once its address was typed: this alone cannot be undone. */
function Erasure({ email }: { email: string }) {
  const said = useLanguage();
  const session = use(SessionContext);
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<string>();
  const box = useRef<HTMLInputElement>(null);
  const [erase, { loading }] = useMutation(DeleteAccountDocument);
  async function go(event: FormEvent) {
    event.preventDefault();
    if (loading) return;
    const { data, error } = await erase({ variables: { confirmEmail: typed }, errorPolicy: 'all' });
    const problem = data?.deleteAccount?.userErrors[0]?.message ?? (error && said.notSaved);
    if (!problem) return session?.end();
    setProblem(problem);
    box.current?.focus();
  }
  return (
    <form className="card" aria-labelledby="erasure" noValidate onSubmit={(event) => void go(event)}>
      <h2 id="erasure">{said.deleteTitle}</h2>
      <p>{said.deleteText}</p>
      {!asking && (
        <p className="after">
          <button
            type="button"
            className="erase"
            onClick={() => {
              changeAndFocus(() => setAsking(true), () => box.current);
            }}
          >{said.deleteTitle}</button>
        </p>
      )}
      {asking && (
        <>
          <Field label={said.deleteAsk(email)} error={problem}>
            {(tied) => (
              <input
                {...tied}
                ref={box}
                type="email"
                autoComplete="off"
                value={typed}
                onChange={(event) => {
                  setTyped(event.target.value);
                  setProblem(undefined);
                }}
              />
            )}
          </Field>
          <p className="after"><button type="submit" className="erase" aria-disabled={loading}>{said.deleteNow}</button></p>
        </>
      )}
    </form>
  );
}
