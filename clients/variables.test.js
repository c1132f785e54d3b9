// What the server makes of values, against graphql-js, the reference
// implementation: both take, or refuse, the same.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import {
  buildSchema, execute, getNamedType, getNullableType, GraphQLError, isCompositeType, isEnumType, isInputObjectType, isListType, isRequiredInputField, parse, parseType,
  typeFromAST, validate,
} from 'graphql';
import { startServer } from './server.js';

const schema = buildSchema(readFileSync(new URL('../schema.graphqls', import.meta.url), 'utf8'));
schema.getType('DateTime').parseValue = (value) => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value)) throw new GraphQLError('not a DateTime');
  return value;
};
for (const name of ['Decimal', 'Date']) {
  schema.getType(name).parseValue = (value) => {
    if (typeof value !== 'string') throw new GraphQLError(`not a ${name}`);
    return value;
  };
}

let server;
let person;

before(async () => {
  server = await startServer({ VIGIE_RATE_ACCOUNT: '1000000' });
  person = server.person();
});
after(() => server.stop());

/** Whether graphql-js refuses a document, or the variables that come with it. */
async function refusedByReference(query, variables) {
  const document = parse(query);
  if (validate(schema, document).length > 0) return true;
  const fieldResolver = (source, args, context, { returnType }) => (isCompositeType(getNullableType(returnType)) ? {} : null);
  const { errors } = await execute({ schema, document, variableValues: variables, fieldResolver });
  return (errors ?? []).some(({ message }) => /^(Variable "\$|Argument ")/.test(message));
}

/** Why the server refuses them: it does so before it does anything, and so without data. */
async function refusal(query, variables) {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${person}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.ok(errors?.every(({ extensions }) => extensions.code !== 'INTERNAL') ?? true, `${query} ${JSON.stringify(variables)}: ${JSON.stringify(errors)}`);
  if (data !== undefined) return undefined;
  assert.match(errors[0].extensions.code, /^(BAD_REQUEST|GRAPHQL_VALIDATION_FAILED)$/);
  return errors[0].message;
}

/** Asks both; answers whether they refused. */
async function compare(query, variables) {
  const [expected, got] = await Promise.all([refusedByReference(query, variables), refusal(query, variables)]);
  assert.equal(got !== undefined, expected, `graphql-js ${expected ? 'refuses' : 'takes'}, we say ${got}: ${query} ${JSON.stringify(variables)}`);
  return expected;
}

// A document for each type of variable that the schema has a place for.
const places = {
  Int: 'watches(first: $v) { totalCount }',
  String: 'watches(after: $v) { totalCount }',
  'String!': 'tenderBySourceRef(source: $v, sourceRef: "1") { id }',
  'ID!': 'watch(id: $v) { id }',
  '[ID!]': 'matchingTenders(watchIds: $v) { totalCount }',
  'Boolean!': 'limits { maxWatches @skip(if: $v) }',
  WatchOrder: 'watches(orderBy: $v) { totalCount }',
  'WatchOrder!': 'watches(orderBy: $v) { totalCount }',
  TenderOrder: 'tenders(orderBy: $v) { totalCount }',
  TenderFilter: 'tenders(filter: $v) { totalCount }',
  '[TenderStatus!]': 'tenders(filter: { statuses: $v }) { totalCount }',
  'TenderStatus!': 'tenders(filter: { statuses: [$v] }) { totalCount }',
  '[Procedure!]': 'tenders(filter: { procedures: $v }) { totalCount }',
  DateTime: 'tenders(filter: { deadlineTo: $v }) { totalCount }',
  'CriteriaInput!': 'previewMatches(criteria: $v) { onlineCount }',
  'CreateWatchInput!': 'createWatch(input: $v) { watch { id } }',
  AlertFrequency: 'createWatch(input: { name: "x", criteria: {}, frequency: $v }) { watch { id } }',
  KeywordMode: 'createWatch(input: { name: "x", criteria: { keywordMode: $v } }) { watch { id } }',
  'UpdateWatchInput!': 'updateWatch(id: "watch_1", input: $v) { watch { id } }',
  'UpdateAccountInput!': 'updateAccount(input: $v) { account { id } }',
  '[NoticeInput!]!': 'publishNotices(input: $v) { results { outcome } }',
  NoticeKind: 'publishNotices(input: [{ source: "x", sourceRef: "1", title: "x", buyerName: "x", publishedAt: "2026-11-09T10:00:00Z", kind: $v }]) { results { outcome } }',
  '[BuyerInput!]!': 'upsertBuyers(input: $v) { results { outcome } }',
};
const mutations = /^(create|update|publish|upsert)/;

const declaring = (type, place, fallback = '') => `${mutations.test(place) ? 'mutation' : 'query'} ($v: ${type}${fallback}) { ${place} }`;

const values = [
  null, true, false, 0, 1, -1, 3, 86, 2.5, 2147483647, 2147483648, -2147483648, -2147483649, 1e21,
  '', '3', 'true', 'x', 'any', 'ANY', 'immediate', 'IMMEDIATE', 'works', 'online', 'ONLINE', 'Online', ' ONLINE', 'cancellation', 'CANCELLATION', 'name_asc', 'NAME_ASC',
  'OPEN', '2026-11-09T10:00:00Z', 'hier', [], ['x'], [null], [1], ['ONLINE'], ['ONLINE', 'online'], ['OPEN', null], [['ONLINE']], {}, { name: 'x' }, { name: 'x', criteria: {} }, { x: 1 }, { __typename: 'X' },
];

