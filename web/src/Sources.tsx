import { useQuery } from '@apollo/client/react';
import { SourcesDocument } from './gql/search';
import { useSearchWords } from './words/search';

/** Up to when the public sources are known whole: silence is then known to be quiet. Nothing where none is followed. */
export function Sources() {
  const said = useSearchWords();
  const { data } = useQuery(SourcesDocument, { fetchPolicy: 'cache-and-network' });
  if (!data || data.sources.length === 0) return null;
  return <p className="sources">{data.sources.map(({ label, lastWholeAt }) => said.readUntil(label, said.until(lastWholeAt))).join(' ')}</p>;
}
