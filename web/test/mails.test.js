// The mails as the server writes them (its golden files), and the pages that their links lead to: readable at the width of a
// mail program and of a phone, light and dark, also where a mail program takes the styles out.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../clients/server.js';
import { inaccessible, inTenYears, mailedLinks, picture, publishAndIndex, scrollsSideways, startBrowser, startDemo, textOf, visit } from './world.js';

const golden = fileURLToPath(new URL('../../alert/letter/testdata', import.meta.url));
const mails = readdirSync(golden).filter((name) => name.endsWith('.html'));
const widths = [600, 360];

// A mail is shown within the landmarks of the mail program.
const landmarks = ['landmark-one-main', 'region'];

let browser;
let server;
let links;

before(async () => {
  [browser, server] = await Promise.all([startBrowser(), startDemo()]);
  await publishAndIndex(server, { title: 'Réfection de la voirie du hameau des Sources', deadline: inTenYears('01-15') });
  await until(() => mailedLinks(server).some((link) => link.startsWith(`${server.url}/dismiss/`)), 'a mail');
  links = mailedLinks(server);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What is wrong with what a tab shows: it is too wide, or not accessible, by other rules than those left out. */
async function faults(page, ...without) {
  const found = (await inaccessible(page)).filter((fault) => !without.includes(fault.split(' ')[0]));
  if (await scrollsSideways(page)) found.push('it is wider than the window');
  return found;
}

for (const scheme of ['light', 'dark']) {
  for (const width of widths) {
    test(`mails at ${width} pixels, ${scheme}`, async () => {
      assert.ok(mails.length > 0);
      const page = await visit(browser, { viewport: { width, height: 800 }, colorScheme: scheme });
      for (const name of mails) {
        await page.setContent(readFileSync(`${golden}/${name}`, 'utf8'));
        assert.deepEqual(await faults(page, ...landmarks), [], name);
        if (name.includes('.fr.')) await picture(page, `mail-${name.replace('.fr.html', '')}-${width}-${scheme}`);
      }
      await page.context().close();
    });

    test(`the pages of links at ${width} pixels, ${scheme}`, async () => {
      const page = await visit(browser, { viewport: { width, height: 800 }, colorScheme: scheme });
      for (const path of ['/leave/', '/dismiss/']) {
        await page.goto(links.find((link) => link.startsWith(server.url + path)) ?? assert.fail(`no link to ${path}`));
        assert.deepEqual(await faults(page), [], path);
        await picture(page, `mail${path.slice(0, -1).replace('/', '-')}-${width}-${scheme}`);
      }
      assert.deepEqual(page.complaints, []);
      await page.context().close();
    });
  }
}

// Gmail's web page for phones, and its apps for accounts of others, take the styles out.
test('mails without their styles', async () => {
  const page = await visit(browser, { viewport: { width: 360, height: 800 } });
  for (const name of mails) {
    await page.setContent(readFileSync(`${golden}/${name}`, 'utf8').replace(/<style>[^]*<\/style>/, ''));
    assert.deepEqual(await faults(page, ...landmarks, 'target-size'), [], name);
    if (name === 'digest.fr.html') await picture(page, 'mail-digest-unstyled');
  }
  await page.context().close();
});

test('a tender is dismissed from a mail, and shown again', async () => {
  const page = await visit(browser);
  await page.goto(links.find((link) => link.startsWith(`${server.url}/dismiss/`)));
  const title = await textOf(page.locator('main p').nth(1));
  await page.getByRole('button', { name: 'Écarter' }).click();
  await page.getByRole('heading', { name: 'Marché écarté' }).waitFor();
  await picture(page, 'mail-dismissed');
  await page.getByRole('button', { name: 'Remettre ce marché' }).click();
  await page.getByRole('heading', { name: 'Écarter ce marché ?' }).waitFor();
  assert.equal(await textOf(page.locator('main p').nth(1)), title);
  assert.deepEqual(page.complaints, []);
});
