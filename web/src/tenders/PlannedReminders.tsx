import type { TenderDetailsFragment } from '../gql/tender';
import { Link, to } from '../router';
import { useTenderWords } from '../words/tender';

/** When the reader is reminded of the deadline of a tender of interest, with the way to where that is chosen. */
export function PlannedReminders({ tender }: { tender: Pick<TenderDetailsFragment, 'interested' | 'status' | 'deadline' | 'reminders'> }) {
  const said = useTenderWords();
  if (!tender.interested || tender.status !== 'ONLINE' || !tender.deadline) return null;
  return (
    <p className="hint unprinted" role="status">
      {said.remindersPlanned(tender.reminders.map(({ dueAt }) => said.moment(dueAt)))} <Link href={to('compte')}>{said.chooseReminders}</Link>
    </p>
  );
}
