// Files of lists, read by parsers of others: Papa Parse for CSV, ExcelJS for XLSX.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import ExcelJS from 'exceljs';
import Papa from 'papaparse';
import { run, temporaryFolder } from './server.js';

let server;
before(async () => {
  server = await run(['demo', '--listen', '127.0.0.1:0', '--data', temporaryFolder()], {}, /http:\/\/(127\.0\.0\.1:\d+)/);
  // What a spreadsheet could take for something else.
  const input = ['=1+1', '+33 1', '-2 voiries', '@SUM(A1)', 'Voirie ;=cmd|\' /C calc\'!A0', 'Voirie, "place"'].map((title, i) => ({
    source: 'demo', sourceRef: `export-${i}`, title, buyerName: 'Commune d’Exemple', publishedAt: new Date(Date.now() - 60_000).toISOString(),
    reference: `E-${i}`, deadline: '2036-01-10T11:00:00Z', value: { amount: '120000.50', currency: 'EUR' }, cpvCodes: ['45233140'],
  }));
  const { publishNotices } = await ask('mutation ($input: [NoticeInput!]!) { publishNotices(input: $input) { userErrors { field message } } }', { input });
  assert.deepEqual(publishNotices.userErrors, []);
  for (let listed = 0; listed < input.length; ) ({ tenders: { totalCount: listed } } = await ask('{ tenders(search: "Exemple", filter: { deadlineFrom: "2036-01-10T11:00:00Z", deadlineTo: "2036-01-10T11:00:00Z" }) { totalCount } }'));
});
after(() => server?.stop());

async function ask(query, variables) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined);
  return data;
}

/** All pages of a list. */
async function pages(list, filter, orderBy) {
  const nodes = [];
  for (let after; ; ) {
    const { [list]: page } = await ask(
      `query ($filter: TenderFilter, $orderBy: TenderOrder, $after: String) {
        ${list}(filter: $filter, orderBy: $orderBy, after: $after, first: 7) {
          nodes { id title reference deadline value { amount } departments { name code } buyer { name } } pageInfo { hasNextPage endCursor }
        }
      }`,
      { filter, orderBy, after },
    );
    nodes.push(...page.nodes);
    if (!page.pageInfo.hasNextPage) return nodes;
    after = page.pageInfo.endCursor;
  }
}

async function file(name, filter, orderBy, language = 'fr') {
  const response = await fetch(`${server.url}/export/${name}?${new URLSearchParams({ filter: JSON.stringify(filter), orderBy })}`, { headers: { 'Accept-Language': language } });
  assert.equal(response.status, 200);
  return response;
}

/** A title as CSV has it. */
const defused = (title) => ({ 'Voirie ;=cmd|\' /C calc\'!A0': "Voirie ;'=cmd|' /C calc'!A0" })[title] ?? title.replace(/^[=+\-@]/, "'$&");

const lists = [
  ['tenders', 'tenders', {}, 'PUBLISHED_AT_DESC'],
  ['tenders', 'tenders', { statuses: ['ONLINE'], natures: ['WORKS'] }, 'DEADLINE_ASC'],
  ['matching-tenders', 'matchingTenders', {}, 'PUBLISHED_AT_ASC'],
];

for (const [name, list, filter, orderBy] of lists) {
  test(`${name} in CSV and XLSX are the list, ${JSON.stringify(filter)}`, async () => {
    const nodes = await pages(list, filter, orderBy);
    assert.ok(nodes.length > 10);
    const text = await (await file(`${name}.csv`, filter, orderBy)).arrayBuffer();
    const { data, errors, meta } = Papa.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(text), { header: true, skipEmptyLines: true });
    assert.deepEqual(errors, []);
    assert.equal(meta.linebreak, '\r\n');
    assert.equal(meta.delimiter, ',');
    assert.deepEqual(data.map((row) => row.Identifiant), nodes.map(({ id }) => id));
    for (const [i, row] of data.entries()) {
      const { title, reference, deadline, value, departments, buyer } = nodes[i];
      assert.equal(row[Object.keys(row)[0]], defused(title));
      assert.equal(row.Organisme, buyer.name);
      assert.equal(row['Référence'], reference ?? '');
      assert.equal(row['Valeur estimée HT'], value?.amount ?? '');
      assert.equal(row['Départements'], departments.map(({ name, code }) => `${name} (${code})`).join(' | '));
      assert.equal(row['Date limite (heure de Paris)'] && Date.parse(row['Date limite (heure de Paris)']), deadline ? Date.parse(deadline) : '');
    }

    const book = new ExcelJS.Workbook();
    await book.xlsx.load(await (await file(`${name}.xlsx`, filter, orderBy)).arrayBuffer());
    const [sheet] = book.worksheets;
    const columns = meta.fields.map((field) => field.replace('\ufeff', ''));
    assert.deepEqual(sheet.getRow(1).values.slice(1), columns);
    assert.equal(sheet.getCell('A1').font.bold, true);
    assert.deepEqual([sheet.views[0].state, sheet.views[0].ySplit], ['frozen', 1]);
    assert.ok(sheet.columns.every(({ width }) => width >= 8), 'widths');
    assert.equal(sheet.rowCount, nodes.length + 1);
    const at = (row, column) => sheet.getRow(row + 2).getCell(columns.indexOf(column) + 1);
    for (const [i, { id, title, deadline, value }] of nodes.entries()) {
      assert.equal(at(i, 'Identifiant').value, id);
      assert.equal(at(i, 'Objet').value, title); // as it is: it is marked as text
      assert.equal(at(i, 'Objet').type, ExcelJS.ValueType.String);
      assert.equal(at(i, 'Valeur estimée HT').value, value ? Number(value.amount) : null);
      const until = at(i, 'Date limite (heure de Paris)');
      assert.equal(until.type, deadline ? ExcelJS.ValueType.Date : ExcelJS.ValueType.Null);
      // ExcelJS takes what a cell shows for UTC.
      if (deadline) assert.equal(until.value.toISOString().slice(0, 16), inParis(deadline));
      assert.equal(at(i, 'Date de publication').type, ExcelJS.ValueType.Date);
      assert.equal(at(i, 'SIRET').type === ExcelJS.ValueType.Number, false);
    }
  });
}

/** What clocks in Paris show, such as 2026-11-30T17:00. */
function inParis(moment) {
  return new Date(moment).toLocaleString('sv-SE', { timeZone: 'Europe/Paris' }).replace(' ', 'T').slice(0, 16);
}

test('in English, and described before it is fetched', async () => {
  const response = await file('tenders.csv', {}, 'DEADLINE_ASC', 'en');
  assert.match(response.headers.get('Content-Disposition'), /^attachment; filename="tenders-\d{4}-\d\d-\d\d\.csv"$/);
  assert.match(await response.text(), /^"Title","Buyer"/);
  const head = await fetch(`${server.url}/export/tenders.xlsx`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers.get('Cache-Control'), await head.text()], [200, 'no-store', '']);
});
