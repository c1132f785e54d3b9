import { useMutation, useQuery } from '@apollo/client/react';
import { useRef, useState } from 'react';
import { ConfirmButton } from '../Confirm';
import { Copied } from '../fields/Copied';
import { changeAndFocus } from '../focus';
import { ChangeWebhookDocument, RemoveWebhookDocument, RotateWebhookSecretDocument, TestWebhookDocument, WebhooksDocument, type WebhookStateFragment } from '../gql/account';
import { useMessages } from '../messages';
import { Failure } from '../Page';
import { NewWebhook } from './NewWebhook';
import { useWatchNames } from './watchNames';
import { useAccountWords } from '../words/account';

/** How often the state of a webhook that is to be confirmed in a chat is read, in milliseconds. */
const oftenEnough = 10_000;

/** Where the account's alerts go besides mail: programs and chats. */
export function Webhooks() {
  const said = useAccountWords();
  const say = useMessages();
  const [waits, setWaits] = useState(false);
  const { data, error, refetch } = useQuery(WebhooksDocument, { fetchPolicy: 'cache-and-network', pollInterval: waits ? oftenEnough : 0 });
  const watches = useWatchNames();
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<{ host: string; value: string }>();
  const heading = useRef<HTMLHeadingElement>(null);
  const hooks = data?.viewer.webhooks;
  const pending = hooks?.some(({ status, format }) => status === 'PENDING' && format !== 'STANDARD') ?? false;
  if (pending !== waits) setWaits(pending);

  function added({ host }: WebhookStateFragment, value: string | null | undefined) {
    show(host, value);
    if (!value) heading.current!.focus();
    say({ text: said.hookAdded });
  }
  function show(host: string, value: string | null | undefined) {
    setAdding(false);
    setSecret(value ? { host, value } : undefined);
  }
  return (
    <section className="card" aria-labelledby="webhooks">
      <h2 id="webhooks" tabIndex={-1} ref={heading}>{said.hooksTitle}</h2>
      <p className="hint">{said.hooksHint}</p>
      {secret && <Secret key={secret.value} {...secret} done={() => changeAndFocus(() => setSecret(undefined), () => heading.current)} />}
      {hooks?.length === 0 && !adding && <p className="empty">{said.noHook}</p>}
      {!hooks && error && <Failure error={error} retry={refetch} />}
      {hooks && hooks.length > 0 && (
        <ul className="hooks">
          {hooks.map((hook) => <Hook key={hook.id} hook={hook} show={show} removed={() => heading.current!.focus()} />)}
        </ul>
      )}
      {adding && <NewWebhook watches={watches} added={added} cancel={() => changeAndFocus(() => setAdding(false), () => heading.current)} />}
      {hooks && !adding && (watches.length > 0
        ? <p className="after"><button type="button" onClick={() => setAdding(true)}>{said.addHook}</button></p>
        : <p>{said.hookNeedsWatch}</p>)}
    </section>
  );
}

/** A secret, which is shown this once. */
function Secret({ host, value, done }: { host: string; value: string; done: () => void }) {
  const said = useAccountWords();
  return (
    <div className="resumed inset" role="group" aria-labelledby="secret">
      <h3 id="secret" tabIndex={-1} ref={(heading) => heading?.focus()}>{said.secretOf(host)}</h3>
      <p>{said.secretText}</p>
      <Copied label={said.secret} value={value} copied={said.secretCopied} />
      <p className="after"><button type="button" onClick={done}>{said.secretKept}</button></p>
    </div>
  );
}

