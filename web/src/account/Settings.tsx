import { useMutation } from '@apollo/client/react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { Choice, Field, Group } from '../fields/Field';
import { different, same } from '../form/draft';
import { readKept, useKeeping } from '../form/kept';
import { focusOn, wrongIn, type Mistake } from '../form/Mistakes';
import { ChangeSettingsDocument, type AccountSettingsFragment, type Locale, type Weekday } from '../gql/account';
import { useMessages } from '../messages';
import { to } from '../router';
import { useAccountWords } from '../words/account';

/** How many days before a deadline there may be a reminder, of those that are offered. */
const remindersOffered = [14, 7, 5, 3, 2, 1];
const alarmsOffered = [0, 1, 2, 3, 5, 7, 14];

/** What can be set, as it is in the form. */
type Values = Pick<AccountSettingsFragment, 'locale' | 'digestHour' | 'digestDay' | 'quietNotes' | 'reminderDays' | 'calendarAlarmDays'>;

function valuesOf({ locale, digestHour, digestDay, quietNotes, reminderDays, calendarAlarmDays }: AccountSettingsFragment): Values {
  return { locale, digestHour, digestDay, quietNotes, reminderDays, calendarAlarmDays };
}

/** All that is set of an account. It is saved together, by the button. */
export function Settings({ account }: { account: AccountSettingsFragment }) {
  const said = useAccountWords();
  const say = useMessages();
  const base = valuesOf(account);
  const [resumed, setResumed] = useState(() => readKept(account.id, to('compte'), base));
  const [changed, setChanged] = useState<Partial<Values>>(() => (resumed ? different(resumed.base, resumed.draft) : {}));
  const draft = { ...base, ...changed };
  useKeeping(account.id, to('compte'), { draft, base, version: undefined });
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  const [change, { loading, client }] = useMutation(ChangeSettingsDocument);
  const form = useRef<HTMLFormElement>(null);
  const { locale, digestHour, digestDay, quietNotes, reminderDays, calendarAlarmDays } = draft;

  function set(parts: Partial<Values>) {
    setChanged((changed) => ({ ...changed, ...parts }));
    setMistakes((mistakes) => mistakes.filter(({ field: [, name] }) => name !== undefined && !(name in parts)));
  }
  const wrong = (name: keyof Values) => mistakes.find(({ field }) => field[1] === name)?.message;
  const general = mistakes.filter(({ field }) => field[1] !== 'reminderDays');

  async function save(event: FormEvent) {
    event.preventDefault();
    if (loading) return;
    const { data, error } = await change({ variables: { input: different(base, draft) }, errorPolicy: 'all' });
    const payload = data?.updateAccount;
    if (error || !payload) return setMistakes([{ field: [], message: said.notSaved }]);
    setMistakes(payload.userErrors);
    if (payload.userErrors.length > 0) return;
    setResumed(undefined);
    setChanged({});
    say({ text: said.settingsSaved });
    // Labels come from the API in the reader's language.
    if (changed.locale) await client.refetchQueries({ include: 'active' });
  }
  function startAnew() {
    setResumed(undefined);
    setChanged({});
    setMistakes([]);
    form.current!.querySelector('select')!.focus(); // the button is no longer there
  }
  // To the first mistake, once: who puts it right stays there.
  useEffect(() => {
    if (mistakes.length > 0) focusOn(wrongIn(form.current!));
  }, [mistakes]);

  return (
    <form ref={form} className="card" aria-labelledby="settings" noValidate onSubmit={(event) => void save(event)}>
      <h2 id="settings">{said.settingsTitle}</h2>
      {resumed && !same(base, draft) && (
        <div className="resumed row">
          <p>{said.typedIsBack}</p>
          <button type="button" onClick={startAnew}>{said.startAnew}</button>
        </div>
      )}
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
      <div className="field"><Choice label={said.quietNotes} checked={quietNotes} onChange={(quietNotes) => set({ quietNotes })} /></div>
      <Group legend={said.remindersBefore} hint={said.remindersHint} error={wrong('reminderDays')}>
        {[...new Set([...remindersOffered, ...base.reminderDays])].sort((a, b) => b - a).map((days) => (
          <Choice
            key={days}
            label={said.alarmDays(days)}
            checked={reminderDays.includes(days)}
            onChange={(on) => set({ reminderDays: (on ? [...reminderDays, days] : reminderDays.filter((other) => other !== days)).sort((a, b) => b - a) })}
          />
        ))}
      </Group>
      {account.calendarUrl && (
        <Field label={said.alarm}>
          {(tied) => (
            <select {...tied} value={calendarAlarmDays} onChange={(event) => set({ calendarAlarmDays: Number(event.target.value) })}>
              {[...new Set([...alarmsOffered, base.calendarAlarmDays])].sort((a, b) => a - b).map((days) => <option key={days} value={days}>{said.alarmDays(days)}</option>)}
            </select>
          )}
        </Field>
      )}
      <Field label={said.language}>
        {(tied) => (
          <select {...tied} value={locale} onChange={(event) => set({ locale: event.target.value as Locale })}>
            {(Object.keys(said.localeNames) as Locale[]).map((locale) => <option key={locale} value={locale} lang={locale.toLowerCase()}>{said.localeNames[locale]}</option>)}
          </select>
        )}
      </Field>
      {general.length > 0 && <div className="failure" role="alert">{general.map(({ message }) => <p key={message}>{message}</p>)}</div>}
      <p className="after"><button type="submit" className="button" aria-disabled={loading}>{loading ? said.saving : said.save}</button></p>
    </form>
  );
}