test('each type takes and refuses the same values', async () => {
  for (const [type, place] of Object.entries(places)) {
    assert.deepEqual(validate(schema, parse(declaring(type, place))), [], type);
    const verdicts = new Set();
    for (const value of values) verdicts.add(await compare(declaring(type, place), { v: value }));
    verdicts.add(await compare(declaring(type, place), {}));
    assert.equal(verdicts.size, 2, `${type}: one verdict for all values`);
  }
});

test('null beside a default: refused where nothing but a value can stand', async () => {
  for (const [type, refused] of [['Boolean', true], ['TenderStatus', true], ['WatchOrder', false], ['AlertFrequency', false], ['NoticeKind', false]]) {
    const place = places[type] ?? places[`${type}!`];
    const fallback = ` = ${schema.getType(type).getValues?.()[0].name ?? 'true'}`;
    assert.equal(await compare(declaring(type, place, fallback), { v: null }), refused);
    assert.equal(await compare(declaring(type, place, fallback), {}), false);
  }
});

// Documents that say their values themselves. What a DateTime is, only its own code knows.
const literals = [
  '1', '-1', '2147483648', '-2147483649', '99999999999999999999', '1.0', '1e3', '"3"', '""', 'true', 'null', 'ONLINE', 'online', '"ONLINE"', 'NAME_ASC', 'name_asc',
  'OPEN', '[OPEN]', '[open]', '[]', '[null]', '["x"]', '[[ONLINE]]', '[1]', '{}', '{ x: 1 }', '{ name: "x" }', '{ natures: works }', '{ natures: WORKS }', '{ natures: [WORKS, "WORKS"] }',
  '{ keywords: [86] }', '{ keywordMode: any }', '{ keywordMode: null }', '{ digestHour: 2147483648 }', '{ locale: {} }',
];

test('documents with wrong values are refused alike', async () => {
  let refused = 0;
  for (const [type, place] of Object.entries(places)) {
    if (type === 'DateTime') continue;
    for (const literal of literals) {
      // The one difference: what a document writes as an integer must have 64 bits, also for an ID.
      if (type.includes('ID') && literal.length === 20) continue;
      const query = `${mutations.test(place) ? 'mutation' : 'query'} { ${place.replace('$v', literal)} }`;
      if (await compare(query)) refused++;
      if (type.endsWith('!') || literal === '1') continue;
      await compare(declaring(type, place, ` = ${literal}`), {});
    }
  }
  assert.ok(refused > 100, `${refused} were refused`);
});

// Random values: mostly right ones, each part of which may be wrong.
function generator(seed) {
  const random = () => {
    // mulberry32
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const among = (list) => list[Math.floor(random() * list.length)];
  const right = (type) => {
    const nullable = getNullableType(type);
    if (type === nullable && random() < 0.1) return null;
    if (isListType(nullable)) {
      return random() < 0.1 ? value(nullable.ofType) : Array.from({ length: Math.floor(random() * 3) }, () => value(nullable.ofType));
    }
    if (isEnumType(nullable)) return among(nullable.getValues()).name;
    if (isInputObjectType(nullable)) {
      const given = Object.values(nullable.getFields()).filter((field) => isRequiredInputField(field) || random() < 0.4);
      return Object.fromEntries(given.map((field) => [field.name, value(field.type)]));
    }
    switch (getNamedType(nullable).name) {
      case 'Int': return Math.floor(random() * 30);
      case 'Boolean': return random() < 0.5;
      case 'DateTime': return '2026-11-09T10:00:00Z';
      case 'Date': return among(['2026-11-30', '2026-02-30', 'x']);
      case 'Decimal': return among(['120000.50', '1', 'x', '']);
      case 'ID': return among(['watch_1', 7, 'x']);
      default: return among(['voirie', 'x', '01', '', '45']);
    }
  };
  const wrong = (type) => {
    const v = right(type);
    return among([
      () => (typeof v === 'string' ? v.toLowerCase() : String(v)),
      () => [v],
      () => null,
      () => among(values),
      () => (v && typeof v === 'object' && !Array.isArray(v) ? { ...v, [among(['x', 'Name', '__typename'])]: 1 } : v),
      () => (v && typeof v === 'object' && !Array.isArray(v) ? Object.fromEntries(Object.entries(v).slice(1)) : v),
    ])();
  };
  const value = (type) => (random() < 0.08 ? wrong(type) : right(type));
  return value;
}

test('random values are taken and refused alike', async () => {
  const value = generator(20261109);
  const verdicts = { true: 0, false: 0 };
  for (const [type, place] of Object.entries(places)) {
    const known = typeFromAST(schema, parseType(type));
    // Larger types have more to get wrong.
    const rounds = isInputObjectType(getNamedType(known)) ? 150 : 15;
    for (let round = 0; round < rounds; round++) verdicts[await compare(declaring(type, place), { v: value(known) })]++;
  }
  assert.ok(verdicts.true > 200 && verdicts.false > 200, JSON.stringify(verdicts));
});

test('a subscription has one stream', async () => {
  for (const [query, refused] of [
    ['subscription { tenderMatched { kind } }', false],
    ['subscription { tenderMatched { kind } tenderMatched { tender { id } } }', false],
    ['subscription { a: tenderMatched { kind } b: tenderMatched { kind } }', true],
    ['subscription { tenderMatched { kind } ...more } fragment more on Subscription { b: tenderMatched { kind } }', true],
    ['subscription { __typename }', true],
  ]) {
    assert.equal(validate(schema, parse(query)).length > 0, refused, query);
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', Authorization: `Bearer ${person}` },
      body: JSON.stringify({ query }),
    });
    if (!refused) {
      await response.body.cancel();
      assert.equal(response.status, 200, query);
      continue;
    }
    assert.match(await response.text(), /GRAPHQL_VALIDATION_FAILED/, query);
  }
});
