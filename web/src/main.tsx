import { ApolloProvider } from '@apollo/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { createClient } from './client';
import { Session } from './session';

const root = document.getElementById('page')!;
const session = new Session();
createRoot(root).render(
  <StrictMode>
    <ApolloProvider client={createClient(session)}>
      <App session={session} brand={root.dataset.brand ?? ''} home={root.dataset.home ?? ''} />
    </ApolloProvider>
  </StrictMode>,
);
