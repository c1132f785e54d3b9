import { useApolloClient, useMutation } from '@apollo/client/react';
import { forgetInterest, forgetMatches } from '../client';
import { MarkInterestDocument, type TenderRowFragment } from '../gql/graphql';
import { useLanguage } from '../language';
import { useMessages } from '../messages';

/** Marks a tender as of interest, or takes that back. `filtered` is whether it leaves the list with that. */
export function InterestButton({ tender, filtered, plain }: {
  tender: Pick<TenderRowFragment, 'id' | 'title' | 'dismissed' | 'interested'>;
  filtered?: boolean;
  plain?: boolean;
}) {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const [mark] = useMutation(MarkInterestDocument);
  const { id, title, dismissed, interested } = tender;
  async function change(interested: boolean): Promise<boolean> {
    const { data, error } = await mark({ variables: { tenderIds: [id], interested }, errorPolicy: 'all' });
    const problem = data?.markInterest?.userErrors[0]?.message ?? (error && said.notSaved);
    if (problem) say({ text: problem });
    else if (dismissed) forgetMatches(client);
    if (!problem) forgetInterest(client);
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
