import { useQuery } from '@apollo/client/react';
import { useDebounced } from '../fields/debounced';
import { PreviewMatchesDocument, PreviewOfLessDocument, type CriteriaInput } from '../gql/form';
import { Failure, Skeleton } from '../Page';
import { Link, to } from '../router';
import { Days } from '../tenders/Days';
import { marked } from '../tenders/Marked';
import { criteriaOf, type Draft } from './draft';
import { useFormWords } from '../words/form';

/** What the draft would match, while it is typed: how many, the newest, and where none, what would find some. */
export function Preview({ draft, change }: { draft: Draft; change: (change: Partial<Draft>) => void }) {
  const said = useFormWords();
  const text = useDebounced(JSON.stringify(criteriaOf(draft)), 300);
  const criteria = JSON.parse(text) as CriteriaInput;
  const { data: now, previousData, error, loading, refetch } = useQuery(PreviewMatchesDocument, { variables: { criteria }, fetchPolicy: 'network-only' });
  // An answer to what was asked before is shown until the next one is there; not where there is none.
  const preview = error ? undefined : (now ?? previousData)?.previewMatches;
  const { onlineCount, last30Days } = preview ?? {};
  const count = onlineCount != null && last30Days != null && said.previewCount(onlineCount, said.number(onlineCount), last30Days, said.number(last30Days));
  return (
    <section className="card preview" aria-labelledby="preview" aria-busy={loading}>
      <h2 id="preview" tabIndex={-1}>{said.preview}</h2>
      <div role="status">
        {count && <p className="big">{count}</p>}
        {preview?.userErrors.map(({ message }) => <p key={message} className="error">{message}</p>)}
        {preview?.warnings.map(({ message }) => <p key={message} className="warning">{message}</p>)}
      </div>
      {!preview && (error ? <Failure error={error} text={said.searchDown} retry={refetch} /> : <Skeleton lines={1} tall />)}
      {onlineCount === 0 && !loading && <Less draft={draft} change={change} />}
      {preview && preview.examples.length > 0 && (
        <ul className="found" aria-label={said.newestOnes}>
          {preview.examples.map(({ tender, highlights }) => {
            const { title } = marked(tender.title, highlights);
            return (
              <li key={tender.id}>
                <Link href={to('marches', tender.source, tender.sourceRef)}>{title}</Link>
                <span className="count"><Days tender={tender} /> {tender.buyer.name}</span>
              </li>
            );
          })}
        </ul>
      )}
      {onlineCount != null && (
        <div className="bar">
          <span aria-hidden="true">{said.online(onlineCount, said.number(onlineCount))}</span>
          <a
            href="#preview"
            onClick={(event) => {
              event.preventDefault();
              const heading = document.getElementById('preview')!;
              heading.focus({ preventScroll: true });
              heading.scrollIntoView();
            }}
          >{said.seePreview}</a>
        </div>
      )}
    </section>
  );
}

/** Where nothing matches: what would find some, each a button that does it. */
function Less({ draft, change }: { draft: Draft; change: (change: Partial<Draft>) => void }) {
  const said = useFormWords();
  const several = (draft.keywords.match(/"[^"]*"|[^\s,;]+/g) ?? []).length > 1;
  const anywhere: Partial<Draft> = { departments: [], buyers: [] };
  const without: Partial<Draft> = { excluded: '', natures: [], procedures: [], cpv: '', deadlineKinds: [], techniques: [], minValue: '', maxValue: '' };
  const narrowed = (parts: Partial<Draft>) => Object.keys(parts).some((name) => draft[name as keyof Draft].toString() !== '');
  const ways = [
    { name: 'any', label: said.wouldAny, parts: { mode: 'ANY' }, useful: several && draft.mode === 'ALL' },
    { name: 'everywhere', label: said.wouldEverywhere, parts: anywhere, useful: narrowed(anywhere) },
    { name: 'wordsAlone', label: said.wouldWordsAlone, parts: without, useful: narrowed(without) },
  ] as const;
  const [any, everywhere, wordsAlone] = ways.map(({ parts }) => criteriaOf({ ...draft, ...parts }));
  const { data } = useQuery(PreviewOfLessDocument, {
    variables: { any: any!, everywhere: everywhere!, wordsAlone: wordsAlone! },
    skip: !ways.some(({ useful }) => useful),
  });
  const helpful = ways.filter(({ name, useful }) => useful && data?.[name]?.onlineCount);
  if (helpful.length === 0) return null;
  return (
    <ul className="ways">
      {helpful.map(({ name, label, parts }) => {
        const count = data![name]!.onlineCount!;
        return (
          <li key={name}>
            <button
              type="button"
              onClick={() => {
                change(parts);
                document.getElementById('preview')?.focus(); // the button is no longer there
              }}
            >{label(said.online(count, said.number(count)))}</button>
          </li>
        );
      })}
    </ul>
  );
}
