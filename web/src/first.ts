import { to } from './address';
import questions from './api/first.graphql';
import rows from './api/rows.graphql';
import type { Locale } from './gql/first';
import { lastLanguage } from './locale';
import type { Session } from './session';
import { listAt, matchingOf } from './tenders/asked';

/** What is asked first: who reads and, of the page that people begin with, what it shows. */
export function firstQuestions() {
  const questions = [{ operationName: 'Reader' as const, variables: {} }];
  if (location.pathname.replace(/\/$/, '') !== to()) return questions;
  const list = listAt(location.pathname + location.search);
  return [
    ...questions,
    { operationName: 'Watches' as const, variables: { after: null } },
    { operationName: 'MatchingTenders' as const, variables: matchingOf(list) },
  ];
}

/** Says who asks, and in which language: while the page's is not known, in the account's, for the browser would ask for its own. */
export function headersOf(session: Session, locale: Locale | null = lastLanguage()): Record<string, string> {
  return { 'Accept-Language': locale?.toLowerCase() ?? '*', ...session.authorization };
}

/**
 * Asks at once for what the page begins with, before there is a client of the API. Answers the `fetch` of that client: the same
 * question, asked by the same person, gets the answer that is there or on its way, once.
 */
export function askFirst(session: Session): typeof fetch {
  const { token } = session;
  const headers = { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json', ...headersOf(session) };
  const asked = new Map<string, { answer: Promise<Response>; request: AbortController }>();
  for (const question of firstQuestions()) {
    const request = new AbortController();
    const answer = fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query: rows + questions, ...question }), signal: request.signal });
    answer.catch(() => {}); // whoever takes the answer gets the error
    asked.set(JSON.stringify(question), { answer, request });
  }
  return (url, init) => {
    if (session.token !== token) {
      for (const { request } of asked.values()) request.abort();
      asked.clear();
    }
    const { operationName, variables } = JSON.parse(init!.body as string) as Record<string, unknown>;
    const question = JSON.stringify({ operationName, variables });
    const answer = asked.get(question)?.answer;
    asked.delete(question);
    return answer ?? fetch(url, init);
  };
}
