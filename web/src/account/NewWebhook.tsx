import { useMutation } from '@apollo/client/react';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { Choice, Field, Group } from '../fields/Field';
import { AddWebhookDocument, type DeliveryKind, type WebhookFormat, type WebhookStateFragment } from '../gql/account';
import type { Language } from '../language';
import { useAccountWords } from '../words/account';

interface Mistake {
  field: string[];
  message: string;
}

/** What a webhook can be told of: of a notice that is withdrawn nobody is. */
export const kindsOf = (said: Language) => (Object.keys(said.kinds) as DeliveryKind[]).filter((kind) => kind !== 'WITHDRAWN');

/** Asks for an endpoint. What it was given as a secret is shown by the list, once. */
export function NewWebhook({ watches, added, cancel }: {
  watches: { id: string; name: string }[];
  added: (webhook: WebhookStateFragment, secret: string | null | undefined) => void;
  cancel: () => void;
}) {
  const said = useAccountWords();
  const all = kindsOf(said);
  const [watchId, setWatchId] = useState(watches[0]!.id);
  const [format, setFormat] = useState<WebhookFormat>('STANDARD');
  const [url, setURL] = useState('');
  const [kinds, setKinds] = useState(all);
  const [mistakes, setMistakes] = useState<Mistake[]>([]);
  const [add, { loading }] = useMutation(AddWebhookDocument);
  const form = useRef<HTMLFormElement>(null);

  const wrong = (name: string) => mistakes.filter(({ field }) => field[1] === name).map(({ message }) => message).join(' ') || undefined;
  const general = mistakes.filter(({ field }) => !['url', 'watchId', 'kinds'].includes(field[1] ?? ''));
  const mend = (name: string) => setMistakes((mistakes) => mistakes.filter(({ field }) => field.length > 1 && field[1] !== name));
  useEffect(() => {
    if (mistakes.length > 0) form.current!.querySelector<HTMLElement>('[aria-invalid=true], [data-error]')?.focus();
  }, [mistakes]);

  async function save(event: FormEvent) {
    event.preventDefault();
    if (loading) return;
    if (kinds.length === 0) return setMistakes([{ field: ['input', 'kinds'], message: said.noKind }]);
    // All of today's are all, also of later ones.
    const input = { watchId, format, url: url.trim(), kinds: kinds.length === all.length ? [] : kinds };
    const { data, error } = await add({ variables: { input }, errorPolicy: 'all' });
    const payload = data?.addWebhook;
    if (error || !payload) return setMistakes([{ field: [], message: said.notSaved }]);
    if (!payload.webhook) return setMistakes(payload.userErrors);
    added(payload.webhook, payload.secret);
  }
  return (
    <form ref={form} className="inset" aria-label={said.addHook} noValidate onSubmit={(event) => void save(event)}>
      {general.length > 0 && <div className="failure" role="alert">{general.map(({ message }) => <p key={message}>{message}</p>)}</div>}
      <Field label={said.hookUrl} hint={said.hookUrlHint[format]} error={wrong('url')}>
        {(tied) => (
          <input
            {...tied}
            type="text"
            inputMode="url"
            autoComplete="off"
            spellCheck={false}
            autoFocus
            value={url}
            onChange={(event) => {
              setURL(event.target.value);
              mend('url');
            }}
          />
        )}
      </Field>
      <Field label={said.hookFormat}>
        {(tied) => (
          <select {...tied} value={format} onChange={(event) => setFormat(event.target.value as WebhookFormat)}>
            {(Object.keys(said.hookFormats) as WebhookFormat[]).map((format) => <option key={format} value={format}>{said.hookFormats[format]}</option>)}
          </select>
        )}
      </Field>
      <Field label={said.hookWatch} error={wrong('watchId')}>
        {(tied) => (
          <select
            {...tied}
            value={watchId}
            onChange={(event) => {
              setWatchId(event.target.value);
              mend('watchId');
            }}
          >
            {watches.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </select>
        )}
      </Field>
      <Group legend={said.hookKinds} error={wrong('kinds')}>
        {all.map((kind) => (
          <Choice
            key={kind}
            label={said.kinds[kind]}
            checked={kinds.includes(kind)}
            onChange={(checked) => {
              setKinds(all.filter((other) => (other === kind ? checked : kinds.includes(other))));
              mend('kinds');
            }}
          />
        ))}
      </Group>
      <p className="row after">
        <button type="submit" className="button" aria-disabled={loading}>{said.addThisHook}</button>
        <button type="button" onClick={cancel}>{said.dontDo}</button>
      </p>
    </form>
  );
}
