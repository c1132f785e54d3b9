// Subscriptions by graphql-ws.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { startServer, tokenFor } from './server.js';

const query = 'subscription { tenderMatched { kind tender { title } matchedBy { watch { name } keywords } } }';

let server;
let person;

before(async () => {
  server = await startServer();
  person = server.person();
  await server.watch(person, 'voirie');
});
after(() => server.stop());

/** A client that greets with a token; it is gone after the test. */
function client(t, token, options) {
  const made = createClient({
    url: server.socketURL,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ Authorization: `Bearer ${token()}` }),
    // Were something tried again, it would be at once.
    retryWait: async () => {},
    ...options,
  });
  t.after(() => made.dispose());
  return made;
}

test('a matching notice that is published is an event', async (t) => {
  const events = client(t, () => person).iterate({ query });
  const event = await server.publishUntil(events.next(), 'Réfection de la voirie');
  assert.deepEqual(event.value.data.tenderMatched, {
    kind: 'NEW',
    tender: { title: 'Réfection de la voirie' },
    matchedBy: [{ watch: { name: 'voirie' }, keywords: ['voirie'] }],
  });
  assert.equal((await events.return()).done, true);
});

test('one that no watch matches is none', async (t) => {
  const events = client(t, () => person).iterate({ query });
  await server.publishUntil(events.next(), 'Voirie');
  await server.publish('Fournitures de bureau');
  await server.publish('Voirie, suite et fin');
  for await (const { data } of events) {
    if (data.tenderMatched.tender.title === 'Voirie, suite et fin') break;
    assert.equal(data.tenderMatched.tender.title, 'Voirie');
  }
});

test('a wrong token: one connection, closed with 4401, and the client stops', async (t) => {
  let connections = 0;
  const events = client(t, () => 'nonsense', { on: { connecting: () => connections++ } }).iterate({ query });
  // It is reported only when the client no longer tries.
  await assert.rejects(events.next(), (closed) => {
    assert.equal(closed.code, 4401);
    assert.match(closed.reason, /session/);
    return true;
  });
  assert.equal(connections, 1);
});

test('the socket ends when its token does; with a new one the client goes on', async (t) => {
  let token = tokenFor(3);
  // It keeps a socket that nothing uses for longer than the test lasts, so that it is the server that closes.
  const brief = client(t, () => token, { lazyCloseTimeout: 600_000 });
  const closed = new Promise((resolve) => brief.on('closed', resolve));
  const events = brief.iterate({ query });
  await server.publishUntil(events.next(), 'Voirie');
  let last;
  for await (last of events); // until the server says no more
  assert.equal(last.errors[0].extensions.code, 'UNAUTHENTICATED');
  assert.equal((await closed).code, 1000);
  token = person;
  const event = await server.publishUntil(brief.iterate({ query }).next(), 'Voirie');
  assert.equal(event.value.data.tenderMatched.kind, 'NEW');
});

test('pings are answered', async (t) => {
  const { promise, resolve } = withResolvers();
  client(t, () => person, {
    lazy: false,
    keepAlive: 10,
    on: { pong: (received) => received && resolve(), closed: () => resolve('closed') },
  });
  assert.equal(await promise, undefined);
});

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
