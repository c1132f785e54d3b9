#!/usr/bin/env node
// Publishes what standard input says, in its order: a line of JSON each,
//
//   {"notice": {…NoticeInput}}
//   {"withdraw": {"source": "…", "sourceRef": "…"}}
//   {"buyer": {…BuyerInput}}
//
// to VIGIE_URL, with the token VIGIE_TOKEN. What cannot be reached, or has no
// time, is asked again for a quarter of an hour, and standard error says so:
// every call may be repeated, since what is known already changes nothing.
// Needs Node 20 or newer, and nothing else.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

/** Ends with a line that says why. */
function fail(why) {
  console.error(`publish.js: ${why}`);
  process.exit(1);
}

const { VIGIE_URL: url, VIGIE_TOKEN: token } = process.env;
if (!url || !token) fail('set VIGIE_URL (https://…/graphql) and VIGIE_TOKEN');
if (!URL.canParse(url) || !/^https?:/.test(url)) fail(`VIGIE_URL is no http or https URL: ${url}`);

const batch = 500; // as many as one call takes
const patience = 1000 * Number(process.env.VIGIE_PATIENCE || 900); // for which a call is repeated
if (!(patience >= 0)) fail(`VIGIE_PATIENCE is a number of seconds, not ${process.env.VIGIE_PATIENCE}`);
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
  }).catch(({ message, cause }) => {
    const why = cause?.message || cause?.code || message; // of several addresses, the code alone is said
    throw Object.assign(new Error(`cannot reach ${url}: ${why}`), { temporary: true });
  });
  const text = await response.text().catch(() => '');
  let answer = {};
  try {
    answer = JSON.parse(text) ?? {};
  } catch {
    // Something before Vigie answered, or it stopped amid its answer.
  }
  if (answer.data?.done && !answer.errors) return answer.data.done;
  const errors = Array.isArray(answer.errors) ? answer.errors : [];
  const why = errors.map((error) => error.message).join(' ') || text.replace(/\s+/g, ' ').slice(0, 200) || 'an empty answer';
  throw Object.assign(new Error(`${url} answers ${response.status}: ${why}`), {
    temporary: response.status >= 500 || response.status === 429 || response.ok && errors.length === 0 || errors.some((error) => passing.includes(error.extensions?.code)),
    wait: retryAfter(response.headers.get('Retry-After')),
  });
}

/** Asks until there is an answer: after 1, 2, 4 … up to 30 seconds, none of them exact, so that many do not come back at once. */
async function ask(query, variables) {
  let said;
  for (let end = Date.now() + patience, delay = 1000; ; delay = Math.min(2 * delay, 30_000)) {
    try {
      return await attempt(query, variables);
    } catch (error) {
      const wait = Math.max(error.wait ?? 0, delay * (0.5 + Math.random()));
      if (!error.temporary) throw error;
      if (Date.now() + wait > end) throw new Error(`gave up after ${patience / 1000} seconds: ${error.message}`);
      if (said !== error.message) console.error(`waiting: ${error.message}; asking again until ${new Date(end).toISOString()}`);
      said = error.message;
      await pause(wait);
    }
  }
}

const counts = {};
let refused = 0;

async function send(kind, items, firstLine) {
  if (items.length === 0) return;
  const done = await ask(kinds[kind].document, kinds[kind].variables(items)).catch((error) => {
    fail(`${error.message} (the lines from ${firstLine} on are still to be sent)`);
  });
  for (const { outcome } of done.results ?? [{ outcome: done.withdrawnTenderId ? 'WITHDRAWN' : 'REFUSED' }]) {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  for (const { field, message } of done.userErrors) {
    refused++;
    const place = field[0] === 'input' ? Number(field[1]) : 0;
    console.error(`line ${firstLine + place}: ${field.slice(field[0] === 'input' ? 2 : 0).join('.')}: ${message}`);
  }
  const lines = firstLine + items.length - 1;
  console.error(lines === 1 ? '1 line done' : `${lines} lines done`);
}

/** What a line says to do: its kind, and what it is about. */
function read(text, line) {
  let said;
  try {
    said = JSON.parse(text);
  } catch (error) {
    fail(`line ${line} is not JSON: ${error.message}`);
  }
  const [[next, item] = []] = Object.entries(said ?? {});
  if (!Object.hasOwn(kinds, next)) fail(`line ${line} is neither a notice, a buyer nor a withdrawal`);
  return [next, item];
}

let kind = 'notice';
let items = [];
let line = 0;
if (process.stdin.isTTY) console.error('reading standard input, up to its end (Ctrl-D)');
for await (const text of createInterface({ input: process.stdin })) {
  line++;
  const [next, item] = read(text, line);
  if (next !== kind || items.length === kinds[kind].most) {
    await send(kind, items, line - items.length);
    [kind, items] = [next, []];
  }
  items.push(item);
}
await send(kind, items, line - items.length + 1);
if (line === 0) fail('there is nothing on standard input');
console.log(JSON.stringify(counts));
if (refused > 0) process.exitCode = 1;
