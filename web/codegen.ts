import type { CodegenConfig } from '@graphql-codegen/cli';
import { readdirSync } from 'node:fs';

/** What several parts of the page ask for. */
const shared = 'src/api/rows.graphql';

const parts = readdirSync('src/api').map((name) => name.replace('.graphql', '')).filter((name) => !shared.includes(name));

/**
 * Types and typed documents of what the page asks, checked against the schema. Each part of it is a module of its own, so that a
 * script holds its own questions alone.
 */
const config: CodegenConfig = {
  schema: '../schema.graphqls',
  config: {
    scalars: { DateTime: 'string', Date: 'string', Decimal: 'string', JSON: 'unknown' },
    enumsAsTypes: true,
    strictScalars: true,
    onlyOperationTypes: true,
    useTypeImports: true,
  },
  generates: Object.fromEntries(parts.map((part) => [
    `src/gql/${part}.ts`,
    { documents: [shared, `src/api/${part}.graphql`], plugins: ['typescript', 'typescript-operations', 'typed-document-node'] },
  ])),
};
export default config;
