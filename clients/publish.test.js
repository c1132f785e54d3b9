// A platform publishes by the example client while the server is killed: what
// watches find afterwards is what the client published.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHTTPServer } from 'node:http';
import { createServer } from 'node:net';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer, until } from './server.js';

const tenders = 10_000;
// Words that the lexicon keeps apart, and that no other field has.
const words = 'voirie toiture ascenseur plomberie chauffage peinture menuiserie nettoyage gardiennage restauration imprimerie mobilier informatique transport assurance signalisation'.split(' ');
const watches = [
  { keywords: ['voirie'] },
  { keywords: ['toiture', 'ascenseur'] },
  { keywords: ['toiture', 'ascenseur'], keywordMode: 'ANY' },
  { keywords: ['plomberie', 'chauffage'], keywordMode: 'ANY', excludedKeywords: ['peinture'] },
  { keywords: ['mobilier'], departmentCodes: ['01', '2A'] },
  { keywords: ['transport', 'assurance', 'signalisation'] },
  {},
];

/** Numbers that look random, the same ones each time (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a platform does in some days, a line each, and the tenders that are left, by reference. */
function history() {
  const next = random(20261126);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const lines = [];
  const left = new Map();
  const publish = (ref) => {
    const tender = { words: new Set([pick(words), pick(words), pick(words)]), department: pick(['01', '2A', '69', undefined]) };
    left.set(ref, tender);
    lines.push({
      notice: {
        source: 'portal',
        sourceRef: ref,
        title: `Travaux de ${[...tender.words].join(', ')}`,
        buyerName: "Commune d'Exemple",
        departmentCodes: tender.department ? [tender.department] : ['971'],
        publishedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, lines.length)).toISOString(),
      },
    });
    if (!tender.department) tender.department = '971';
  };
  for (let i = 0; i < tenders; i++) {
    publish(`t${i}`);
    const earlier = `t${Math.floor(next() * (i + 1))}`;
    const chance = next();
    if (chance < 0.1) {
      publish(earlier); // corrected, or published again
    } else if (chance < 0.13) {
      left.delete(earlier);
      lines.push({ withdraw: { source: 'portal', sourceRef: earlier } });
    }
  }
  return { lines, left };
}

/** What a watch is to find, by reading. */
function matches({ keywords = [], keywordMode = 'ALL', excludedKeywords = [], departmentCodes = [] }, tender) {
  const has = (word) => tender.words.has(word);
  return (
    (keywordMode === 'ALL' ? keywords.every(has) : keywords.some(has)) &&
    !excludedKeywords.some(has) &&
    (departmentCodes.length === 0 || departmentCodes.includes(tender.department))
  );
}

