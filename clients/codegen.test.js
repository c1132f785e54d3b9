// GraphQL Code Generator makes a typed client of the schema, and the compiler
// holds a program to it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { generate } from '@graphql-codegen/cli';
import { temporaryFolder } from './server.js';

const modules = fileURLToPath(new URL('node_modules', import.meta.url));
const program = (field) => `
import { graphql } from './gql';
import type { ResultOf } from '@graphql-typed-document-node/core';

const List = graphql(\`
  query List($page: Int!) {
    matchingTenders(first: 20, page: $page) {
      totalCount
      edges { node { id title deadline status buyer { name } } matchedBy { watch { name } keywords } }
    }
  }
\`);

export function titles(data: ResultOf<typeof List>): string[] {
  return data.matchingTenders?.edges.map((edge) => edge.node.${field}) ?? [];
}
`;

test('a program that keeps to the schema compiles, one that does not fails', async () => {
  const folder = temporaryFolder();
  symlinkSync(modules, join(folder, 'node_modules'));
  mkdirSync(join(folder, 'gql'));
  const source = join(folder, 'list.ts');
  const compile = () =>
    execFileSync(process.execPath, [
      join(modules, 'typescript/bin/tsc'), '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', source,
    ], { encoding: 'utf8', stdio: 'pipe' });

  writeFileSync(source, program('title'));
  await generate({
    schema: fileURLToPath(new URL('../schema.graphqls', import.meta.url)),
    documents: source,
    generates: { [`${join(folder, 'gql')}/`]: { preset: 'client', presetConfig: { fragmentMasking: false }, config: { scalars: { DateTime: 'string', Date: 'string', Decimal: 'string' }, enumsAsTypes: true } } },
    silent: true,
  }, true);
  compile();

  writeFileSync(source, program('titel'));
  assert.throws(compile, (failed) => {
    assert.match(failed.stdout, /Property 'titel' does not exist/);
    return true;
  });
});
