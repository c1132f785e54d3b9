import { useQuery } from '@apollo/client/react';
import { WatchNamesDocument } from '../gql/feeds';

/** The reader's watches by name. There are two pages of them at most. */
export function useWatchNames(): { id: string; name: string }[] {
  const first = useQuery(WatchNamesDocument, { variables: { after: null } }).data?.watches;
  const after = first?.pageInfo.hasNextPage ? first.pageInfo.endCursor : null;
  const second = useQuery(WatchNamesDocument, { variables: { after: after ?? null }, skip: !after }).data?.watches;
  return [...(first?.nodes ?? []), ...(after ? (second?.nodes ?? []) : [])];
}
