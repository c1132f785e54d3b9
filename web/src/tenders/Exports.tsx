import { useContext, useState } from 'react';
import type { TenderFilter, TenderOrder } from '../gql/first';
import { useLanguage } from '../language';
import { useMessages } from '../messages';
import { SessionContext } from '../sessionContext';

type Format = 'csv' | 'xlsx';

/** Saves a list as a file, with the filters in force. */
export function Exports({ list, variables, none }: {
  list: 'tenders' | 'matching-tenders';
  variables: { search?: string; watchIds?: string[] | null; filter: TenderFilter; orderBy: TenderOrder | undefined };
  /** There is nothing to save. */
  none: boolean;
}) {
  const said = useLanguage();
  const say = useMessages();
  const session = useContext(SessionContext);
  const [saving, setSaving] = useState(false);
  if (none) return null;

  async function save(format: Format) {
    if (saving) return;
    setSaving(true);
    say({ text: said.exporting });
    const by = new URLSearchParams({ filter: JSON.stringify(variables.filter) });
    if (variables.search) by.set('search', variables.search);
    for (const id of variables.watchIds ?? []) by.append('watch', id);
    if (variables.orderBy) by.set('orderBy', variables.orderBy);
    const headers = { 'Accept-Language': said.locale.toLowerCase(), ...session?.authorization };
    try {
      const response = await fetch(`/export/${list}.${format}?${by}`, { headers });
      if (response.status === 401) session?.refused();
      if (!response.ok) {
        const { errors } = (await response.json()) as { errors: { message: string }[] };
        say({ text: errors[0]?.message ?? said.notExported });
        return;
      }
      keep(await response.blob(), response.headers.get('Content-Disposition')); // which fails where the connection was cut
      say({ text: said.exported });
    } catch {
      say({ text: said.notExported });
    } finally {
      setSaving(false);
    }
  }
  return (
    <p className="row exports">
      <span>{said.exportAs}</span>
      <button type="button" className="link" aria-label={said.exportTo('CSV')} aria-disabled={saving} onClick={() => void save('csv')}>CSV</button>
      <button type="button" className="link" aria-label={said.exportTo('Excel')} aria-disabled={saving} onClick={() => void save('xlsx')}>Excel</button>
    </p>
  );
}

/** Has the browser save a file under the name that the server gave it. */
function keep(file: Blob, disposition: string | null) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = disposition?.match(/filename="([^"]+)"/)?.[1] ?? '';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // after the browser has read it
}
