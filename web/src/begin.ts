import type { ApolloClient } from '@apollo/client';
import { MatchingTendersDocument, WatchesDocument } from './gql/graphql';
import { to } from './router';
import { listAt, matchingOf } from './tenders/place';

/** Asks at once for what the page that people begin with shows: it is there, or on its way, when that is drawn. */
export function begin(client: ApolloClient): void {
  if (location.pathname.replace(/\/$/, '') !== to()) return;
  const here = listAt(location.pathname + location.search);
  // What fails is not kept: the page asks for it again, and says so.
  client.query({ query: WatchesDocument, variables: { after: null }, errorPolicy: 'none' }).catch(() => {});
  client.query({ query: MatchingTendersDocument, variables: matchingOf(here), errorPolicy: 'none' }).catch(() => {});
}
