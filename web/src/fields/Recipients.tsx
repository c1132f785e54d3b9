import { useMutation } from '@apollo/client/react';
import { useRef } from 'react';
import type { RecipientStateFragment } from '../gql/first';
import { ResendConfirmationDocument, ResubscribeDocument } from '../gql/form';
import { changeAndFocus } from '../focus';
import { useMessages } from '../messages';
import { Choice, Field, Group } from './Field';
import { useFormWords } from '../words/form';

/** The addresses that a watch writes to: the reader's own, others, and whether they agreed. */
export function Recipients({ email, notifyMe, changeNotifyMe, others, changeOthers, known, most, errors }: {
  email: string;
  notifyMe: boolean;
  changeNotifyMe: (notifyMe: boolean) => void;
  others: string[];
  changeOthers: (others: string[]) => void;
  /** The addresses as the watch has them by now. */
  known: RecipientStateFragment[];
  most: number;
  errors: (place: number) => string | undefined;
}) {
  const said = useFormWords();
  const list = useRef<HTMLDivElement>(null);
  const state = (address: string) => known.find(({ email }) => email.toLowerCase() === address.trim().toLowerCase());
  const own = known.find(({ primary }) => primary);
  const last = (selector: string) => [...list.current!.querySelectorAll<HTMLElement>(selector)].at(-1);
  return (
    <Group legend={said.recipientsLegend}>
      <div ref={list}>
        <div className="recipient">
          <Choice label={said.primary(email)} checked={notifyMe} onChange={changeNotifyMe} />
          {own && notifyMe && <State recipient={own} />}
        </div>
        {others.map((address, i) => (
          <div key={i} className="recipient">
            <Field label={said.otherRecipient(i + 1)} error={errors(i)}>
              {(tied) => (
                <div className="row">
                  <input {...tied} type="email" autoComplete="off" value={address} onChange={(event) => changeOthers(others.map((other, j) => (j === i ? event.target.value : other)))} />
                  <button
                    type="button"
                    aria-label={said.take(address || said.otherRecipient(i + 1))}
                    onClick={() => {
                      changeAndFocus(() => changeOthers(others.filter((_, j) => j !== i)), () => last('input[type=email], .add'));
                    }}
                  >×</button>
                </div>
              )}
            </Field>
            {state(address) && <State recipient={state(address)!} />}
          </div>
        ))}
        {others.length < most && (
          <>
            <button
              type="button"
              className="add"
              aria-describedby="recipient-hint"
              onClick={() => {
                changeAndFocus(() => changeOthers([...others, '']), () => last('input[type=email]'));
              }}
            >{said.addRecipient}</button>
            <p id="recipient-hint" className="hint">{said.recipientHint}</p>
          </>
        )}
      </div>
    </Group>
  );
}

/** Whether an address agreed, and what can be done about it. */
function State({ recipient: { id, primary, status } }: { recipient: RecipientStateFragment }) {
  const said = useFormWords();
  const say = useMessages();
  const [resend] = useMutation(ResendConfirmationDocument);
  const [resubscribe] = useMutation(ResubscribeDocument);
  const variables = { recipientId: id };
  async function ask() {
    const { data, error } = await resend({ variables, errorPolicy: 'all' });
    say({ text: data?.resendConfirmation?.userErrors[0]?.message ?? (error ? said.notSaved : said.resent) });
  }
  async function receive() {
    const { data, error } = await resubscribe({ variables, errorPolicy: 'all' });
    say({ text: data?.resubscribe?.userErrors[0]?.message ?? (error ? said.notSaved : said.resubscribed) });
  }
  return (
    <p className="state">
      <span className={`tag ${status.toLowerCase()}`}>{said.recipientStates[status]}</span>
      {status === 'PENDING' && <button type="button" className="link" onClick={() => void ask()}>{said.resend}</button>}
      {primary && status === 'UNSUBSCRIBED' && (
        <button type="button" className="link" onClick={() => void receive()}>{said.resubscribe}</button>
      )}
    </p>
  );
}
