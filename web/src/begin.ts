import type { ApolloClient, DocumentNode, OperationVariables } from '@apollo/client';
import { firstQuestions } from './first';
import { MatchingTendersDocument, ReaderDocument, WatchesDocument } from './gql/first';

const documents: Record<string, DocumentNode> = { Reader: ReaderDocument, Watches: WatchesDocument, MatchingTenders: MatchingTendersDocument };

/** Takes what was asked first into the cache: it is there, or on its way, when the page is drawn. */
export function begin(client: ApolloClient): void {
  for (const { operationName, variables } of firstQuestions()) {
    // What fails is not kept: the page asks for it again, and says so.
    client.query({ query: documents[operationName]!, variables: variables as OperationVariables, errorPolicy: 'none' }).catch(() => {});
  }
}
