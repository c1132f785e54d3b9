// Subscriptions by graphql-sse, each over a connection of its own.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { createClient } from 'graphql-sse';
import { startServer } from './server.js';

const query = 'subscription { tenderMatched { kind tender { title } } }';

let server;
let person;

before(async () => {
  server = await startServer();
  person = server.person();
  await server.watch(person, 'voirie');
});
after(() => server.stop());

function client(t, token) {
  const made = createClient({ url: server.url, headers: { Authorization: `Bearer ${token}` }, retryAttempts: 0 });
  t.after(() => made.dispose());
  return made;
}

test('a matching notice that is published is an event, until it is cancelled', async (t) => {
  const events = client(t, person).iterate({ query });
  const event = await server.publishUntil(events.next(), 'Réfection de la voirie');
  assert.deepEqual(event.value.data.tenderMatched, { kind: 'NEW', tender: { title: 'Réfection de la voirie' } });
  assert.equal((await events.return()).done, true);
});

test('a query is one event', async (t) => {
  const events = client(t, person).iterate({ query: '{ watches { nodes { name } } }' });
  assert.deepEqual((await events.next()).value.data.watches.nodes, [{ name: 'voirie' }]);
  assert.equal((await events.next()).done, true);
});

test('what is wrong is sent as an event', async (t) => {
  const { value } = await client(t, person).iterate({ query: 'subscription { nothing }' }).next();
  assert.equal(value.errors[0].extensions.code, 'GRAPHQL_VALIDATION_FAILED');
});

test('a wrong token is refused, once', async (t) => {
  await assert.rejects(client(t, 'nonsense').iterate({ query }).next(), (error) => {
    assert.equal(error.response.status, 401);
    return true;
  });
});
