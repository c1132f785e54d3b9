// Relay, with what its compiler makes of a client's documents: lists that a change adds to, or takes from, are right
// after one mutation, and no second request.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import test, { after, before } from 'node:test';
import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';
import { startServer, temporaryFolder } from './server.js';

const { ConnectionHandler, Environment, Network, Observable, RecordSource, Store } = relay;
const { commitMutation, createOperationDescriptor, fetchQuery, requestSubscription } = relay;

const source = `
import { graphql } from 'relay-runtime';

graphql\`
  query PageQuery {
    viewer {
      id
      watches(first: 50) @connection(key: "Page_watches") { edges { node { id name active onlineCount unseenCount } } }
    }
    matchingTenders(first: 20) @connection(key: "Page_matchingTenders") { edges { node { id title seen } matchedAt } }
  }
\`;

graphql\`
  mutation PageCreateMutation($input: CreateWatchInput!, $connections: [ID!]!) {
    createWatch(input: $input) {
      watchEdge @prependEdge(connections: $connections) { cursor node { id name active onlineCount unseenCount } }
      userErrors { field message }
    }
  }
\`;

graphql\`
  mutation PageRestoreMutation($id: ID!, $connections: [ID!]!) {
    restoreWatch(id: $id) {
      watchEdge @appendEdge(connections: $connections) { cursor node { id name active onlineCount unseenCount } }
      userErrors { field message }
    }
  }
\`;

graphql\`
  mutation PageDeleteMutation($id: ID!, $connections: [ID!]!) {
    deleteWatch(id: $id) { deletedWatchId @deleteEdge(connections: $connections) userErrors { field message } }
  }
\`;

graphql\`
  mutation PageDismissMutation($id: ID!, $connections: [ID!]!) {
    dismissTender(tenderId: $id) {
      tender { id @deleteEdge(connections: $connections) dismissed }
      viewer { watches(first: 50) { edges { node { id onlineCount unseenCount } } } }
      userErrors { field message }
    }
  }
\`;

graphql\`
  mutation PageSeenMutation($ids: [ID!]!) {
    markTendersSeen(tenderIds: $ids) {
      tenders { id seen }
      query { viewer { watches(first: 50) { edges { node { id unseenCount } } } } }
      userErrors { field message }
    }
  }
\`;

graphql\`
  subscription PageSubscription($connections: [ID!]!) {
    tenderMatched {
      kind
      at
      cursor
      edge @prependEdge(connections: $connections) { cursor node { id title seen } matchedAt }
    }
  }
\`;

graphql\`
  query PageEventsQuery($after: String) {
    tenderEvents(first: 20, after: $after) { edges { node { kind tender { title } } } pageInfo { hasNextPage endCursor } }
  }
\`;
`;

