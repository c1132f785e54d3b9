import type { CodegenConfig } from '@graphql-codegen/cli';

/** Types and typed documents of what the page asks, checked against the schema. */
const config: CodegenConfig = {
  schema: '../schema.graphqls',
  documents: 'src/**/*.graphql',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { scalars: { DateTime: 'string', Date: 'string', Decimal: 'string', JSON: 'unknown' }, enumsAsTypes: true, strictScalars: true },
    },
  },
};
export default config;