function Hook({ hook, show, removed }: { hook: WebhookStateFragment; show: (host: string, secret: string | null | undefined) => void; removed: () => void }) {
  const said = useAccountWords();
  const say = useMessages();
  const { id, host, url, watch, format, kinds, status, lastError, lastAcceptedAt } = hook;
  const [change, changing] = useMutation(ChangeWebhookDocument);
  const [test, testing] = useMutation(TestWebhookDocument);
  const [rotate, rotating] = useMutation(RotateWebhookSecretDocument);
  const [remove, removing] = useMutation(RemoveWebhookDocument);
  const busy = changing.loading || testing.loading || rotating.loading || removing.loading;
  const off = status === 'PAUSED' || status === 'SUSPENDED';
  const chat = format !== 'STANDARD';

  /** Does something, unless something else is being done, and says what hinders it. */
  async function act<T extends { userErrors: { message: string }[] }>(call: () => Promise<{ error?: unknown; payload: T | null | undefined }>): Promise<T | undefined> {
    if (busy) return undefined;
    const { error, payload } = await call();
    const problem = payload?.userErrors[0]?.message ?? (error || !payload ? said.notSaved : undefined);
    if (problem) say({ text: problem });
    return problem ? undefined : payload!;
  }
  async function flip() {
    const done = await act(async () => {
      const { data, error } = await change({ variables: { id, active: off }, errorPolicy: 'all' });
      return { error, payload: data?.updateWebhook };
    });
    if (done) say({ text: off ? said.hookOn : said.hookOff });
  }
  async function tryIt() {
    const done = await act(async () => {
      const { data, error } = await test({ variables: { id }, errorPolicy: 'all' });
      return { error, payload: data?.testWebhook };
    });
    if (!done?.webhook) return;
    const why = done.webhook.lastError;
    if (why) say({ text: said.tryFailed(said.hookError(why)) });
    else if (status !== 'PENDING') say({ text: said.tryAccepted });
    else say({ text: chat ? said.hookAskedChat : said.hookConfirmed });
  }
  async function replace() {
    const done = await act(async () => {
      const { data, error } = await rotate({ variables: { id }, errorPolicy: 'all' });
      return { error, payload: data?.rotateWebhookSecret };
    });
    if (done) show(host, done.secret);
  }
  async function go() {
    const done = await act(async () => {
      const { data, error } = await remove({ variables: { id }, errorPolicy: 'all' });
      return { error, payload: data?.removeWebhook };
    });
    if (!done) return;
    removed();
    say({ text: said.hookRemoved(host) });
  }
  return (
    <li>
      <p><span className="name">{url ?? host}</span> <span className={`tag ${status === 'ACTIVE' ? 'confirmed' : status === 'SUSPENDED' || status === 'ENDED' ? 'failed' : 'pending'}`}>{said.hookStates[status]}</span></p>
      <p className="facts">
        <span>{said.hookFormats[format]}</span>
        <span>{watch ? watch.name : said.hookWithoutWatch}</span>
        <span>{kinds.length > 0 ? kinds.map((kind) => said.kinds[kind]).join(', ') : said.everyKind}</span>
        {lastAcceptedAt && <span>{said.lastAccepted(said.moment(lastAcceptedAt))}</span>}
      </p>
      {lastError && <p className="error">{said.lastTry(said.hookError(lastError))}</p>}
      {status !== 'ACTIVE' && <p className="remedy">{status === 'PENDING' ? (!chat ? said.pendingHook : lastError ? said.pendingChatUnreached : said.pendingChat) : said.hookRemedies[status]}</p>}
      <p className="row after">
        {status !== 'ENDED' && <button type="button" aria-disabled={busy} onClick={() => void tryIt()}>{status === 'PENDING' ? said.askHookAgain : said.tryHook}</button>}
        {(status === 'ACTIVE' || off) && <button type="button" aria-disabled={busy} onClick={() => void flip()}>{off ? said.switchHookOn : said.switchHookOff}</button>}
        {!chat && status !== 'ENDED' && (
          <ConfirmButton busy={busy} question={said.rotateSecretAsk} text={said.rotateSecretText} confirm={said.replace} run={() => void replace()}>{said.rotateSecret}</ConfirmButton>
        )}
        <ConfirmButton busy={busy} className="erase" question={said.removeHookAsk(host)} text={said.removeHookText} confirm={said.remove} run={() => void go()}>{said.removeHook}</ConfirmButton>
      </p>
    </li>
  );
}
