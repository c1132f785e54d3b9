import { useId, useRef, type ReactNode } from 'react';
import { useLanguage } from './language';

/**
 * A button for what cannot be undone: it says what would happen, and asks. The browser keeps the focus within the question, closes
 * it with Escape, and gives the focus back to the button.
 */
export function ConfirmButton({ children, label, question, text, confirm, className, busy, run }: {
  children: ReactNode;
  label?: string;
  question: string;
  text: string;
  /** What the button that does it is called. */
  confirm: string;
  className?: string;
  busy?: boolean;
  run: () => void;
}) {
  const { dontDo } = useLanguage();
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const id = useId();
  function ask() {
    if (busy) return;
    dialog.current!.showModal();
    title.current!.focus(); // neither answer is a key away
  }
  function answer(yes: boolean) {
    dialog.current!.close();
    if (yes) run();
  }
  return (
    <>
      <button type="button" className={className} aria-label={label} aria-haspopup="dialog" aria-disabled={busy} onClick={ask}>{children}</button>
      <dialog ref={dialog} aria-labelledby={id} aria-describedby={`${id}-text`}>
        <h2 id={id} tabIndex={-1} ref={title}>{question}</h2>
        <p id={`${id}-text`}>{text}</p>
        <p className="row after">
          <button type="button" className="button" onClick={() => answer(true)}>{confirm}</button>
          <button type="button" onClick={() => answer(false)}>{dontDo}</button>
        </p>
      </dialog>
    </>
  );
}