/** A port that nobody listens on. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

test('what the example client published is what watches find, though the server was killed twice', { timeout: 300_000 }, async () => {
  const environment = { VIGIE_LISTEN: `127.0.0.1:${await freePort()}`, VIGIE_RATE_ACCOUNT: '100000', VIGIE_RATE_ADDRESS: '100000' };
  let server = await startServer(environment);
  const person = server.person();
  const made = [];
  for (const [i, criteria] of watches.entries()) {
    const { createWatch } = await server.ask(
      person,
      `mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { message } } }`,
      { input: { name: `veille ${i}`, criteria } },
    );
    made.push(createWatch.watch.id);
  }

  const { lines, left } = history();
  const client = spawn(process.execPath, [fileURLToPath(new URL('publish.js', import.meta.url))], {
    env: { ...process.env, VIGIE_URL: server.url, VIGIE_TOKEN: server.token('--scope', 'publish', '--sources', 'portal') },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(client, 'exit');
  let said = '';
  let done = 0;
  const complaints = [];
  client.stdout.on('data', (text) => (said += text));
  client.stderr.on('data', (text) => {
    for (const [, n] of String(text).matchAll(/(\d+) lines? done/g)) done = Number(n);
    if (!/^(\d+ lines? done\n)+$/.test(text)) complaints.push(String(text));
  });
  client.stdin.end(lines.map((line) => JSON.stringify(line)).join('\n'));
  for (const part of [0.3, 0.7]) {
    await until(() => done > part * lines.length || client.exitCode !== null, 'the client to get there', 120_000);
    assert.equal(client.exitCode, null, `the client ended before the kill: ${complaints}`);
    await server.kill();
    server = await startServer({ ...environment, VIGIE_DATA: server.folder });
  }
  const [code] = await ended;
  assert.equal(code, 0, complaints.join(''));
  const counts = JSON.parse(said);
  assert.equal(counts.WITHDRAWN, lines.filter((line) => line.withdraw).length, said);
  assert.equal(counts.REFUSED, undefined, said);

  const list = async (id) => {
    const refs = [];
    for (let after = null; ; ) {
      const { matchingTenders } = await server.ask(
        person,
        `query ($ids: [ID!], $after: String) {
          matchingTenders(watchIds: $ids, first: 100, after: $after) { totalCount nodes { sourceRef title } pageInfo { hasNextPage endCursor } }
        }`,
        { ids: [id], after },
      );
      refs.push(...matchingTenders.nodes.map((tender) => tender.sourceRef));
      if (!matchingTenders.pageInfo.hasNextPage) {
        assert.equal(matchingTenders.totalCount, refs.length);
        return refs.sort();
      }
      after = matchingTenders.pageInfo.endCursor;
    }
  };
  const all = made.length - 1; // the watch that asks for nothing in particular
  await until(async () => (await server.ask(person, `{ tenders { totalCount } }`)).tenders.totalCount === left.size, `${left.size} tenders in the index`);
  await until(async () => (await list(made[all])).length === left.size, 'the last changes in the index');
  for (const [i, criteria] of watches.entries()) {
    const expected = [...left].filter(([, tender]) => matches(criteria, tender)).map(([ref]) => ref);
    assert.ok(expected.length > 10, `the watch ${JSON.stringify(criteria)} asks for too little to prove anything: ${expected.length}`);
    assert.deepEqual(await list(made[i]), expected.sort(), JSON.stringify(criteria));
  }
  await server.stop();
});

/** Runs the example client to its end. */
async function publish(environment, input) {
  const client = spawn(process.execPath, [fileURLToPath(new URL('publish.js', import.meta.url))], {
    env: { PATH: process.env.PATH, VIGIE_TOKEN: 'any', ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  client.stdout.on('data', (text) => (out += text));
  client.stderr.on('data', (text) => (err += text));
  client.stdin.on('error', () => {}); // it may end without having read
  client.stdin.end(input);
  const [code] = await once(client, 'close');
  return { code, out, err };
}

/** What answers each request with `answer`. */
async function answering(answer) {
  const server = createHTTPServer((request, response) => request.resume().on('end', () => answer(response))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/graphql`, close: () => server.close() };
}

const withdrawal = '{"withdraw": {"source": "portal", "sourceRef": "1"}}\n';

test('what the client waits for is said at once, and one line says that it gives up', async () => {
  const url = `http://127.0.0.1:${await freePort()}/graphql`;
  const { code, err } = await publish({ VIGIE_URL: url, VIGIE_PATIENCE: '2' }, withdrawal);
  const [first, last] = err.trim().split('\n');
  assert.match(first, new RegExp(`^waiting: cannot reach ${url}: .*ECONNREFUSED.*; asking again until \\d{4}-`));
  assert.match(last, /^publish\.js: gave up after 2 seconds: cannot reach .* \(the lines from 1 on are still to be sent\)$/);
  assert.equal(err.trim().split('\n').length, 2, err);
  assert.equal(code, 1);
});

test('the client goes on once the server is back', async () => {
  let asked = 0;
  const server = await answering((response) => {
    asked++;
    if (asked === 1) return response.writeHead(503, { 'Retry-After': '0' }).end('<h1>Service\nUnavailable</h1>');
    return response.end(JSON.stringify({ data: { done: { withdrawnTenderId: 'tender_1', userErrors: [] } } }));
  });
  const { code, out, err } = await publish({ VIGIE_URL: server.url }, withdrawal);
  server.close();
  assert.match(err, /^waiting: .* answers 503: <h1>Service Unavailable<\/h1>; asking again until .*\n1 line done\n$/);
  assert.deepEqual([code, out], [0, '{"WITHDRAWN":1}\n']);
});

test('what is wrong is said in one line, without a stack', async () => {
  const server = await answering((response) => response.writeHead(401).end(JSON.stringify({ errors: [{ message: 'Sign in again.', extensions: { code: 'UNAUTHENTICATED' } }] })));
  const there = { VIGIE_URL: server.url };
  for (const [environment, input, says] of [
    [{}, '', /^publish\.js: set VIGIE_URL \(https:\/\/…\/graphql\) and VIGIE_TOKEN\n$/],
    [{ VIGIE_URL: 'vigie.example' }, '', /^publish\.js: VIGIE_URL is no http or https URL: vigie\.example\n$/],
    [{ ...there, VIGIE_PATIENCE: 'long' }, '', /^publish\.js: VIGIE_PATIENCE is a number of seconds, not long\n$/],
    [there, '', /^publish\.js: there is nothing on standard input\n$/],
    [there, '{"notice": \n', /^publish\.js: line 1 is not JSON: .*\n$/],
    [there, 'null\n', /^publish\.js: line 1 is neither a notice, a buyer nor a withdrawal\n$/],
    [there, '{"toString": {}}\n', /^publish\.js: line 1 is neither a notice, a buyer nor a withdrawal\n$/],
    [there, withdrawal, /^publish\.js: http:\S+ answers 401: Sign in again\. \(the lines from 1 on are still to be sent\)\n$/],
  ]) {
    const { code, out, err } = await publish(environment, input);
    assert.match(err, says);
    assert.deepEqual([code, out], [1, '']);
  }
  server.close();
});
