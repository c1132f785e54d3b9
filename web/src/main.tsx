import { ApolloProvider } from '@apollo/client/react';
import { StrictMode, useState, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { begin } from './begin';
import { Boundary } from './Boundary';
import { createClient } from './client';
import { Session, SessionContext } from './session';

const root = document.getElementById('page')!;
const session = new Session();

/** The page of one person: nothing of it is shown to another one. */
function Own() {
  const [client] = useState(() => {
    const client = createClient(session);
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
