import { useQuery } from '@apollo/client/react';
import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { BuyersDocument } from '../gql/graphql';
import { useDebounced } from './debounced';
import { useLanguage } from '../language';
import { Group } from './Field';

export interface ChosenBuyer {
  id: string;
  name: string;
}

/** Organisme: those chosen, and a box that suggests others from the first letter on. */
export function Buyers({ chosen, change, error }: { chosen: ChosenBuyer[]; change: (chosen: ChosenBuyer[]) => void; error?: string | undefined }) {
  const said = useLanguage();
  const [adding, setAdding] = useState(false);
  const another = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLInputElement>(null);
  const open = adding || chosen.length === 0;
  function choose(buyer: ChosenBuyer) {
    if (!chosen.some(({ id }) => id === buyer.id)) change([...chosen, buyer]);
    setAdding(false);
    // The box is no longer there; from the button on, the next one is a key away.
    requestAnimationFrame(() => another.current?.focus());
  }
  return (
    <Group legend={said.buyersLegend} error={error}>
      {chosen.length > 0 && (
        <ul className="chosen">
          {chosen.map(({ id, name }) => (
            <li key={id}>
              {name}
              <button
                type="button"
                aria-label={said.take(name)}
                onClick={() => {
                  change(chosen.filter((buyer) => buyer.id !== id));
                  requestAnimationFrame(() => (another.current ?? box.current)?.focus());
                }}
              >×</button>
            </li>
          ))}
        </ul>
      )}
      {open && <BuyerBox box={box} choose={choose} />}
      {!open && (
        <button
          ref={another}
          type="button"
          onClick={() => {
            setAdding(true);
            requestAnimationFrame(() => box.current?.focus());
          }}
        >{said.addBuyer}</button>
      )}
    </Group>
  );
}

/** A combobox by the pattern of the ARIA Authoring Practices: the focus stays in the box, the arrows move in the list. */
function BuyerBox({ box, choose }: { box: React.RefObject<HTMLInputElement | null>; choose: (buyer: ChosenBuyer) => void }) {
  const said = useLanguage();
  const id = useId();
  const [typed, setTyped] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const search = useDebounced(typed.trim(), 150);
  const { data: now, previousData, error, loading } = useQuery(BuyersDocument, { variables: { search }, skip: search === '' });
  const list = search === '' ? [] : ((now ?? previousData)?.buyers?.nodes ?? []);
  const settled = search !== '' && search === typed.trim() && !loading;
  const shown = open && list.length > 0;

  function onKeyDown(event: KeyboardEvent) {
    switch (event.key) {
      case 'ArrowDown':
      case 'ArrowUp': {
        event.preventDefault();
        setOpen(true);
        if (list.length === 0) return;
        const step = event.key === 'ArrowDown' ? 1 : -1;
        setAt((at) => (at < 0 ? (step > 0 ? 0 : list.length - 1) : (at + step + list.length) % list.length));
        return;
      }
      case 'Enter':
        // Without a choice too: the form is not sent from here.
        event.preventDefault();
        if (shown && list[at]) choose(list[at]);
        return;
      case 'Escape':
        setOpen(false);
        setAt(-1);
    }
  }
  return (
    <div className="combobox">
      <label htmlFor={id} className="hint">{said.buyerHint}</label>
      <input
        ref={box}
        id={id}
        type="text"
        role="combobox"
        autoComplete="off"
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={shown && list[at] ? `${id}-${at}` : undefined}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setOpen(true);
          setAt(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={said.buyersLegend} hidden={!shown}>
        {shown && list.map((buyer, i) => (
          <li
            key={buyer.id}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            // Before the box loses the focus.
            onMouseDown={(event) => {
              event.preventDefault();
              choose(buyer);
            }}
          >
            {buyer.name}
            <span className="count">
              {[buyer.city, buyer.departmentCode].filter(Boolean).join(', ')}
              {buyer.onlineCount ? ` · ${said.online(buyer.onlineCount, said.number(buyer.onlineCount))}` : ''}
            </span>
          </li>
        ))}
      </ul>
      <p className="hint" role="status">{settled && open ? (error ? said.failed : list.length > 0 ? said.buyersFound(list.length) : said.noBuyer) : ''}</p>
    </div>
  );
}
