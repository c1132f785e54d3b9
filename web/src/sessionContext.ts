import { createContext } from 'react';
import type { Session } from './session';

/** The session of what the page shows. */
export const SessionContext = createContext<Session | null>(null);
