import type { TenderDetailsFragment } from '../gql/graphql';
import { useLanguage } from '../language';
import { Link, to } from '../router';

/** When the reader is reminded of the deadline of a tender of interest, with the way to where that is chosen. */
export function PlannedReminders({ tender }: { tender: Pick<TenderDetailsFragment, 'interested' | 'status' | 'deadline' | 'reminders'> }) {
  const said = useLanguage();
  if (!tender.interested || tender.status !== 'ONLINE' || !tender.deadline) return null;
  return (
    <p className="hint unprinted" role="status">
      {said.remindersPlanned(tender.reminders.map(({ dueAt }) => said.moment(dueAt)))} <Link href={to('compte')}>{said.chooseReminders}</Link>
    </p>
  );
}
