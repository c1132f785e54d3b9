import { useMessages } from '../messages';
import { Field } from './Field';
import { useAccountWords } from '../words/account';

/** A text to take elsewhere, and what copies it; `copied` is what is said then. */
export function Copied({ label, value, copied }: { label: string; value: string; copied: string }) {
  const said = useAccountWords();
  const say = useMessages();
  async function copy(input: HTMLInputElement) {
    input.select(); // so that it can be copied by hand where a browser refuses
    try {
      await navigator.clipboard.writeText(value);
      say({ text: copied });
    } catch {
      say({ text: said.copyByHand });
    }
  }
  return (
    <Field label={label}>
      {(tied) => (
        <div className="row address">
          <input {...tied} type="text" readOnly value={value} />
          <button type="button" aria-label={said.copyOf(label)} onClick={(event) => void copy(event.currentTarget.previousElementSibling as HTMLInputElement)}>{said.copy}</button>
        </div>
      )}
    </Field>
  );
}
