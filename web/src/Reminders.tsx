import { useMutation, useQuery } from '@apollo/client/react';
import { Choice, Group } from './fields/Field';
import { ChangeRemindersDocument, RemindersDocument } from './gql/graphql';
import { useLanguage } from './language';
import { useMessages } from './messages';

/** How many days before a deadline there may be a reminder, of those that are offered. */
const offered = [14, 7, 5, 3, 2, 1];

/** When the account is reminded of the deadlines of what is of interest. Each press is kept at once. */
export function Reminders() {
  const said = useLanguage();
  const say = useMessages();
  const { data } = useQuery(RemindersDocument);
  const [change] = useMutation(ChangeRemindersDocument);
  if (!data?.viewer) return null;
  const chosen = data.viewer.reminderDays;
  async function choose(days: number[]) {
    const { data, error } = await change({ variables: { days }, errorPolicy: 'all' });
    const problem = data?.updateAccount?.userErrors[0]?.message ?? ((error || !data?.updateAccount) && said.notSaved);
    say({ text: problem || said.settingsSaved });
  }
  return (
    <section className="card" aria-labelledby="reminders">
      <h2 id="reminders">{said.reminders}</h2>
      <Group legend={said.remindersBefore} hint={said.remindersHint}>
        {[...new Set([...offered, ...chosen])].sort((a, b) => b - a).map((days) => (
          <Choice
            key={days}
            label={said.alarmDays(days)}
            checked={chosen.includes(days)}
            onChange={(on) => void choose(on ? [...chosen, days] : chosen.filter((other) => other !== days))}
          />
        ))}
      </Group>
    </section>
  );
}
