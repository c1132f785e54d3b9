import { useId, useState } from 'react';
import { useLanguage } from '../language';
import { Choice, Group } from './Field';

export interface Department {
  code: string;
  name: string;
}

const folded = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** Départements: a multiple choice that can be searched, « 01. Ain » and so on. */
export function Departments({ all, chosen, change, error }: {
  all: Department[];
  chosen: string[];
  change: (chosen: string[]) => void;
  error?: string | undefined;
}) {
  const said = useLanguage();
  const id = useId();
  const [typed, setTyped] = useState('');
  const wanted = folded(typed.trim());
  const shown = all.filter(({ code, name }) => folded(`${code}. ${name}`).includes(wanted) || folded(`${code} ${name}`).includes(wanted));
  return (
    <Group legend={said.departmentsLegend} error={error}>
      {chosen.length > 0 && (
        <ul className="chosen">
          {all.filter(({ code }) => chosen.includes(code)).map(({ code, name }) => (
            <li key={code}>
              {name}
              <button
                type="button"
                aria-label={said.take(name)}
                onClick={() => {
                  change(chosen.filter((other) => other !== code));
                  document.getElementById(id)?.focus();
                }}
              >×</button>
            </li>
          ))}
        </ul>
      )}
      <label htmlFor={id} className="hint">{said.departmentsFilter}</label>
      <input id={id} type="search" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()} />
      <div className="choices" role="group" aria-label={said.departmentsLegend} tabIndex={0}>
        {shown.map(({ code, name }) => (
          <Choice
            key={code}
            label={`${code}. ${name}`}
            checked={chosen.includes(code)}
            onChange={(checked) => change(checked ? [...chosen, code] : chosen.filter((other) => other !== code))}
          />
        ))}
        {shown.length === 0 && <p>{said.noDepartment}</p>}
      </div>
      <p className="hint" role="status">{said.departmentsChosen(chosen.length)}</p>
    </Group>
  );
}
