// The schema by the rules of GraphQL ESLint, and against the last release.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import plugin from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import { buildSchema, findBreakingChanges, findDangerousChanges, getNamedType } from 'graphql';

const path = fileURLToPath(new URL('../schema.graphqls', import.meta.url));
const schema = readFileSync(path, 'utf8');
const released = readFileSync(new URL('released.graphqls', import.meta.url), 'utf8');

const rules = {
  ...plugin.configs['flat/schema-recommended'].rules,
  ...plugin.configs['flat/schema-relay'].rules,
  // Everything is described, not only types and root fields.
  '@graphql-eslint/require-description': [
    'error',
    { types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true, DirectiveDefinition: true },
  ],
  // It knows one style for all: here one line has single quotes, more than one are a block.
  '@graphql-eslint/description-style': 'off',
  // Short lists, such as a tender's lots, need no pages.
  // That nodes are Nodes is looked at below: events have no id.
  '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false }],
  // A client refreshes with a change what it shows.
  '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'error',
  // What is only ever asked for within something else needs no id of its own: a client keeps it there.
  '@graphql-eslint/strict-id-in-types': [
    'error',
    {
      exceptions: {
        suffixes: ['Choice', 'Connection', 'Edge', 'Payload', 'Result'],
        types: [
          'AlertExplanation', 'AlertReason', 'AwardCriterion', 'BackOffice', 'Choices', 'CpvCode', 'Criteria', 'DeliveryHold', 'Duration', 'FacetCount', 'Highlight', 'HighlightPart',
          'KeywordPlace', 'Limits', 'Lot', 'LotAward', 'MailDomain', 'MatchExplanation', 'MatchPreview', 'Money', 'NoticeChange', 'PageInfo', 'Place', 'PreviewExample', 'Publication', 'Reminder', 'SearchPlace', 'Source', 'SummaryLine', 'SuppressedAddress',
          'TenderFacets', 'TenderMatched', 'FormChoices', 'Totals', 'Usage', 'UserError', 'Warning', 'WatchHealth', 'WatchMatch', 'Winner',
        ],
      },
    },
  ],
};

/** What the rules say of a schema, a line each. */
async function lint(text) {
  const eslint = new ESLint({
    overrideConfigFile: true,
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    overrideConfig: [
      {
        files: ['**/*.graphqls'],
        plugins: { '@graphql-eslint': plugin },
        languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: text } } },
        rules,
      },
    ],
  });
  const [{ messages }] = await eslint.lintText(text, { filePath: path });
  return messages.map((message) => `${message.line}: ${message.ruleId ?? ''} ${message.message}`);
}

// A field, for the checks that what is wrong is found.
const described = '  "The cursor of its first edge."\n';
const field = '  startCursor: String\n';
assert.ok(schema.includes(described + field));

/** What a schema breaks of the last release, a line each. */
const broken = (text) => findBreakingChanges(buildSchema(released), buildSchema(text)).map((change) => change.description);

test('the schema follows the rules', async () => {
  assert.deepEqual(await lint(schema), []);
});

test('what lists list has an id, but for events and addresses', () => {
  const types = buildSchema(schema).getTypeMap();
  const nameless = Object.values(types)
    .filter(({ name }) => name.endsWith('Edge'))
    .map((edge) => getNamedType(edge.getFields().node.type))
    .filter((type) => !type.getInterfaces().some(({ name }) => name === 'Node'));
  assert.deepEqual(nameless.map(({ name }) => name), ['TenderMatched', 'SuppressedAddress']);
});

test('the rules find what is not described, and a list that is no connection', async () => {
  assert.match((await lint(schema.replace(described, ''))).join(), /require-description .*"startCursor"/);
  assert.match((await lint(schema.replace(field, '  startCursor: [String]\n'))).join(), /relay-page-info/);
});

test('the schema breaks nothing of the last release', () => {
  assert.deepEqual(broken(schema), []);
});

/** The places in the schema at which a strict client may stumble over a change, as the CHANGELOG names them. */
function dangerous(text) {
  const forms = [
    [/^(\w+) was added to enum type (\w+)\.$/, (value, type) => `${type}.${value}`],
    [/^An optional arg (\w+) on (\w+\.\w+) was added\.$/, (argument, field) => `${field}(${argument}:)`],
    [/^(\w+) added to interfaces implemented by (\w+)\.$/, (added, type) => `${type} implements ${added}`],
    [/^An optional field (\w+) on input type (\w+) was added\.$/, (field, type) => `${type}.${field}`],
  ];
  return findDangerousChanges(buildSchema(released), buildSchema(text)).map(({ description }) => {
    for (const [form, place] of forms) {
      const found = description.match(form);
      if (found) return place(...found.slice(1));
    }
    return description;
  });
}

test('what may surprise strict clients is in the CHANGELOG', (t) => {
  const changes = readFileSync(new URL('../CHANGELOG.md', import.meta.url), 'utf8');
  const places = dangerous(schema);
  t.diagnostic(`since the last release: ${places.join(', ')}`);
  assert.deepEqual(places.filter((place) => !changes.includes(`\`${place}\``)), []);
});

test('an added value, argument or field of an input may surprise them', () => {
  const text = schema
    .replace('enum Nature {\n', 'enum Nature {\n  "x"\n  UNHEARD_OF\n')
    .replace('  watch("Its id." id: ID!): Watch\n', '  watch("Its id." id: ID!, "x" unheardOf: Int): Watch\n')
    .replace('input CriteriaInput {\n', 'input CriteriaInput {\n  "x"\n  unheardOf: Int\n');
  const before = dangerous(schema);
  assert.deepEqual(dangerous(text).filter((place) => !before.includes(place)).sort(), ['CriteriaInput.unheardOf', 'Nature.UNHEARD_OF', 'Query.watch(unheardOf:)']);
});

test('a field taken away breaks it', () => {
  assert.deepEqual(broken(schema.replace(described + field, '')), ['PageInfo.startCursor was removed.']);
});
