import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useLanguage } from './language';

/** One thing that has happened, and what can be done about it. */
interface Message {
  text: string;
  action?: { label: string; run: () => void; focus?: boolean };
  /** News: the next one takes its place, and it takes that of nothing else. */
  yields?: boolean;
}

/** A message on the screen, and where the reader was when it came. */
interface Shown extends Message {
  number: number;
  around: HTMLElement | null;
}

const MessagesContext = createContext<(message: Message) => void>(() => {});

/** Shows the reader what has happened. A message without an action goes by itself; one with an action stays until it is closed. */
export function useMessages(): (message: Message) => void {
  return use(MessagesContext);
}

const shownFor = 10_000;
const most = 4;

export function Messages({ children }: { children: ReactNode }) {
  const said = useLanguage();
  const [list, setList] = useState<Shown[]>([]);
  const count = useRef(0);
  const rows = useRef<HTMLDivElement>(null);
  const say = useCallback((message: Message) => {
    const shown: Shown = { ...message, number: ++count.current, around: whereabouts() };
    setList((list) => [...list.filter((other) => (message.yields ? !other.yields : other.action)), shown].slice(-most));
  }, []);

  const last = list.at(-1);
  useEffect(() => {
    if (!last) return;
    // What was acted upon is no longer there, and had the focus.
    if (last.action?.focus) rows.current?.querySelector<HTMLElement>(`[data-message="${last.number}"] button`)?.focus();
    if (last.action) return;
    const timer = setTimeout(() => setList((list) => list.filter((other) => other !== last)), shownFor);
    return () => clearTimeout(timer);
  }, [last]);

  /** Takes a message away. The focus was on it, and goes to what the message was about. */
  function close(message: Shown) {
    setList((list) => list.filter((other) => other !== message));
    const target = message.around?.isConnected ? message.around : document.querySelector<HTMLElement>('h1');
    target?.focus({ preventScroll: true });
  }

  const content = useMemo(() => <MessagesContext value={say}>{children}</MessagesContext>, [say, children]);
  return (
    <>
      {content}
      <div className="messages" role="log" aria-label={said.messages} ref={rows}>
        {list.map((message) => (
          <div key={message.number} className="row" data-message={message.number}>
            <p>{message.text}</p>
            {message.action && (
              <button type="button" onClick={() => { close(message); message.action!.run(); }}>{message.action.label}</button>
            )}
            <button type="button" onClick={() => close(message)}>{said.close}</button>
          </div>
        ))}
      </div>
    </>
  );
}

/** The heading of the part of the page that has the focus, which stays while rows come and go. */
function whereabouts(): HTMLElement | null {
  return document.activeElement?.closest('section')?.querySelector<HTMLElement>('h2[tabindex]') ?? null;
}
