import { useMutation, useQuery, useApolloClient } from '@apollo/client/react';
import { lazy, Suspense, useEffect, useRef, useSyncExternalStore, type ReactNode, type RefObject } from 'react';
import { Boundary } from './Boundary';
import { forgetWatches, readAnew } from './client';
import { ReaderDocument } from './gql/first';
import { ChangeLanguageDocument } from './gql/lists';
import { LanguageContext, languages, useLanguage } from './language';
import { keepLanguage, lastLanguage } from './locale';
import { Messages } from './messages';
import { Dashboard } from './pages/Dashboard';
import { Page, Skeleton } from './Page';
import { Link, to, usePlace } from './router';
import { signInAt, type Session } from './session';
import { News } from './tenders/News';

export function App({ session, brand, home }: { session: Session; brand: string; home: string }) {
  const access = useSyncExternalStore(session.subscribe, () => session.access);
  const { data, loading } = useQuery(ReaderDocument);
  const locale = data?.viewer.locale ?? lastLanguage();
  const said = languages[locale ?? 'FR'];
  useEffect(() => {
    if (locale) keepLanguage(locale);
  }, [locale]);
  useReading(access);

  // Nothing is said until it is known in which language.
  if (loading && !locale) return <Beginning brand={brand} />;
  return (
    <LanguageContext value={said}>
      <a className="skip" href="#main">{said.skip}</a>
      <Header brand={brand} home={home} known={access === 'open' || access === 'expired'} />
      <main id="main" tabIndex={-1}>
        <Messages>
          {access === 'ended' && <Ended home={home} />}
          {(access === 'missing' || access === 'expired') && <SignIn expired={access === 'expired'} home={home} />}
          {(access === 'open' || access === 'expired') && <Route session={session} />}
          {access === 'open' && data && <News />}
        </Messages>
      </main>
    </LanguageContext>
  );
}

// What people begin with comes with the script; the other pages as they are opened.
const Account = lazy(() => import('./pages/Account').then(({ Account }) => ({ default: Account })));
const Deliveries = lazy(() => import('./pages/Deliveries').then(({ Deliveries }) => ({ default: Deliveries })));
const Search = lazy(() => import('./pages/Search').then(({ Search }) => ({ default: Search })));
const TenderPage = lazy(() => import('./pages/Tender').then(({ TenderPage }) => ({ default: TenderPage })));
const NewWatch = lazy(() => import('./pages/WatchForm').then(({ NewWatch }) => ({ default: NewWatch })));
const EditWatch = lazy(() => import('./pages/WatchForm').then(({ EditWatch }) => ({ default: EditWatch })));

/** A tab that was not looked at for this long, in milliseconds, reads its lists again. */
const longAway = 60_000;

/** Reads again what may have changed: with a new token everything, after a while elsewhere the lists. */
function useReading(access: Session['access']) {
  const client = useApolloClient();
  const before = useRef(access);
  useEffect(() => {
    if (before.current !== 'open' && access === 'open') void readAnew(client);
    before.current = access;
  }, [access, client]);
  useEffect(() => {
    let left = Date.now();
    const turn = () => {
      if (document.hidden) left = Date.now();
      else if (Date.now() - left > longAway) forgetWatches(client);
    };
    document.addEventListener('visibilitychange', turn);
    return () => document.removeEventListener('visibilitychange', turn);
  }, [client]);
}

/** What index.html shows too, before there is a script. */
function Beginning({ brand }: { brand: string }) {
  return (
    <>
      <header className="top"><div className="wide"><p className="brand">{brand}</p></div></header>
      <main><div className="wide"><div className="skeleton tall"><span /><span /><span /></div></div></main>
    </>
  );
}

