import { useApolloClient, useMutation, useQuery } from '@apollo/client/react';
import { Fragment, useRef, useState, type MouseEvent } from 'react';
import { forgetMatches, forgetWatches } from '../client';
import { changeAndFocus } from '../focus';
import { WatchesDocument, type WatchRowFragment } from '../gql/first';
import { DeleteWatchDocument, RestoreWatchDocument, SwitchWatchDocument, WatchCountsDocument, type SwitchWatchMutationVariables } from '../gql/lists';
import { useLanguage } from '../language';
import { useMessages } from '../messages';
import { Failure, Page, Skeleton } from '../Page';
import { Link, to, usePlace } from '../router';
import { Matching } from '../tenders/Matching';

/** Of more watches than this, the first few are shown, so that the tenders below are near. */
const [most, first] = [7, 5];

/** Ma veille de marchés: the watches, and the tenders that they match. */
export function Dashboard() {
  const said = useLanguage();
  // The first page, by the same variables as the table's, so that it is asked for once.
  const { data: now, previousData, error, refetch } = useQuery(WatchesDocument, { variables: { after: null } });
  const list = (now ?? previousData)?.watches;
  const { search } = usePlace();
  const idle = !search.has('veille') && list && !list.pageInfo.hasNextPage && !list.nodes.some(({ active }) => active);
  return (
    <Page title={said.title}>
      <section className="card" aria-labelledby="watches">
        <div className="head">
          <h2 id="watches">{said.watches}</h2>
          {!!list?.totalCount && <Link className="button" href={to('nouvelle')}>{said.newWatch}</Link>}
          {!!list?.totalCount && <p className="narrow"><a href="#matching" onClick={toMatching}>{said.toMatching}</a></p>}
        </div>
        {!list && (error ? <Failure error={error} retry={refetch} /> : <Skeleton lines={3} tall />)}
        {list?.totalCount === 0 && (
          <div className="empty">
            <p>{said.noWatch}</p>
            <p>{said.whatWatchesDo}</p>
            <p><Link className="button" href={to('nouvelle')}>{said.newWatch}</Link></p>
            <ul className="examples">
              {said.examples.map(({ label, ask }) => <li key={ask}><Link href={`${to('nouvelle')}?${ask}`}>{label}</Link></li>)}
            </ul>
          </div>
        )}
        {!!list?.totalCount && <WatchTable />}
      </section>
      {/* It asks at once, and is seen when the watches above are: else they would push it down. */}
      <section className="card" aria-labelledby="matching" hidden={!list}>
        <h2 id="matching" tabIndex={-1}>{said.matching}</h2>
        {list?.totalCount === 0 ? <p className="empty">{said.noWatch}</p> : idle ? <p className="empty">{said.noneActive}</p> : <Matching />}
      </section>
      {!!list?.totalCount && <p className="after unprinted"><Link href={to('compte')}>{said.feedsAndHooks}</Link></p>}
    </Page>
  );
}

function WatchTable() {
  const said = useLanguage();
  // Where each page begins: most people have but one.
  const [starts, setStarts] = useState<(string | null)[]>([null]);
  const [all, setAll] = useState(false);
  const table = useRef<HTMLTableElement>(null);
  const { totalCount = 0, pageInfo: last } = useQuery(WatchesDocument, { variables: { after: starts.at(-1) } }).data?.watches ?? {};
  const folded = !all && totalCount > most;
  function unfold() {
    // The button goes; from the first row that it showed, the others are a key away.
    changeAndFocus(() => setAll(true), () => table.current?.querySelectorAll('tbody tr')[first]?.querySelector<HTMLElement>('a, button'));
  }
  return (
    <>
      <table ref={table} className="rows watches" role="table" aria-labelledby="watches">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">{said.watchName}</th>
            <th role="columnheader" scope="col">{said.criteria}</th>
            <th role="columnheader" scope="col">{said.status}</th>
            <th role="columnheader" scope="col">{said.action}</th>
          </tr>
        </thead>
        {starts.map((after) => <WatchLines key={after} after={after} most={folded ? first : Infinity} />)}
      </table>
      {folded && <p><button type="button" onClick={unfold}>{said.otherWatchesToo(said.number(totalCount - first))}</button></p>}
      {!folded && last?.hasNextPage && <p><button type="button" onClick={() => setStarts([...starts, last.endCursor!])}>{said.showMore}</button></p>}
    </>
  );
}

function WatchLines({ after, most }: { after: string | null; most: number }) {
  const { data: now, previousData } = useQuery(WatchesDocument, { variables: { after } });
  const { data: counts } = useQuery(WatchCountsDocument, { variables: { after } });
  const online = new Map(counts?.watches?.nodes.map(({ id, onlineCount }) => [id, onlineCount]));
  return (
    <tbody role="rowgroup">
      {(now ?? previousData)?.watches?.nodes.slice(0, most).map((watch) => <WatchLine key={watch.id} watch={watch} online={online.get(watch.id)} />)}
    </tbody>
  );
}

