// urql's core: what it asks with every query is answered in JSON.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { startServer } from './server.js';

let server;
let person;
let client;
let socket;
const kinds = [];

before(async () => {
  server = await startServer();
  person = server.person();
  socket = createClient({ url: server.socketURL, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${person}` } });
  client = new Client({
    url: server.url,
    preferGetMethod: false,
    fetchOptions: { headers: { Authorization: `Bearer ${person}` } },
    fetch: async (...request) => {
      const response = await fetch(...request);
      kinds.push([new Headers(request[1].headers).get('accept'), response.headers.get('content-type')]);
      return response;
    },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
});
after(async () => {
  await socket.dispose();
  await server.stop();
});

test('a mutation, and the query that it makes stale', async () => {
  const mine = '{ watches { nodes { id name } } }';
  assert.deepEqual((await client.query(mine, {})).data.watches.nodes, []);
  const made = await client.mutation(
    'mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id name } userErrors { field message } } }',
    { input: { name: 'Voirie', criteria: { keywords: ['voirie'] } } },
  );
  assert.equal(made.error, undefined);
  assert.deepEqual(made.data.createWatch.userErrors, []);
  const { data } = await client.query(mine, {}, { requestPolicy: 'network-only' });
  assert.deepEqual(data.watches.nodes.map((watch) => watch.name), ['Voirie']);
});

test('what it accepts names event streams, and the answer is JSON', () => {
  assert.ok(kinds.length > 0);
  for (const [accept, kind] of kinds) {
    assert.match(accept, /text\/event-stream/);
    assert.match(kind, /^application\/graphql-response\+json/);
  }
});

test('an error has its code', async () => {
  const { error } = await client.query('{ watches(first: 1000) { nodes { id } } }', {});
  assert.equal(error.graphQLErrors[0].extensions.code, 'BAD_REQUEST');
});

test('a subscription', async () => {
  const received = new Promise((resolve) => {
    const { unsubscribe } = client.subscription('subscription { tenderMatched { tender { title } } }', {}).subscribe((result) => {
      resolve(result);
      unsubscribe();
    });
  });
  const { data } = await server.publishUntil(received, 'Réfection de la voirie');
  assert.equal(data.tenderMatched.tender.title, 'Réfection de la voirie');
});
