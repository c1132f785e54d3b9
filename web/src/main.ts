import { askFirst } from './first';
import { Session } from './session';

// What the page begins with is asked for while the rest of the script is on its way.
const session = new Session();
const ask = askFirst(session);
void import('./show').then(({ show }) => show(session, ask));
