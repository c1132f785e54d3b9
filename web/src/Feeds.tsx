import { useState } from 'react';
import { useMutation, useQuery } from '@apollo/client/react';
import { useWatchNames } from './account/watchNames';
import { ConfirmButton } from './Confirm';
import { Copied } from './fields/Copied';
import { Field } from './fields/Field';
import { AccountFeedsDocument, RotateFeedDocument, WatchFeedsDocument } from './gql/feeds';
import { useMessages } from './messages';
import { useFeedsWords } from './words/feeds';

/** The feed and the calendar of a watch, beside its form. Nothing where the server has no addresses. */
export function WatchFeeds({ id }: { id: string }) {
  const said = useFeedsWords();
  const { data } = useQuery(WatchFeedsDocument, { variables: { id } });
  if (!data?.watch?.feedUrl) return null;
  return (
    <details className="card unprinted">
      <summary>{said.feeds}</summary>
      <p className="hint">{said.feedsHint}</p>
      <Addresses of={data.watch} watchId={id} />
    </details>
  );
}

/** The feeds and calendars of all watches, and of each. */
export function AccountFeeds() {
  const said = useFeedsWords();
  const { data } = useQuery(AccountFeedsDocument);
  const watches = useWatchNames();
  const [watchId, setWatchId] = useState('');
  if (!data?.viewer?.feedUrl) return null;
  const { viewer } = data;
  return (
    <section className="card" aria-labelledby="feeds">
      <h2 id="feeds">{said.feedsTitle}</h2>
      <p className="hint">{said.feedsHint}</p>
      {watches.length > 0 && (
        <Field label={said.feedsOf}>
          {(tied) => (
            <select {...tied} value={watchId} onChange={(event) => setWatchId(event.target.value)}>
              <option value="">{said.allWatches}</option>
              {watches.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
            </select>
          )}
        </Field>
      )}
      {watchId ? <AddressesOfWatch key={watchId} id={watchId} /> : <Addresses of={viewer} />}
    </section>
  );
}

function AddressesOfWatch({ id }: { id: string }) {
  const { data } = useQuery(WatchFeedsDocument, { variables: { id } });
  return data?.watch && <Addresses of={data.watch} watchId={id} />;
}

/** Where a feed and a calendar are read: of a watch, or without `watchId` of all. */
function Addresses({ of: { feedUrl, calendarUrl }, watchId }: { of: { feedUrl?: string | null; calendarUrl?: string | null }; watchId?: string }) {
  const said = useFeedsWords();
  const say = useMessages();
  const [rotate, { loading }] = useMutation(RotateFeedDocument, {
    // Those of the account are part of those of its watches.
    update: (cache) => !watchId && cache.modify({ fields: { watch: (_, { DELETE }) => DELETE } }),
  });
  if (!feedUrl || !calendarUrl) return null;
  async function replace() {
    const { data, error } = await rotate({ variables: { watchId: watchId ?? null }, errorPolicy: 'all' });
    const mistake = data?.rotateFeed?.userErrors[0]?.message;
    say({ text: error || !data?.rotateFeed ? said.notSaved : (mistake ?? (watchId ? said.feedsRotated : said.allFeedsRotated)) });
  }
  return (
    <>
      <Copied label={said.feedUrl} value={feedUrl} copied={said.copied} />
      <Copied label={said.calendarUrl} value={calendarUrl} copied={said.copied} />
      <p className="row">
        <ConfirmButton
          busy={loading}
          question={watchId ? said.rotateFeedsAsk : said.rotateAllFeedsAsk}
          text={watchId ? said.rotateFeedsText : said.rotateAllFeedsText}
          confirm={said.replace}
          run={() => void replace()}
        >{watchId ? said.rotateFeeds : said.rotateAllFeeds}</ConfirmButton>
      </p>
    </>
  );
}
