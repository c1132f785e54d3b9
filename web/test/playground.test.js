// The playground in a browser: the API's own address leads to it, and a link carries a query.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { picture, startBrowser, startDemo, visit } from './world.js';

let server;
let browser;
before(async () => {
  server = await startDemo();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

test('the address of the API leads to the playground, with a query and its variables', async () => {
  const page = await visit(browser);
  const query = 'query Own($n: Int!) { tenders(first: $n) { totalCount } }';
  await page.goto(`${server.url}/graphql?${new URLSearchParams({ query, variables: '{"n":3}' })}`);
  assert.equal(new URL(page.url()).pathname, '/playground');
  await page.getByText('query Own').first().waitFor();
  await page.getByText('"n":').first().waitFor();
  await page.getByRole('button', { name: /Execute query/ }).click();
  await page.getByText('"totalCount":').first().waitFor();
  await page.context().close();
});

test('six examples are at hand', async () => {
  const page = await visit(browser);
  await page.goto(`${server.url}/playground`);
  await page.getByRole('tab').nth(5).waitFor();
  const names = await page.getByRole('tab').allTextContents();
  for (const name of ['MaVeille', 'Apercu', 'CreerUneVeille', 'Publier', 'Pourquoi', 'Suivre']) assert.ok(names.some((tab) => tab.includes(name)), `${name} in ${names}`);
  await page.context().close();
});

test('the explorer builds a query, and on a telephone query and answer have the width of the window', async () => {
  for (const width of [1280, 360]) {
    const page = await visit(browser, { viewport: { width, height: 740 } });
    await page.goto(`${server.url}/playground`);
    await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
    await page.locator('.graphiql-plugin').getByText('departments', { exact: true }).first().click();
    await page.getByRole('button', { name: 'Hide GraphiQL Explorer' }).click();
    await page.getByRole('button', { name: /Execute query/ }).click();
    await page.locator('.result-window').getByText('"watches":').first().waitFor();
    for (const part of ['.graphiql-query-editor', '.graphiql-response']) {
      const { x, width: wide } = await page.locator(part).boundingBox();
      assert.ok(x >= 0 && x + wide <= width && wide > 220, `${part} is ${wide} wide at ${x} of ${width}`);
    }
    assert.deepEqual(page.complaints, []);
    await picture(page, `terrain-${width}`);
    await page.context().close();
  }
});

test('programs get answers of the API from its address, whatever they accept', async () => {
  const ask = (accept, search = '') => fetch(`${server.url}/graphql${search}`, { headers: { Accept: accept }, redirect: 'manual' });
  assert.equal((await ask('*/*', '?query={departments{code}}')).status, 200);
  assert.equal((await ask('application/json')).status, 400);
  assert.equal((await ask('text/html,application/xhtml+xml,*/*;q=0.8')).status, 302);
});