/** Has Relay's compiler make artifacts of the source; answers them by their names. */
async function compile() {
  const folder = temporaryFolder();
  const here = (name) => fileURLToPath(new URL(name, import.meta.url));
  symlinkSync(here('node_modules'), join(folder, 'node_modules'));
  for (const name of ['src', 'made']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'src/Page.js'), source);
  writeFileSync(join(folder, 'relay.config.json'), JSON.stringify({
    src: 'src', schema: 'schema.graphql', language: 'javascript', artifactDirectory: 'made', eagerEsModules: true,
  }));
  copyFileSync(here('../schema.graphqls'), join(folder, 'schema.graphql'));
  execFileSync(process.execPath, [here('node_modules/relay-compiler/cli.js'), 'relay.config.json'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  const made = {};
  for (const file of readdirSync(join(folder, 'made'))) {
    made[file.split('.')[0]] = (await import(pathToFileURL(join(folder, 'made', file)))).default;
  }
  return made;
}

let server;
let person;
let socket;
let documents;

before(async () => {
  [server, documents] = await Promise.all([startServer(), compile()]);
  person = server.person();
  await server.watch(person, 'voirie');
  await server.publishAndIndex(person, 'Voirie, un', 'Voirie, deux', 'Toiture');
  socket = createClient({ url: server.socketURL, webSocketImpl: WebSocket, connectionParams: { Authorization: `Bearer ${person}` } });
});
after(async () => {
  await socket.dispose();
  await server.stop();
});

/** A client that has read the page, and counts its requests from then on. */
async function page() {
  let requests = 0;
  const ask = async ({ text }, variables) => {
    requests++;
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${person}` },
      body: JSON.stringify({ query: text, variables }),
    });
    return response.json();
  };
  const follow = ({ text }, variables) => Observable.create((sink) => socket.subscribe({ query: text, variables }, sink));
  const environment = new Environment({ network: Network.create(ask, follow), store: new Store(new RecordSource()) });
  const shown = createOperationDescriptor(documents.PageQuery, {});
  environment.retain(shown);
  await fetchQuery(environment, documents.PageQuery, {}).toPromise();
  requests = 0;
  const data = () => environment.lookup(shown.fragment).data;
  return {
    environment,
    requests: () => requests,
    watches: () => data().viewer.watches.edges.map(({ node }) => node),
    titles: () => data().matchingTenders.edges.map(({ node }) => node.title),
    edges: () => data().matchingTenders.edges,
    watchesConnection: ConnectionHandler.getConnectionID(data().viewer.id, 'Page_watches'),
    tendersConnection: ConnectionHandler.getConnectionID('client:root', 'Page_matchingTenders'),
    change: (mutation, variables) =>
      new Promise((onCompleted, onError) => commitMutation(environment, { mutation, variables, onCompleted, onError })),
  };
}

const names = (watches) => watches.map(({ name }) => name);

test('a watch that is created, deleted and restored', async () => {
  const shown = await page();
  const connections = [shown.watchesConnection];
  const { createWatch } = await shown.change(documents.PageCreateMutation, { connections, input: { name: 'Toitures', criteria: { keywords: ['toiture'] } } });
  assert.deepEqual(createWatch.userErrors, []);
  assert.deepEqual(names(shown.watches()), ['Toitures', 'voirie']);
  const [{ id, onlineCount, unseenCount }] = shown.watches();
  assert.deepEqual([onlineCount, unseenCount], [1, 1]);
  await shown.change(documents.PageDeleteMutation, { connections, id });
  assert.deepEqual(names(shown.watches()), ['voirie']);
  await shown.change(documents.PageRestoreMutation, { connections, id });
  assert.deepEqual(names(shown.watches()), ['voirie', 'Toitures']);
  await shown.change(documents.PageDeleteMutation, { connections, id });
  assert.equal(shown.requests(), 4);
});

test('a tender that is seen, and dismissed', async () => {
  const shown = await page();
  assert.deepEqual(shown.titles(), ['Voirie, deux', 'Voirie, un']);
  assert.ok(shown.edges().every(({ matchedAt }) => matchedAt));
  const { id } = shown.edges()[0].node;
  await shown.change(documents.PageSeenMutation, { ids: [id] });
  assert.deepEqual(shown.watches().map(({ onlineCount, unseenCount }) => [onlineCount, unseenCount]), [[2, 1]]);
  await shown.change(documents.PageDismissMutation, { connections: [shown.tendersConnection], id });
  assert.deepEqual(shown.titles(), ['Voirie, un']);
  assert.deepEqual(shown.watches().map(({ onlineCount, unseenCount }) => [onlineCount, unseenCount]), [[1, 1]]);
  assert.equal(shown.requests(), 2);
  await server.ask(person, 'mutation ($id: ID!) { dismissTender(tenderId: $id, dismissed: false) { tender { id } } }', { id });
});

test('a tender that arrives is in the list, and no event is lost after a break', async () => {
  const shown = await page();
  let cursor;
  const received = new Promise((resolve, reject) => {
    requestSubscription(shown.environment, {
      subscription: documents.PageSubscription,
      variables: { connections: [shown.tendersConnection] },
      onNext: ({ tenderMatched }) => {
        assert.equal(tenderMatched.kind, 'NEW');
        assert.ok(tenderMatched.at);
        cursor ??= tenderMatched.cursor; // the next event may come before the list is asked for
        resolve();
      },
      onError: reject,
    });
  });
  await server.publishUntil(received, 'Voirie, encore');
  assert.equal(shown.titles()[0], 'Voirie, encore');
  assert.equal(shown.requests(), 0);
  await server.publish('Voirie, pendant la coupure');
  const titles = [];
  for (let more = true; more; ) {
    const { tenderEvents } = await fetchQuery(shown.environment, documents.PageEventsQuery, { after: cursor }).toPromise();
    titles.push(...tenderEvents.edges.map(({ node }) => node.tender.title));
    more = tenderEvents.pageInfo.hasNextPage;
    cursor = tenderEvents.pageInfo.endCursor;
  }
  assert.equal(titles.at(-1), 'Voirie, pendant la coupure');
  const { tenderEvents } = await fetchQuery(shown.environment, documents.PageEventsQuery, { after: cursor }).toPromise();
  assert.deepEqual(tenderEvents.edges, []);
});
