import { useEffect, useState, type RefObject } from 'react';
import { useFormWords } from '../words/form';

/** What the API found wrong, and where: ["input", "criteria", "keywordsText"]. */
export interface Mistake {
  field: string[];
  message: string;
}

/** What hinders saving. Those mistakes that stand beside a field are listed in the order of the form, and each leads to its field. */
export function Mistakes({ mistakes, general, form }: { mistakes: Mistake[]; general: Mistake[]; form: RefObject<HTMLFormElement | null> }) {
  const said = useFormWords();
  const [beside, setBeside] = useState<{ id: string; message: string }[]>([]);
  useEffect(() => {
    setBeside([...form.current!.querySelectorAll('.wrong')].flatMap((place) => {
      const message = place.querySelector(':scope > .error')?.textContent;
      const field = wrongIn(place);
      return message && field ? [{ id: field.id, message }] : [];
    }));
  }, [mistakes, form]);
  return (
    <div className="failure" role="alert" tabIndex={-1}>
      {mistakes.length > general.length && <p>{said.formErrors}</p>}
      {general.map(({ message }) => <p key={message}>{message}</p>)}
      {mistakes.length > general.length && (
        <ul className="mistakes">
          {beside.map(({ id, message }) => (
            <li key={id}>
              <a
                href={`#${id}`}
                onClick={(event) => {
                  event.preventDefault();
                  focusOn(document.getElementById(id));
                }}
              >{message}</a>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The first field within that is wrong. */
export function wrongIn(part: Element): HTMLElement | null {
  return part.querySelector<HTMLElement>('[aria-invalid=true], [data-error]');
}

/** Focuses a field, also one in a panel that is closed. */
export function focusOn(field: HTMLElement | null) {
  const panel = field?.closest('details');
  if (panel) panel.open = true;
  field?.focus();
}
