import { createContext, use, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useLanguage } from './language';

/** One thing that has happened, and what can be done about it. */
interface Message {
  text: string;
  action?: { label: string; run: () => void; focus?: boolean };
  /** It does not take the place of one that can still be acted upon. */
  yields?: boolean;
}

const MessagesContext = createContext<(message: Message) => void>(() => {});

/** Shows the reader what has happened. A message without an action goes by itself. */
export function useMessages(): (message: Message) => void {
  return use(MessagesContext);
}

const shownFor = 10_000;

export function Messages({ children }: { children: ReactNode }) {
  const { close } = useLanguage();
  const [message, setMessage] = useState<Message | null>(null);
  const action = useRef<HTMLButtonElement>(null);
  const say = useCallback(
    (message: Message) => setMessage((shown) => (message.yields && shown?.action && !shown.yields ? shown : message)),
    [],
  );
  useEffect(() => {
    if (!message) return;
    // What was acted upon is no longer there, and had the focus.
    if (message.action?.focus) action.current?.focus();
    if (message.action) return;
    const timer = setTimeout(() => setMessage(null), shownFor);
    return () => clearTimeout(timer);
  }, [message]);
  const content = useMemo(() => <MessagesContext value={say}>{children}</MessagesContext>, [say, children]);
  return (
    <>
      {content}
      <div className="messages">
        <p role="status">{message?.text}</p>
        {message && (
          <div className="row">
            {message.action && (
              <button ref={action} type="button" onClick={() => { setMessage(null); message.action!.run(); }}>{message.action.label}</button>
            )}
            <button type="button" onClick={() => setMessage(null)}>{close}</button>
          </div>
        )}
      </div>
    </>
  );
}
