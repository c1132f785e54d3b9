// urql's Graphcache, and Apollo: what a payload's query has goes into the cache, so that lists and counts are right after
// one mutation, without a second request and without code for the cache.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { cacheExchange } from '@urql/exchange-graphcache';
import { Client, fetchExchange } from '@urql/core';
import { startServer } from './server.js';

let server;
let tenders;

before(async () => {
  server = await startServer();
  tenders = await server.publishAndIndex(server.person(), 'Voirie, un', 'Voirie, deux', 'Toiture');
});
after(() => server.stop());

const lists = `
  watches(first: 50) { edges { node { id name onlineCount } } }
  matchingTenders(first: 20) { totalCount edges { node { id title } } }
`;
const page = `{ ${lists} }`;
const create = `mutation ($input: CreateWatchInput!) { createWatch(input: $input) { userErrors { message } query { ${lists} } } }`;
const remove = `mutation ($id: ID!) { deleteWatch(id: $id) { deletedWatchId userErrors { message } query { ${lists} } } }`;
const dismiss = `mutation ($id: ID!) { dismissTender(tenderId: $id) { tender { id } userErrors { message } query { ${lists} } } }`;

/** Changes what a client shows: `ask` and `change` make requests, `shown` reads the cache alone. */
async function changes({ ask, change, shown, requests }) {
  const seen = async () => {
    const { watches, matchingTenders } = await shown();
    return [watches.edges.map(({ node }) => `${node.name} ${node.onlineCount}`), matchingTenders.edges.map(({ node }) => node.title)];
  };
  await ask();
  assert.deepEqual(await seen(), [[], []]);
  await change(create, { input: { name: 'Voirie', criteria: { keywords: ['voirie'] } } });
  assert.deepEqual(await seen(), [['Voirie 2'], ['Voirie, deux', 'Voirie, un']]);
  await change(dismiss, { id: tenders[0] });
  assert.deepEqual(await seen(), [['Voirie 1'], ['Voirie, deux']]);
  await change(remove, { id: (await shown()).watches.edges[0].node.id });
  assert.deepEqual(await seen(), [[], []]);
  assert.equal(requests(), 4);
}

test('Graphcache', async () => {
  let requests = 0;
  const client = new Client({
    url: server.url,
    preferGetMethod: false,
    fetchOptions: { headers: { Authorization: `Bearer ${server.person('urql@example.org')}` } },
    fetch: (...request) => {
      requests++;
      return fetch(...request);
    },
    exchanges: [cacheExchange({}), fetchExchange],
  });
  const right = async (answer) => {
    const { data, error } = await answer;
    assert.equal(error, undefined);
    return data;
  };
  await changes({
    ask: () => right(client.query(page, {})),
    change: (mutation, variables) => right(client.mutation(mutation, variables)),
    shown: () => right(client.query(page, {}, { requestPolicy: 'cache-only' })),
    requests: () => requests,
  });
});

test('Apollo', async () => {
  let requests = 0;
  const count = new ApolloLink((operation, forward) => {
    requests++;
    return forward(operation);
  });
  const http = new HttpLink({ uri: server.url, headers: { Authorization: `Bearer ${server.person('apollo@example.org')}` } });
  const apollo = new ApolloClient({ link: ApolloLink.from([count, http]), cache: new InMemoryCache() });
  const query = gql(page);
  await changes({
    ask: () => apollo.query({ query }),
    change: (mutation, variables) => apollo.mutate({ mutation: gql(mutation), variables }),
    shown: () => apollo.readQuery({ query }),
    requests: () => requests,
  });
});
