import { useMemo, useRef, useState } from 'react';
import { Chosen } from './Chosen';
import { Combobox } from './Combobox';
import { Group } from './Field';
import { useFormWords } from '../words/form';

export interface Department {
  code: string;
  name: string;
  region: string;
}

/** A department, or a region with all of its departments. */
interface Option {
  id: string;
  label: string;
  /** Its name alone, where it is taken away. */
  name: string;
  codes: string[];
  text: string;
}

const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[-'’.\s]+/g, ' ').trim();

/** Départements: those chosen, and a box that finds them by name, number or region. */
export function Departments({ all, chosen, change, error }: {
  all: Department[];
  chosen: string[];
  change: (chosen: string[]) => void;
  error?: string | undefined;
}) {
  const said = useFormWords();
  const box = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState('');
  const { regions, departments } = useMemo(() => optionsOf(all), [all]);
  const wanted = folded(typed);
  const found = [...regions, ...departments].filter(({ text, codes }) => text.includes(wanted) && !codes.every((code) => chosen.includes(code)));
  // What begins so comes first: « ain » is Ain before Nouvelle-Aquitaine.
  const begins = ({ name, text }: Option) => text.startsWith(wanted) || folded(name).startsWith(wanted);
  const items = [...found.filter(begins), ...found.filter((option) => !begins(option))];
  const whole = regions.filter(({ codes }) => codes.every((code) => chosen.includes(code)));
  const single = departments.filter(({ codes: [code] }) => chosen.includes(code!) && !whole.some(({ codes }) => codes.includes(code!)));
  const shown = [...whole, ...single];
  return (
    <Group legend={said.departmentsLegend} error={error}>
      <Chosen
        label={said.chosenDepartments}
        items={shown.map(({ id, name }) => ({ id, label: name }))}
        take={(id) => {
          const gone = shown.find((option) => option.id === id)!.codes;
          change(chosen.filter((code) => !gone.includes(code)));
        }}
        then={() => box.current}
      />
      <Combobox
        box={box}
        label={said.departmentsFilter}
        listLabel={said.departmentsLegend}
        items={items}
        keyOf={({ id }) => id}
        typed={typed}
        setTyped={setTyped}
        choose={({ codes }) => {
          change([...new Set([...chosen, ...codes])]);
          setTyped('');
        }}
        show={({ label, codes }) => <>{label}{codes.length > 1 && <span className="count">{said.departmentsIn(codes.length)}</span>}</>}
        status={(open) => (open && items.length === 0 ? said.noDepartment : said.departmentsChosen(chosen.length))}
      />
    </Group>
  );
}

function optionsOf(all: Department[]): { regions: Option[]; departments: Option[] } {
  const codes = new Map<string, string[]>();
  for (const { code, region } of all) codes.set(region, [...codes.get(region) ?? [], code]);
  return {
    regions: [...codes].filter(([, codes]) => codes.length > 1).sort(([a], [b]) => a.localeCompare(b, 'fr'))
      .map(([region, codes]) => ({ id: region, label: region, name: region, codes, text: folded(region) })),
    departments: all.map(({ code, name, region }) => ({ id: code, label: `${code}. ${name}`, name, codes: [code], text: folded(`${code}. ${name} ${region}`) })),
  };
}
