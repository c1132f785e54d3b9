import { useMutation, useQuery } from '@apollo/client/react';
import { useRef, useState, type FormEvent } from 'react';
import { Settings } from '../account/Settings';
import { Webhooks } from '../account/Webhooks';
import { download } from '../download';
import { Field } from '../fields/Field';
import { AccountFeeds } from '../Feeds';
import { changeAndFocus } from '../focus';
import { DeleteAccountDocument, ExportAccountDocument, SettingsDocument } from '../gql/account';
import { useMessages } from '../messages';
import { Failure, Page, Skeleton } from '../Page';
import type { Session } from '../session';
import { useAccountWords } from '../words/account';

/** The account: when alerts are sent, where else they go, and what is held of it. */
export function Account({ session }: { session: Session }) {
  const said = useAccountWords();
  const { data, error, refetch } = useQuery(SettingsDocument, { fetchPolicy: 'cache-and-network' });
  return (
    <Page title={said.account}>
      {data && (
        <>
          <p>{said.accountOf(data.viewer.email)}</p>
          <Settings account={data.viewer} />
          <AccountFeeds />
          <Webhooks />
          <Data />
          <Erasure email={data.viewer.email} session={session} />
        </>
      )}
      {!data && (error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={4} tall />)}
    </Page>
  );
}

function Data() {
  const said = useAccountWords();
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
function Erasure({ email, session }: { email: string; session: Session }) {
  const said = useAccountWords();
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
    if (!problem) return session.end();
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
