import { useId, type ReactNode } from 'react';

/** What an input needs to be tied to its label, hint and mistake. */
export interface Tied {
  id: string;
  'aria-describedby'?: string;
  'aria-invalid'?: boolean;
}

/** A label, what it labels, a hint, and what is wrong with it. */
export function Field({ label, hint, error, children }: { label: string; hint?: string; error?: string | undefined; children: (tied: Tied) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className={error ? 'field wrong' : 'field'}>
      <label htmlFor={id}>{label}</label>
      {hint && <p id={`${id}-hint`} className="hint">{hint}</p>}
      {children({ id, ...(described && { 'aria-describedby': described }), ...(error && { 'aria-invalid': true }) })}
      {error && <p id={`${id}-error`} className="error">{error}</p>}
    </div>
  );
}

/** A group of fields, with what is wrong in it. */
export function Group({ legend, hint, error, children }: { legend: string; hint?: string; error?: string | undefined; children: ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <fieldset className={error ? 'group wrong' : 'group'} aria-describedby={described || undefined}>
      <legend>{legend}</legend>
      {hint && <p id={`${id}-hint`} className="hint">{hint}</p>}
      {children}
      {error && <p id={`${id}-error`} className="error" data-error tabIndex={-1}>{error}</p>}
    </fieldset>
  );
}

/** A box or a radio button with its label behind it. */
export function Choice({ type = 'checkbox', name, label, checked, onChange }: {
  type?: 'checkbox' | 'radio';
  name?: string;
  label: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <p className="choice">
      <input id={id} type={type} name={name} checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <label htmlFor={id}>{label}</label>
    </p>
  );
}
