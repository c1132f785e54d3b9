import type { TenderRowFragment } from '../gql/first';
import type { Language } from '../language';

/** The value of a tender; a framework's is what is spent at most. */
export function valueOf({ value, technique }: Pick<TenderRowFragment, 'value' | 'technique'>, said: Language): string | undefined {
  return value && technique === 'FRAMEWORK' ? said.atMost(value.label) : value?.label;
}

/** The places of a tender: Ain (01), Rhône (69); the first of very many. */
export function departmentsOf({ departments }: { departments: { code: string; name: string }[] }, most = 4): string {
  const names = departments.map(({ code, name }) => `${name} (${code})`);
  return names.length > most ? `${names.slice(0, most).join(', ')}…` : names.join(', ');
}
