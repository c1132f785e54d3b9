// The playground in a real browser, without a network.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { launch } from 'puppeteer-core';
import { run, temporaryFolder } from './server.js';

let server;
let browser;

before(async () => {
  const data = temporaryFolder();
  server = await run(['demo', '--listen', '127.0.0.1:0', '--data', data], {}, /http:\/\/(127\.0\.0\.1:\d+)/);
  browser = await launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
  });
});
after(async () => {
  await browser?.close();
  await server.stop();
});

test('it loads, runs its first query and shows the documentation, with nothing from elsewhere', async () => {
  const page = await browser.newPage();
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  const elsewhere = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== server.url) elsewhere.push(request.url());
  });
  const answer = await page.goto(`${server.url}/playground`, { waitUntil: 'networkidle0' });
  const policy = answer.headers()['content-security-policy'];
  assert.match(policy, /script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe-eval/);

  await (await page.waitForSelector('button.graphiql-execute-button')).click();
  await page.waitForFunction(() => document.querySelector('.result-window')?.textContent.includes('onlineCount'), { timeout: 15_000 });

  // It opens beside the query.
  await page.waitForFunction(() => document.querySelector('.graphiql-doc-explorer')?.textContent.includes('Query'), { timeout: 15_000 });
  await page.screenshot({ path: join(process.env.VIGIE_SCREENSHOTS ?? temporaryFolder(), 'playground.png') });
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(complaints, []);
});
