import { useApolloClient, useMutation } from '@apollo/client/react';
import { useState } from 'react';
import { forgetMarks, forgetMatches } from '../client';
import type { TenderRowFragment } from '../gql/first';
import { MarkInterestDocument } from '../gql/lists';
import { useLanguage } from '../language';
import { useMessages } from '../messages';

/** Marks a tender as of interest, where it can be answered, or takes that back. `filtered` is whether it leaves the list with that. */
export function InterestButton({ tender, filtered, plain }: {
  tender: Pick<TenderRowFragment, 'id' | 'title' | 'status' | 'dismissed' | 'interested'>;
  filtered?: boolean;
  plain?: boolean;
}) {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const [mark] = useMutation(MarkInterestDocument);
  const { id, title, status, dismissed, interested } = tender;
  const [offered] = useState(interested || status === 'ONLINE' || status === 'PLANNED'); // what takes a mark back stays, for it has the focus
  if (!offered) return null;
  async function change(interested: boolean): Promise<boolean> {
    const { data, error } = await mark({ variables: { tenderIds: [id], interested }, errorPolicy: 'all' });
    const problem = data?.markInterest?.userErrors[0]?.message ?? (error && said.notSaved);
    if (problem) say({ text: problem });
    else if (dismissed) forgetMatches(client);
    if (!problem) forgetMarks(client);
    return !problem;
  }
  async function toggle() {
    if (await change(!interested) && interested && filtered) {
      say({ text: said.interestEnded(title), action: { label: said.undo, run: () => void change(true), focus: true } });
    }
  }
  return (
    <button type="button" className={plain ? undefined : 'link'} aria-pressed={interested} aria-label={said.interestedIn(title)} onClick={() => void toggle()}>
      <span aria-hidden="true">{interested ? '★' : '☆'}</span> {said.interested}
    </button>
  );
}
