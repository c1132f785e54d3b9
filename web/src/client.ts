import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, ServerError } from '@apollo/client';
import type { Modifier } from '@apollo/client/cache';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { relayStylePagination } from '@apollo/client/utilities';
import { createClient as createSocket } from 'graphql-ws';
import { tap } from 'rxjs';
import { headersOf } from './first';
import { ReaderDocument } from './gql/first';
import type { Session } from './session';
import { openChannel } from './storage';

declare module '@apollo/client' {
  export namespace ApolloClient {
    export namespace DeclareDefaultOptions {
      interface WatchQuery {
        errorPolicy: 'all';
      }
      interface Query {
        errorPolicy: 'all';
      }
    }
  }
}

/** Whether the API says by an error that it does not know who asks. */
export function unauthenticated(error: unknown): boolean {
  if (CombinedGraphQLErrors.is(error)) return error.errors.some(({ extensions }) => extensions?.code === 'UNAUTHENTICATED');
  return ServerError.is(error) && error.statusCode === 401;
}

/**
 * A client of the API: queries and changes over HTTP, subscriptions over a WebSocket that is opened with the first one.
 * The cache knows everything by its id; it keeps each numbered page by itself, and lists with cursors as one.
 */
export function createClient(session: Session, ask: typeof fetch): ApolloClient {
  let away = false; // a connection was lost, or could not be made
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  const socket = createSocket({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    connectionParams: () => session.authorization,
    retryAttempts: Infinity,
    shouldRetry: () => session.access === 'open',
    // A connection that is open on this side alone says nothing: it is tried, and ended if no answer comes.
    keepAlive: 10_000,
    on: {
      ping: (received) => {
        if (!received) unanswered = setTimeout(() => socket.terminate(), 5_000);
      },
      pong: (received) => {
        if (received) clearTimeout(unanswered);
      },
      connected: () => {
        // What happened while there was no connection is not sent later: read again.
        if (away) void readAnew(client);
        away = false;
      },
      closed: (event) => {
        clearTimeout(unanswered);
        away = true;
        if ((event as CloseEvent).code === 4401) session.refused();
      },
    },
  });

  // What one tab changes, the others read again.
  const tabs = openChannel('vigie-changes');
  tabs?.addEventListener('message', () => forgetWatches(client));
  const telling = new ApolloLink((operation, forward) => {
    if (operation.operationType !== 'mutation') return forward(operation);
    return forward(operation).pipe(tap({ complete: () => tabs?.postMessage(null) }));
  });

  const link = ApolloLink.from([
    telling,
    new ErrorLink(({ error }) => {
      if (unauthenticated(error)) session.refused();
    }),
    new SetContextLink(({ headers }) => ({ headers: { ...headers, ...headersOf(session, client.readQuery({ query: ReaderDocument })?.viewer.locale) } })),
    ApolloLink.split(({ operationType }) => operationType === 'subscription', new GraphQLWsLink(socket), new HttpLink({ uri: '/graphql', fetch: ask })),
  ]);

  const client = new ApolloClient({
    link,
    cache: new InMemoryCache({
      typePolicies: {
        Watch: { fields: { deliveries: relayStylePagination() } },
        // A page of watches is asked for in two parts.
        WatchConnection: { merge: true },
        // These have no ids: they are what they stand in.
        Department: { keyFields: ['code'] },
        Limits: { keyFields: [] },
        Choices: { keyFields: [] },
      },
    }),
    // What the database knows is shown also where the search engine failed.
    defaultOptions: { watchQuery: { errorPolicy: 'all' }, query: { errorPolicy: 'all' } },
  });
  return client;
}

/** Whether the API does not know, or does not understand, something that it was asked by. */
export function unknownFilter(error: unknown): boolean {
  if (!CombinedGraphQLErrors.is(error)) return false;
  return error.errors.some(({ extensions }) => extensions?.code === 'NOT_FOUND' || extensions?.code === 'BAD_REQUEST');
}

/** Forgets all answers; what is on the screen is read again, and stays there meanwhile. */
export async function readAnew(client: ApolloClient): Promise<void> {
  client.cache.evict({ id: 'ROOT_QUERY' });
  client.cache.gc();
  await client.refetchQueries({ include: 'active' });
}

/** Forgets what matches, and why: that has changed. What of it is on the screen is read again. */
export function forgetMatches({ cache }: ApolloClient): void {
  for (const fieldName of ['matchingTenders', 'explainMatch']) cache.evict({ id: 'ROOT_QUERY', fieldName });
  cache.gc();
}

/** Forgets the lists that keep to what has a mark, or has none: marks have changed. Those on the screen are read again. */
export function forgetMarks({ cache }: ApolloClient): void {
  const marked = /"(seen|dismissed|interested)":/;
  const forget = (list: unknown, { storeFieldName, DELETE }: { storeFieldName: string; DELETE: unknown }) => (marked.test(storeFieldName) ? DELETE : list);
  cache.modify({ id: 'ROOT_QUERY', fields: { tenders: forget, matchingTenders: forget } as Record<string, Modifier<unknown>> });
  cache.gc();
}

/** Forgets the lists of watches, and what they match. Those on the screen are read again. */
export function forgetWatches(client: ApolloClient): void {
  client.cache.evict({ id: 'ROOT_QUERY', fieldName: 'watches' });
  forgetMatches(client);
}
