import { type ReactNode } from 'react';
import { useMutation, useQuery } from '@apollo/client/react';
import { AccountFeedsDocument, ChangeAlarmDocument, RotateFeedDocument, WatchFeedsDocument } from './gql/graphql';
import { Field } from './fields/Field';
import { useLanguage } from './language';
import { useMessages } from './messages';

interface Addresses {
  feedUrl?: string | null;
  calendarUrl?: string | null;
}

/** The feed and the calendar of a watch. Nothing where the server has no addresses. */
export function WatchFeeds({ id }: { id: string }) {
  const said = useLanguage();
  const { data } = useQuery(WatchFeedsDocument, { variables: { id } });
  return data?.watch && <Feeds title={said.feeds} addresses={data.watch} watchId={id} rotated={said.feedsRotated} rotate={said.rotateFeeds} />;
}

/** The feed and the calendar of all watches, and when calendars remind. */
export function AccountFeeds() {
  const said = useLanguage();
  const say = useMessages();
  const { data } = useQuery(AccountFeedsDocument);
  const [change] = useMutation(ChangeAlarmDocument);
  if (!data?.viewer) return null;
  const { viewer } = data;
  async function remind(days: number) {
    const { data, error } = await change({ variables: { days }, errorPolicy: 'all' });
    if (error || !data?.updateAccount || data.updateAccount.userErrors.length > 0) say({ text: said.notSaved });
  }
  return (
    <Feeds title={said.allFeeds} addresses={viewer} rotated={said.allFeedsRotated} rotate={said.rotateAllFeeds}>
      <Field label={said.alarm}>
        {(tied) => (
          <select {...tied} value={viewer.calendarAlarmDays} onChange={(event) => void remind(Number(event.target.value))}>
            {[...new Set([0, 1, 2, 3, 5, 7, 14, viewer.calendarAlarmDays])].sort((a, b) => a - b).map((days) => <option key={days} value={days}>{said.alarmDays(days)}</option>)}
          </select>
        )}
      </Field>
    </Feeds>
  );
}

function Feeds({ title, addresses, watchId, rotate, rotated, children }: {
  title: string;
  addresses: Addresses;
  watchId?: string;
  rotate: string;
  rotated: string;
  children?: ReactNode;
}) {
  const said = useLanguage();
  const say = useMessages();
  const [ask, { loading }] = useMutation(RotateFeedDocument, {
    // Those of the account are part of those of its watches.
    update: (cache) => !watchId && cache.modify({ fields: { watch: (_, { DELETE }) => DELETE } }),
  });
  if (!addresses.feedUrl || !addresses.calendarUrl) return null;
  async function replace() {
    if (loading) return;
    const { data, error } = await ask({ variables: { watchId: watchId ?? null }, errorPolicy: 'all' });
    const mistake = data?.rotateFeed?.userErrors[0]?.message;
    say({ text: error || !data?.rotateFeed ? said.notSaved : (mistake ?? rotated) });
  }
  return (
    <details className="card unprinted">
      <summary>{title}</summary>
      <p className="hint">{said.feedsHint}</p>
      <Address label={said.feedUrl} url={addresses.feedUrl} />
      <Address label={said.calendarUrl} url={addresses.calendarUrl} />
      {children}
      <p className="row"><button type="button" aria-disabled={loading} onClick={() => void replace()}>{rotate}</button></p>
    </details>
  );
}

/** An address, and what copies it. */
function Address({ label, url }: { label: string; url: string }) {
  const said = useLanguage();
  const say = useMessages();
  async function copy(input: HTMLInputElement) {
    input.select(); // so that it can be copied by hand where a browser refuses
    try {
      await navigator.clipboard.writeText(url);
      say({ text: said.copied });
    } catch {
      say({ text: said.copyByHand });
    }
  }
  return (
    <Field label={label}>
      {(tied) => (
        <div className="row address">
          <input {...tied} type="text" readOnly value={url} />
          <button type="button" aria-label={said.copyOf(label)} onClick={(event) => void copy(event.currentTarget.previousElementSibling as HTMLInputElement)}>{said.copy}</button>
        </div>
      )}
    </Field>
  );
}