function WatchLine({ watch, online }: { watch: WatchRowFragment; online: number | null | undefined }) {
  const said = useLanguage();
  const trail = { list: location.pathname + location.search, tenders: [] };
  const addresses = watch.recipients.map(({ email }) => email).join(', '); // as the summary has them
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        <span className="name">{watch.name}</span>
        <span className="count">
          {online == null ? <span>{'\u00a0'}</span> : (
            <Link href={`${to()}?veille=${encodeURIComponent(watch.id)}`} onClick={toList}>
              {said.online(online, said.number(online))}<span className="hidden"> : {watch.name}</span>
            </Link>
          )}
        </span>
      </th>
      <td role="cell">
        <ul className="summary">
          {watch.summary.map(({ label, value }) => (
            <li key={label}><span className="label">{said.labelled(label)}</span> {value === addresses ? <Addresses recipients={watch.recipients} /> : value}</li>
          ))}
        </ul>
        {watch.recipients.some(({ status }) => status !== 'CONFIRMED') && (
          <p className="unconfirmed"><Link href={`${to('veilles', watch.id)}?voir=destinataires`} aria-label={said.recipientsOf(watch.name)}>{said.seeRecipients}</Link></p>
        )}
      </td>
      <td role="cell"><StatusSwitch watch={watch} /></td>
      <td role="cell" className="actions">
        <Link href={to('veilles', watch.id)} trail={trail} aria-label={said.editWatch(watch.name)}>{said.edit}</Link>
        <Link href={to('veilles', watch.id, 'envois')} trail={trail} aria-label={said.deliveriesOf(watch.name)}>{said.deliveries}</Link>
        <DeleteButton watch={watch} />
      </td>
    </tr>
  );
}

/** To the list below, once it is another. */
function toList() {
  requestAnimationFrame(showList);
}

function toMatching(event: MouseEvent) {
  event.preventDefault();
  showList();
}

function showList() {
  const heading = document.getElementById('matching');
  heading?.focus({ preventScroll: true });
  heading?.scrollIntoView();
}

/** The addresses of a watch, and why some of them get no mail. */
function Addresses({ recipients }: { recipients: WatchRowFragment['recipients'] }) {
  const said = useLanguage();
  return recipients.map(({ id, email, status }, i) => (
    <Fragment key={id}>
      {i > 0 && ', '}{email}
      {status !== 'CONFIRMED' && <> <span className={`tag ${status.toLowerCase()}`}>{said.recipientStates[status]}</span></>}
    </Fragment>
  ));
}

function StatusSwitch({ watch: { id, name, active, receiving } }: { watch: WatchRowFragment }) {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const [change, { loading }] = useMutation(SwitchWatchDocument);
  /** What hinders the change, if anything does. */
  async function set(variables: SwitchWatchMutationVariables): Promise<string | undefined> {
    const { data, error } = await change({ variables, errorPolicy: 'all' });
    return data?.updateWatch?.userErrors[0]?.message ?? (error && said.notSaved);
  }
  async function flip() {
    if (loading) return;
    const problem = await set({ id, active: !active });
    if (problem) return say({ text: problem });
    // The answer says all about the watch itself.
    forgetMatches(client);
    if (active) return say({ text: said.switchedOff(name) });
    say({ text: said.switchedOn(name), action: { label: said.catchUp, run: () => void catchUp() } });
  }
  async function catchUp() {
    say({ text: (await set({ id, active: true, catchUp: true })) ?? said.catchingUp(name) });
  }
  return (
    <>
      <button type="button" role="switch" aria-checked={active} aria-label={active ? said.activeWatch(name) : said.inactiveWatch(name)} className="switch" aria-disabled={loading} onClick={() => void flip()}>
        <span aria-hidden="true">{active ? said.active : said.inactive}</span>
      </button>
      {active && !receiving && <p className="warning">{said.nobodyReached}</p>}
    </>
  );
}

/** Deletes a watch. Nobody is asked whether they are sure: what was done can be undone. */
function DeleteButton({ watch: { id, name } }: { watch: WatchRowFragment }) {
  const said = useLanguage();
  const say = useMessages();
  const client = useApolloClient();
  const [remove, { loading }] = useMutation(DeleteWatchDocument);
  const [restore] = useMutation(RestoreWatchDocument);
  async function go() {
    if (loading) return;
    const { data, error } = await remove({ variables: { id }, errorPolicy: 'all' });
    const problem = data?.deleteWatch?.userErrors[0]?.message ?? (error && said.notSaved);
    if (problem) return say({ text: problem });
    forgetWatches(client);
    say({ text: said.removed(name), action: { label: said.undo, run: () => void undo(), focus: true } });
  }
  async function undo() {
    const { data, error } = await restore({ variables: { id }, errorPolicy: 'all' });
    const problem = data?.restoreWatch?.userErrors[0]?.message ?? (error && said.notSaved);
    if (!problem) forgetWatches(client);
    say({ text: problem ?? said.undone(name) });
  }
  return <button type="button" className="link danger" aria-label={said.removeWatch(name)} aria-disabled={loading} onClick={() => void go()}>{said.remove}</button>;
}
