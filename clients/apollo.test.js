// Apollo Client: a cache by ids, pages by cursors and by numbers, changes, a
// subscription.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { print, relayStylePagination } from '@apollo/client/utilities';
import { createClient } from 'graphql-ws';
import { firstValueFrom } from 'rxjs';
import WebSocket from 'ws';
import { startServer, temporaryFolder } from './server.js';

let server;
let person;
let watch;
let socket;

before(async () => {
  server = await startServer();
  person = server.person();
  watch = await server.watch(person, 'voirie');
  await server.publishAndIndex(person, ...Array.from({ length: 7 }, (_, i) => `Voirie, tranche ${i}`));
  socket = createClient({ url: server.socketURL, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${person}` } });
});
after(async () => {
  await socket.dispose();
  await server.stop();
});

/** A client whose lists of matching tenders are kept as `field` says. */
function client(field) {
  const http = new HttpLink({ uri: server.url, headers: { Authorization: `Bearer ${person}` } });
  return new ApolloClient({
    link: ApolloLink.split(({ operationType }) => operationType === 'subscription', new GraphQLWsLink(socket), http),
    cache: new InMemoryCache({ typePolicies: { Query: { fields: { matchingTenders: field } } } }),
  });
}

const titles = ({ matchingTenders }) => matchingTenders.edges.map(({ node }) => node.title);

test('pages by cursors grow into one list', async () => {
  const apollo = client(relayStylePagination(['filter', 'orderBy']));
  const query = gql`
    query Pages($after: String) {
      matchingTenders(first: 3, after: $after) { totalCount edges { cursor node { id title } } pageInfo { hasNextPage endCursor } }
    }
  `;
  const pages = apollo.watchQuery({ query });
  await firstValueFrom(pages.pipe());
  const { data } = await apollo.query({ query });
  assert.equal(data.matchingTenders.totalCount, 7);
  let page = data.matchingTenders.pageInfo;
  while (page.hasNextPage) {
    const more = await pages.fetchMore({ variables: { after: page.endCursor } });
    page = more.data.matchingTenders.pageInfo;
  }
  const whole = titles(apollo.readQuery({ query }));
  assert.deepEqual([...new Set(whole)].sort(), Array.from({ length: 7 }, (_, i) => `Voirie, tranche ${i}`));
  assert.equal(whole.length, 7);
  pages.stop?.();
});

test('numbered pages are kept apart', async () => {
  const apollo = client({ keyArgs: ['filter', 'orderBy', 'page', 'first'] });
  const query = gql`
    query Numbered($page: Int!) { matchingTenders(first: 3, page: $page) { pageCount edges { node { id title } } } }
  `;
  const seen = [];
  for (const page of [1, 2, 3]) seen.push(titles((await apollo.query({ query, variables: { page } })).data));
  assert.deepEqual(seen.map((list) => list.length), [3, 3, 1]);
  assert.deepEqual(titles(apollo.readQuery({ query, variables: { page: 1 } })), seen[0]);
  assert.equal(new Set(seen.flat()).size, 7);
});

test('what a mutation answers changes every list that shows it', async () => {
  const apollo = client({});
  const mine = gql`{ watches { nodes { id name active } } }`;
  await apollo.query({ query: mine });
  await apollo.mutate({
    mutation: gql`mutation ($id: ID!) { updateWatch(id: $id, input: { active: false }) { watch { id active } userErrors { message } } }`,
    variables: { id: watch },
  });
  assert.deepEqual(apollo.readQuery({ query: mine }).watches.nodes.map(({ active }) => active), [false]);
  await apollo.mutate({
    mutation: gql`mutation ($id: ID!) { updateWatch(id: $id, input: { active: true }) { watch { id active } } }`,
    variables: { id: watch },
  });
});

test('an error has its code', async () => {
  await assert.rejects(client({}).query({ query: gql`{ matchingTenders(first: 1000) { totalCount } }` }), (error) => {
    assert.ok(CombinedGraphQLErrors.is(error));
    assert.equal(error.errors[0].extensions.code, 'BAD_REQUEST');
    return true;
  });
});

test('a tender that is published arrives', async () => {
  const received = firstValueFrom(client({}).subscribe({ query: gql`subscription { tenderMatched { kind tender { id title } } }` }));
  const { data } = await server.publishUntil(received, 'Voirie, encore');
  assert.equal(data.tenderMatched.tender.title, 'Voirie, encore');
});

test('only what its manifest lists is run, asked for by id or by text', async () => {
  const Departments = gql`query Departments { departments { code name } }`;
  // As @apollo/generate-persisted-query-manifest writes it: documents are as they are sent, with __typename.
  const body = print(new InMemoryCache().transformDocument(Departments));
  const file = join(temporaryFolder(), 'manifest.json');
  writeFileSync(file, JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: 'list-1', name: 'Departments', type: 'query', body }],
  }));
  const strict = await startServer({ VIGIE_TRUSTED_DOCUMENTS: file });
  try {
    const ask = (link, query) => new ApolloClient({ link: ApolloLink.from(link), cache: new InMemoryCache() }).query({ query });
    const http = new HttpLink({ uri: strict.url });
    const sent = [];
    const byId = [
      new PersistedQueryLink({ generateHash: ({ definitions: [{ name }] }) => ({ Departments: 'list-1' })[name.value] ?? 'unknown' }),
      new ApolloLink((operation, forward) => {
        sent.push(operation.getContext().http);
        return forward(operation);
      }),
      http,
    ];
    assert.ok((await ask(byId, Departments)).data.departments.length > 90);
    assert.deepEqual(sent.map(({ includeQuery }) => includeQuery), [false]);
    assert.ok((await ask([http], Departments)).data.departments.length > 90);
    for (const link of [byId, [http]]) {
      await assert.rejects(ask(link, gql`query Others { departments { name } }`), (error) => error.errors[0].extensions.code === 'FORBIDDEN');
    }
  } finally {
    await strict.stop();
  }
});
