import { ApolloProvider } from '@apollo/client/react';
import { StrictMode, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { begin } from './begin';
import { Boundary } from './Boundary';
import { createClient } from './client';
import type { Session } from './session';
import { SessionContext } from './sessionContext';

/** Shows the page; `ask` has the answers to what was asked first. */
export function show(session: Session, ask: typeof fetch): void {
  const root = document.getElementById('page')!;

  /** The page of one person: nothing of it is shown to another one. */
  function Own() {
    const [client] = useState(() => {
      const client = createClient(session, ask);
      begin(client);
      return client;
    });
    return (
      <ApolloProvider client={client}>
        <App session={session} brand={root.dataset.brand ?? ''} home={root.dataset.home ?? ''} />
      </ApolloProvider>
    );
  }

  function Root() {
    const person = useSyncExternalStore(session.subscribe, () => session.person);
    return <SessionContext value={session}><Own key={person} /></SessionContext>;
  }

  createRoot(root).render(<StrictMode><Boundary><Root /></Boundary></StrictMode>);
}
