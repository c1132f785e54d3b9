import { flushSync } from 'react-dom';

/** Makes a change and moves the focus to what it made, before the next key is read. It is for handlers of events, which React lets render at once. */
export function changeAndFocus(change: () => void, find: () => HTMLElement | null | undefined) {
  flushSync(change);
  find()?.focus();
}
