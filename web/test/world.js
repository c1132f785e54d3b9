// The real server and a real browser, and what tests do in it.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { run, temporaryFolder, until } from '../../clients/server.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Where the pictures of the screens go. */
const pictures = process.env.VIGIE_SCREENSHOTS ?? fileURLToPath(new URL('../screenshots', import.meta.url));

/** Starts `vigie demo` in a folder of its own, which is `data`. */
export async function startDemo(...args) {
  const data = temporaryFolder();
  return { data, ...(await run(['demo', '--listen', '127.0.0.1:0', '--data', data, ...args], {}, /http:\/\/(127\.0\.0\.1:\d+)/)) };
}

/** The links in the demo's mails. */
export function mailedLinks({ data }) {
  const outbox = join(data, 'outbox');
  return linksIn(readdirSync(outbox).filter((name) => name.endsWith('.eml')).map((name) => readFileSync(join(outbox, name), 'utf8')));
}

/** The links to this machine in mails. */
export function linksIn(mails) {
  // Quoted-printable: a long line goes on after =, and = itself is =3D.
  return mails.flatMap((mail) => mail.replace(/=\r?\n/g, '').replaceAll('=3D', '=').match(/http:\/\/127\.0\.0\.1:\d+\/[^\s"<>)]*/g) ?? []);
}

/** The data that answers a request to a server that needs no token. */
export async function ask(server, query, variables) {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

let published = 0;

/** A deadline on a day such as 01-15, in ten years: far ahead, and possible. */
export const inTenYears = (day) => `${new Date().getUTCFullYear() + 10}-${day}T11:00:00Z`;

/** Publishes notices of these contents, of a moment ago; answers their numbers at their source. */
export async function publish(server, ...notices) {
  const input = notices.map((notice) => ({
    source: 'demo',
    sourceRef: `T-${++published}`,
    buyerName: "Commune d'Exemple",
    // Apart from one another, so that their order is certain.
    publishedAt: new Date(Date.now() - 3_600_000 + published * 1000).toISOString(),
    ...notice,
  }));
  const { publishNotices } = await ask(
    server,
    'mutation ($input: [NoticeInput!]!) { publishNotices(input: $input) { userErrors { field message } } }',
    { input },
  );
  assert.deepEqual(publishNotices.userErrors, []);
  return input.map(({ sourceRef }) => sourceRef);
}

/** Publishes notices and waits until lists have them. */
export async function publishAndIndex(server, ...notices) {
  const refs = await publish(server, ...notices);
  await until(async () => {
    const { tenders } = await ask(server, '{ tenders(first: 100) { nodes { notices { sourceRef } } } }');
    const listed = tenders.nodes.flatMap(({ notices }) => notices.map(({ sourceRef }) => sourceRef));
    return refs.every((ref) => listed.includes(ref));
  }, 'the index');
  return refs;
}

export function startBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'],
  });
}

/**
 * Opens the page in a tab of a new visitor. `complaints` are what the browser said was wrong: errors of scripts, violations
 * of the policy, answers that are no success.
 */
export async function visit(browser, options = {}) {
  const context = await browser.newContext({ locale: 'fr-FR', viewport: { width: 1280, height: 900 }, ...options });
  return tab(context);
}

/** One more tab of the same visitor. */
export async function tab(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  return page;
}

/** Waits until nothing is being loaded any more. */
export async function settled(page) {
  await page.waitForLoadState('networkidle');
  await page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy=true]'));
}

/** What is not accessible on the page, by the rules of WCAG 2.2 AA, a line each. */
export async function inaccessible(page) {
  // The policy forbids scripts of others in the page; the debugger's are not the page's.
  const client = await page.context().newCDPSession(page);
  await client.send('Runtime.evaluate', { expression: axe });
  const { result } = await client.send('Runtime.evaluate', {
    expression: `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ' ' + failureSummary)))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await client.detach();
  return result.value;
}

/** What stands in a part of the page, in plain spaces. */
export const textOf = async (part) => (await part.innerText()).replaceAll('\u00a0', ' ');

/** Opens what a list can be narrowed by, and waits until it is there. */
export async function openFilters(page) {
  await page.getByText('Affiner', { exact: true }).click();
  await page.locator('.facets .columns').waitFor();
}

/** Whether the page is wider than the window. */
export const scrollsSideways = (page) => page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);

/** What is too low for a finger, a line each. Links within a sentence may be as low as it is. */
export const smallTargets = (page) => page.evaluate(() => {
  const targets = 'button, select, summary, label, input:not([type=checkbox], [type=radio]), nav a, .actions a, .button';
  const lines = [...document.querySelectorAll(targets)].filter((target) => (
    target.checkVisibility({ visibilityProperty: true }) && (target.tagName !== 'LABEL' || target.closest('.choice')) && target.getBoundingClientRect().height < 44
  ));
  return lines.map((target) => `${target.tagName} ${target.getAttribute('aria-label') ?? target.textContent} ${target.getBoundingClientRect().height}`);
});

/** Keeps a picture of the whole page. */
export async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}
