import type { TenderRowFragment } from '../gql/graphql';
import { useLanguage } from '../language';

/** From how many days on a deadline is soon, and near. */
const [soon, near] = [7, 14];

/** How many days are left to answer a tender; nothing where it cannot be answered, or has no deadline. */
export function Days({ tender: { deadline, status } }: { tender: Pick<TenderRowFragment, 'deadline' | 'status'> }) {
  const said = useLanguage();
  if (!deadline || status !== 'ONLINE') return null;
  const left = daysBetween(new Date(), new Date(deadline));
  if (left < 0) return null;
  return (
    <>
      <span className={`days${left <= soon ? ' soon' : left <= near ? ' near' : ''}`} aria-hidden="true">{said.days(left)}</span>
      <span className="hidden">{said.daysLeft(left)}</span>
    </>
  );
}

/** Days of the calendar in Paris, where bids are handed in. */
function daysBetween(from: Date, to: Date): number {
  const day = (moment: Date) => Date.parse(moment.toLocaleDateString('sv-SE', { timeZone: 'Europe/Paris' }));
  return Math.round((day(to) - day(from)) / 86_400_000);
}
