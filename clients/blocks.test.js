// The blocks of docs/clients.md: each is compiled and run.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gql } from '@apollo/client';
import { generate } from '@graphql-codegen/cli';
import { buildSchema, introspectionFromSchema, parse, validate } from 'graphql';
import { blocksOf } from './blocks.js';
import { startServer, temporaryFolder } from './server.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const schema = readFileSync(here('../schema.graphqls'), 'utf8');

/** The blocks by the names of their files. */
const blocks = Object.fromEntries(blocksOf('clients.md').filter(({ name }) => name).map(({ name, text }) => [name, text]));

/** The operations without a name. */
const operations = blocksOf('clients.md').filter(({ language, name }) => language === 'graphql' && !name).map(({ text }) => text);

/** A project with a block in it, the schema, and a source. */
function project(block, source) {
  const folder = temporaryFolder();
  symlinkSync(here('node_modules'), join(folder, 'node_modules'));
  for (const name of ['schema.graphqls', 'schema.graphql']) copyFileSync(here('../schema.graphqls'), join(folder, name));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, block), blocks[block]);
  mkdirSync(join(folder, 'src/__generated__'), { recursive: true });
  if (source) writeFileSync(join(folder, 'src/list.ts'), source);
  return folder;
}

const load = (block) => import(pathToFileURL(join(project(block), block)));

function compile(file) {
  return execFileSync(process.execPath, [
    here('node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', file,
  ], { encoding: 'utf8', stdio: 'pipe', cwd: dirname(file) });
}

let server;
let person;
before(async () => {
  server = await startServer();
  person = server.person();
  await server.watch(person, 'voirie');
});
after(() => server.stop());

test('every block is run', () => {
  assert.deepEqual(Object.keys(blocks).sort(), ['apollo.js', 'codegen.json', 'graphcache.js', 'relay.config.json']);
  assert.equal(operations.length, 1);
});

test('operations fit the schema', () => {
  for (const operation of operations) assert.deepEqual(validate(buildSchema(schema), parse(operation)), []);
});

test('Apollo joins what two questions ask of one watch', async () => {
  const { createClient } = await load('apollo.js');
  const client = createClient(server.url, person);
  const asked = async (selection) => {
    const query = gql`{ watches { nodes { id ${selection} } } }`;
    await client.query({ query });
    return query;
  };
  const warnings = [];
  const { warn, error } = console;
  console.warn = console.error = (...said) => warnings.push(said.join(' '));
  try {
    const first = await asked('criteria { keywords departments { code name } } health { pendingRecipients }');
    const second = await asked('criteria { keywordMode } health { lastMatchAt }');
    for (const query of [first, second]) assert.ok(client.readQuery({ query }), 'one question took the place of the other');
  } finally {
    Object.assign(console, { warn, error });
  }
  assert.deepEqual(warnings, []);
  await client.query({ query: gql`{ departments { code name } limits { maxWatches } choices { natures { value label } } }` });
  const kept = Object.keys(client.cache.extract());
  for (const key of ['Department:{"code":"01"}', 'Limits:{}', 'Choices:{}']) assert.ok(kept.includes(key), `${key} is not kept: ${kept.slice(0, 9)}`);
});

test('Graphcache knows each thing by its key, and what a change makes stale', async () => {
  const { createClient } = await load('graphcache.js');
  const client = createClient(server.url, person, introspectionFromSchema(buildSchema(schema)));
  const warnings = [];
  const { warn, error } = console;
  console.warn = console.error = (...said) => warnings.push(said.join(' '));
  try {
    const mine = '{ watches { edges { node { id name criteria { keywords departments { code } } health { pendingRecipients } } } } departments { code name } matchingTenders { nodes { id lots { title } } } }';
    const names = async () => {
      const { data, error: failed } = await client.query(mine, {});
      assert.equal(failed, undefined);
      return data.watches.edges.map(({ node }) => node.name).sort();
    };
    assert.deepEqual(await names(), ['voirie']);
    const made = await client.mutation('mutation { createWatch(input: { name: "eau", criteria: { keywords: ["eau"] } }) { watch { id name } userErrors { message } } }', {});
    assert.equal(made.error, undefined);
    assert.deepEqual(await names(), ['eau', 'voirie']);
    await client.mutation('mutation ($id: ID!) { deleteWatch(id: $id) { deletedWatchId } }', { id: made.data.createWatch.watch.id });
    assert.deepEqual(await names(), ['voirie']);
    await client.mutation('mutation { upsertWatches(input: [{ externalId: "g", name: "gaz", criteria: { keywords: ["gaz"] } }]) { results { watch { id name } } } }', {});
    assert.deepEqual(await names(), ['gaz', 'voirie']);
  } finally {
    Object.assign(console, { warn, error });
  }
  assert.deepEqual(warnings, []);
});

test("Relay's compiler takes nullable variables for arguments with a default, and knows scalars", () => {
  const folder = project('relay.config.json', `
    import { graphql } from 'relay-runtime';
    graphql\`
      query listQuery($inactive: Boolean, $order: TenderOrder, $watches: WatchOrder) {
        matchingTenders(includeInactive: $inactive, orderBy: $order) { edges { node { id deadline status } } }
        watches(orderBy: $watches) { nodes { id createdAt } }
      }
    \`;
    graphql\`
      mutation listMutation($id: ID!, $seen: Boolean, $dismissed: Boolean, $frequency: AlertFrequency, $active: Boolean) {
        markTendersSeen(tenderIds: [$id], seen: $seen) { tenders { id seen } }
        dismissTender(tenderId: $id, dismissed: $dismissed) { tender { id dismissed } }
        createWatch(input: { name: "x", criteria: {}, frequency: $frequency, active: $active }) { watch { id } }
      }
    \`;
  `);
  execFileSync(process.execPath, [here('node_modules/relay-compiler/cli.js'), 'relay.config.json'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  const made = readFileSync(join(folder, 'src/__generated__/listQuery.graphql.ts'), 'utf8');
  assert.match(made, /deadline: string \| null/);
  assert.match(made, /createdAt: string;/);
  assert.match(made, /%future added value/);
});

test('Code Generator makes types that a program is held to', async () => {
  const source = (field) => `
    import { graphql } from './gql';
    import type { ResultOf } from '@graphql-typed-document-node/core';
    const List = graphql(\`query List($page: Int) { matchingTenders(first: 20, page: $page) { edges { node { id title deadline } } } }\`);
    export const deadlines = (data: ResultOf<typeof List>): (string | null | undefined)[] => data.matchingTenders?.edges.map(({ node }) => node.${field}) ?? [];
  `;
  const folder = project('codegen.json', source('deadline'));
  await generate({ ...JSON.parse(blocks['codegen.json']), cwd: folder, silent: true }, true);
  const file = join(folder, 'src/list.ts');
  compile(file);
  writeFileSync(file, source('deadlin'));
  assert.throws(() => compile(file), ({ stdout }) => /Property 'deadlin' does not exist/.test(stdout));
});
