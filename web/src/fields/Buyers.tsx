import { useQuery } from '@apollo/client/react';
import { useLayoutEffect, useRef, useState } from 'react';
import { BuyersDocument } from '../gql/form';
import { changeAndFocus } from '../focus';
import { Chosen } from './Chosen';
import { Combobox } from './Combobox';
import { useDebounced } from './debounced';
import { Group } from './Field';
import { useFormWords } from '../words/form';

export interface ChosenBuyer {
  id: string;
  name: string;
}

/** Organisme: those chosen, and a box that suggests others from the first letter on. */
export function Buyers({ chosen, change, error }: { chosen: ChosenBuyer[]; change: (chosen: ChosenBuyer[]) => void; error?: string | undefined }) {
  const said = useFormWords();
  const [adding, setAdding] = useState(false);
  const another = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLInputElement>(null);
  const open = adding || chosen.length === 0;
  function choose(buyer: ChosenBuyer) {
    if (!chosen.some(({ id }) => id === buyer.id)) change([...chosen, buyer]);
    setAdding(false);
    chose.current = true;
  }
  // With the choice the box goes, and the focus with it, unless a key has moved it on; from the button on, the next buyer is a key away.
  const chose = useRef(false);
  useLayoutEffect(() => {
    if (chose.current && !open && document.activeElement === document.body) another.current?.focus();
    chose.current = false;
  }, [open]);
  return (
    <Group legend={said.buyersLegend} error={error}>
      <Chosen
        label={said.chosenBuyers}
        items={chosen.map(({ id, name }) => ({ id, label: name }))}
        take={(id) => change(chosen.filter((buyer) => buyer.id !== id))}
        then={() => box.current}
      />
      {open && <BuyerBox box={box} choose={choose} />}
      {!open && (
        <button
          ref={another}
          type="button"
          onClick={() => {
            changeAndFocus(() => setAdding(true), () => box.current);
          }}
        >{said.addBuyer}</button>
      )}
    </Group>
  );
}

function BuyerBox({ box, choose }: { box: React.RefObject<HTMLInputElement | null>; choose: (buyer: ChosenBuyer) => void }) {
  const said = useFormWords();
  const [typed, setTyped] = useState('');
  const search = useDebounced(typed.trim(), 150);
  const { data: now, previousData, error, loading } = useQuery(BuyersDocument, { variables: { search }, skip: search === '' });
  const list = search === '' ? [] : ((now ?? previousData)?.buyers?.nodes ?? []);
  const settled = search !== '' && search === typed.trim() && !loading;
  return (
    <Combobox
      box={box}
      label={said.buyerHint}
      listLabel={said.buyersLegend}
      items={list}
      keyOf={({ id }) => id}
      typed={typed}
      setTyped={setTyped}
      choose={choose}
      show={({ name, city, departmentCode, onlineCount }) => (
        <>
          {name}
          <span className="count">
            {[city, departmentCode].filter(Boolean).join(', ')}
            {onlineCount ? ` · ${said.online(onlineCount, said.number(onlineCount))}` : ''}
          </span>
        </>
      )}
      status={(open) => (settled && open ? (error ? said.failed : list.length > 0 ? said.buyersFound(list.length) : said.noBuyer) : '')}
    />
  );
}
