import { useRef, useState, type KeyboardEvent } from 'react';
import { changeAndFocus } from '../focus';
import { useLanguage } from '../language';

/** What was chosen, each a button that takes it away. It is one stop of the key Tab: arrows lead on within it, Delete takes away. */
export function Chosen({ label, items, take, then }: {
  label: string;
  items: { id: string; label: string }[];
  take: (id: string) => void;
  /** Where the focus goes once nothing is left. */
  then: () => HTMLElement | null;
}) {
  const said = useLanguage();
  const list = useRef<HTMLUListElement>(null);
  const [at, setAt] = useState(0);
  const stop = Math.min(at, items.length - 1);
  const buttons = () => [...list.current?.querySelectorAll<HTMLElement>('button') ?? []];

  function takeAt(i: number) {
    changeAndFocus(() => {
      take(items[i]!.id);
      setAt(Math.min(i, items.length - 2));
    }, () => {
      const left = buttons();
      return left.length > 0 ? left[Math.min(i, left.length - 1)] : then();
    });
  }
  function onKeyDown(event: KeyboardEvent) {
    const to = { ArrowRight: stop + 1, ArrowDown: stop + 1, ArrowLeft: stop - 1, ArrowUp: stop - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = (to + items.length) % items.length;
      setAt(next);
      buttons()[next]?.focus();
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      event.preventDefault();
      takeAt(stop);
    }
  }
  if (items.length === 0) return null;
  return (
    <div role="toolbar" aria-label={label} onKeyDown={onKeyDown}>
      <ul className="chosen" ref={list}>
        {items.map(({ id, label }, i) => (
          <li key={id}>
            {label}
            <button type="button" tabIndex={i === stop ? 0 : -1} aria-label={said.take(label)} onFocus={() => setAt(i)} onClick={() => takeAt(i)}>×</button>
          </li>
        ))}
      </ul>
    </div>
  );
}