function Header({ brand, home, known }: { brand: string; home: string; known: boolean }) {
  const { title, navigation, watches, watchesShort, search, searchShort, account, home: back } = useLanguage();
  const { path } = usePlace();
  const current = (first: string | undefined) => (path[0] === first ? 'page' : undefined);
  return (
    <header className="top">
      <div className="wide">
        <p className="brand">
          <Link href={to()}>{brand} <span>{title}</span></Link>
        </p>
        <nav aria-label={navigation}>
          {known && <Link href={to()} aria-current={current(undefined)}><Shortened text={watches} short={watchesShort} /></Link>}
          {known && <Link href={to('recherche')} aria-current={current('recherche')}><Shortened text={search} short={searchShort} /></Link>}
          {known && <Link href={to('compte')} aria-current={current('compte')}>{account}</Link>}
          {home && <a href={home}>{back}</a>}
        </nav>
        {known && <LanguageSwitch />}
      </div>
    </header>
  );
}

/** A text of which a telephone shows the beginning; a screen reader says all of it. */
function Shortened({ text, short }: { text: string; short: string }) {
  return <>{short}<span className="rest">{text.slice(short.length)}</span></>;
}

/** Changes the account's language, which is that of its mails too. */
function LanguageSwitch() {
  const { locale, otherLanguage } = useLanguage();
  const client = useApolloClient();
  const [change, { loading }] = useMutation(ChangeLanguageDocument);
  const other = locale === 'FR' ? 'EN' : 'FR';
  async function toOther() {
    if (loading) return;
    const { error } = await change({ variables: { locale: other }, errorPolicy: 'all' });
    // Labels come from the API in the reader's language: all are asked for again.
    if (!error) await readAnew(client);
  }
  return <button type="button" className="link" lang={other.toLowerCase()} aria-disabled={loading} onClick={() => void toOther()}>{otherLanguage}</button>;
}

/** Says that the platform must sign the reader in, and where. */
function SignIn({ expired, home }: { expired: boolean; home: string }) {
  const said = useLanguage();
  usePlace(); // the platform is told where the reader is
  const Heading = expired ? 'h2' : 'h1';
  return (
    <section className="card notice" role="alert">
      <Heading>{expired ? said.expiredTitle : said.missingTitle}</Heading>
      <p>{expired ? said.expired : said.missing}</p>
      {home && <p><a className="button" href={signInAt(home)} target={expired ? '_blank' : undefined} rel="noopener">{said.signIn}</a></p>}
    </section>
  );
}

/** What there is to see once the account is erased. */
function Ended({ home }: { home: string }) {
  const { endedTitle, ended, home: back } = useLanguage();
  return (
    <section className="card notice" role="alert">
      <h1>{endedTitle}</h1>
      <p>{ended}</p>
      {home && <p><a className="button" href={home}>{back}</a></p>}
    </section>
  );
}

/** The page of the place. */
function Route({ session }: { session: Session }) {
  const { path } = usePlace();
  const at = path.join('/');
  const before = useRef(at);
  return (
    <Boundary key={at}>
      <Suspense fallback={<div className="wide"><Skeleton lines={4} tall /></div>}>
        {pageAt(path, session)}
        <Arrival at={at} before={before} />
      </Suspense>
    </Boundary>
  );
}

/** Going to another page begins at its top, also for a screen reader, once the page is there. */
function Arrival({ at, before }: { at: string; before: RefObject<string> }) {
  useEffect(() => {
    if (before.current === at) return;
    before.current = at;
    scrollTo(0, 0);
    document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [at, before]);
  return null;
}

function pageAt([first, second, third, ...rest]: string[], session: Session): ReactNode {
  if (rest.length === 0) {
    if (first === undefined) return <Dashboard />;
    if (first === 'nouvelle' && second === undefined) return <NewWatch />;
    if (first === 'compte' && second === undefined) return <Account session={session} />;
    if (first === 'recherche' && second === undefined) return <Search />;
    if (first === 'veilles' && second !== undefined && third === undefined) return <EditWatch id={second} />;
    if (first === 'veilles' && second !== undefined && third === 'envois') return <Deliveries id={second} />;
    if (first === 'marches' && second !== undefined && third !== undefined) return <TenderPage source={second} sourceRef={third} />;
  }
  return <NotFound />;
}

function NotFound() {
  const { notFound, back } = useLanguage();
  return (
    <Page title={notFound}>
      <p><Link className="button" href={to()}>{back}</Link></p>
    </Page>
  );
}
