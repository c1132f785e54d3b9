#!/usr/bin/env node
// Publishes what standard input says, in its order: a line of JSON each,
//
//   {"notice": {…NoticeInput}}
//   {"withdraw": {"source": "…", "sourceRef": "…"}}
//   {"buyer": {…BuyerInput}}
//
// to VIGIE_URL, with the token VIGIE_TOKEN. What cannot be reached, or has no
// time, is asked again until it answers: every call may be repeated, since what
// is known already changes nothing. Needs Node 20 or newer, and nothing else.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const { VIGIE_URL: url, VIGIE_TOKEN: token } = process.env;
if (!url || !token) throw new Error('set VIGIE_URL and VIGIE_TOKEN');

const batch = 500; // as many as one call takes
const patience = 15 * 60_000; // for which a call is repeated
const passing = ['TOO_MANY_REQUESTS', 'TIMED_OUT', 'UNAVAILABLE'];

const kinds = {
  notice: {
    most: batch,
    document: `mutation ($input: [NoticeInput!]!) {
      done: publishNotices(input: $input) { results { outcome } userErrors { field message } }
    }`,
    variables: (notices) => ({ input: notices }),
  },
  buyer: {
    most: batch,
    document: `mutation ($input: [BuyerInput!]!) {
      done: upsertBuyers(input: $input) { results { outcome } userErrors { field message } }
    }`,
    variables: (buyers) => ({ input: buyers }),
  },
  withdraw: {
    most: 1,
    document: `mutation ($source: String!, $sourceRef: String!) {
      done: withdrawTender(source: $source, sourceRef: $sourceRef) { withdrawnTenderId userErrors { field message } }
    }`,
    variables: ([tender]) => tender,
  },
};

/** How long the server asks to wait, in milliseconds: it says so in seconds, or by a date (RFC 9110 §10.2.3). */
function retryAfter(value) {
  const wait = /^\s*\d+\s*$/.test(value ?? '') ? 1000 * Number(value) : Date.parse(value ?? '') - Date.now();
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), patience) : 0;
}

/** Asks once. The error says whether it may be `temporary`, and how long to `wait` at least. */
async function attempt(query, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(60_000),
  }).catch((cause) => {
    throw Object.assign(new Error(`cannot reach ${url}`, { cause }), { temporary: true });
  });
  const text = await response.text().catch(() => '');
  let answer = {};
  try {
    answer = JSON.parse(text);
  } catch {
    // Something before Vigie answered, or it stopped amid its answer.
  }
  if (answer.data?.done && !answer.errors) return answer.data.done;
  const codes = (answer.errors ?? []).map((error) => error.extensions?.code);
  throw Object.assign(new Error(`${response.status} ${text}`), {
    temporary: response.status >= 500 || response.status === 429 || response.ok && codes.length === 0 || codes.some((code) => passing.includes(code)),
    wait: retryAfter(response.headers.get('Retry-After')),
  });
}

/** Asks until there is an answer: after 1, 2, 4 … up to 30 seconds, none of them exact, so that many do not come back at once. */
async function ask(query, variables) {
  for (let end = Date.now() + patience, delay = 1000; ; delay = Math.min(2 * delay, 30_000)) {
    try {
      return await attempt(query, variables);
    } catch (error) {
      if (!error.temporary || Date.now() > end) throw error;
      await pause(Math.max(error.wait ?? 0, delay * (0.5 + Math.random())));
    }
  }
}

const counts = {};
let refused = 0;

async function send(kind, items, firstLine) {
  if (items.length === 0) return;
  const done = await ask(kinds[kind].document, kinds[kind].variables(items));
  for (const { outcome } of done.results ?? [{ outcome: done.withdrawnTenderId ? 'WITHDRAWN' : 'REFUSED' }]) {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  for (const { field, message } of done.userErrors) {
    refused++;
    const place = field[0] === 'input' ? Number(field[1]) : 0;
    console.error(`line ${firstLine + place}: ${field.slice(field[0] === 'input' ? 2 : 0).join('.')}: ${message}`);
  }
  console.error(`${firstLine + items.length - 1} lines done`);
}

let kind = 'notice';
let items = [];
let line = 0;
for await (const text of createInterface({ input: process.stdin })) {
  line++;
  const [[next, item]] = Object.entries(JSON.parse(text));
  if (!kinds[next]) throw new Error(`line ${line}: neither a notice, a buyer nor a withdrawal`);
  if (next !== kind || items.length === kinds[kind].most) {
    await send(kind, items, line - items.length);
    [kind, items] = [next, []];
  }
  items.push(item);
}
await send(kind, items, line - items.length + 1);
console.log(JSON.stringify(counts));
if (refused > 0) process.exitCode = 1;
