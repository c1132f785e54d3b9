import { useQuery } from '@apollo/client/react';
import { OtherPageDocument } from '../gql/tender';
import { Link, to, type Trail } from '../router';
import { listAt, matchingOf, searchOf } from './asked';
import { useTenderWords } from '../words/tender';

type One = Trail['tenders'][number];

/** Back to the list that the reader came from, as it was, and to its tenders before and after this one. */
export function Way({ trail, source, sourceRef }: { trail: Trail | undefined; source: string; sourceRef: string }) {
  const said = useTenderWords();
  const at = trail?.tenders.findIndex((one) => one[0] === source && one[1] === sourceRef) ?? -1;
  return (
    <nav className="above way" aria-label={said.way}>
      {trail ? <Link href={trail.list}>{said.toList}</Link> : <Link href={to()}>{said.back}</Link>}
      {trail && at >= 0 && <Beside trail={trail} at={at} />}
    </nav>
  );
}

function Beside({ trail, at }: { trail: Trail; at: number }) {
  const said = useTenderWords();
  const { tenders } = trail;
  const list = listAt(trail.list);
  // What was seen leaves the list of what was not: what follows moves up, to this page.
  const moves = list.view === 'unseen';
  const before = at === 0 && list.page > 1 && !moves ? list.page - 1 : undefined;
  const after = at === tenders.length - 1 && tenders.length >= list.size ? list.page + (moves ? 0 : 1) : undefined;
  const { data } = useQuery(OtherPageDocument, {
    variables: { free: list.free, ...(list.free ? searchOf(list) : matchingOf(list)), page: before ?? after ?? 1 },
    skip: before === undefined && after === undefined,
    fetchPolicy: 'network-only',
  });
  const others = (data?.tenders ?? data?.matchingTenders)?.nodes
    .map(({ source, sourceRef }): One => [source, sourceRef])
    .filter((other) => !tenders.some((one) => one[0] === other[0] && one[1] === other[1]));
  const link = (one: One | undefined, trail: Trail, label: string) => one && <Link href={to('marches', ...one)} trail={trail}>{label}</Link>;
  const onPage = (page: number): Trail => ({ list: list.onPage(page), tenders: others ?? [] });
  return (
    <>
      {before ? link(others?.at(-1), onPage(before), said.previousTender) : link(tenders[at - 1], trail, said.previousTender)}
      {after ? link(others?.[0], onPage(after), said.nextTender) : link(tenders[at + 1], trail, said.nextTender)}
    </>
  );
}
