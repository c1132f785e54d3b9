// The addresses of feeds and calendars, as people take them from the page.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { ask, inaccessible, settled, startBrowser, startDemo, visit } from './world.js';

let demo;
let browser;
before(async () => {
  [demo, browser] = await Promise.all([startDemo(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const field = (page, name) => page.getByRole('textbox', { name });

test('a feed is copied and read, and its address is replaced', async () => {
  const page = await visit(browser);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: demo.url });
  const { watches } = await ask(demo, '{ watches { nodes { id name feedUrl calendarUrl } } }');
  const [watch] = watches.nodes;
  await page.goto(`${demo.url}/veille/veilles/${watch.id}`);
  await settled(page);
  await page.getByText('Flux et agenda de cette veille').click();
  for (const [name, address] of [['Adresse du flux', watch.feedUrl], ['Adresse de l’agenda', watch.calendarUrl]]) {
    assert.equal(await field(page, name).inputValue(), address);
    await page.getByRole('button', { name: `Copier : ${name}` }).click();
    await page.getByText('L’adresse a été copiée').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), address);
    assert.ok((await (await fetch(address)).text()).includes(watch.name));
  }
  await page.getByRole('button', { name: 'Remplacer ces adresses' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remplacer', exact: true }).click();
  await page.getByText('Les adresses de cette veille ont été remplacées').waitFor();
  const replaced = await field(page, 'Adresse du flux').inputValue();
  assert.notEqual(replaced, watch.feedUrl);
  assert.deepEqual([(await fetch(watch.feedUrl)).status, (await fetch(replaced)).status], [404, 200]);
  assert.deepEqual(page.complaints, []);

  // On the account's page those of all watches, and of each.
  await page.goto(`${demo.url}/veille/compte`);
  await settled(page);
  const which = page.getByLabel('Flux et agenda de', { exact: true });
  await which.selectOption(watch.name);
  await page.waitForFunction((url) => document.querySelector('.address input')?.value === url, replaced);
  await page.getByRole('button', { name: 'Remplacer ces adresses' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Annuler' }).click();
  assert.equal((await fetch(replaced)).status, 200, 'what was not confirmed is not done');
  await which.selectOption('Toutes mes veilles');
  await page.waitForFunction((url) => document.querySelector('.address input')?.value !== url, replaced);
  const ofAll = await field(page, 'Adresse du flux').inputValue();
  await page.getByLabel('Rappel dans mon agenda').selectOption('7 jours avant');
  await page.getByRole('button', { name: 'Enregistrer' }).click();
  const calendar = await field(page, 'Adresse de l’agenda').inputValue();
  await page.waitForFunction(async (url) => (await (await fetch(url)).text()).includes('TRIGGER:-P7D'), new URL(calendar).pathname);
  await page.getByRole('button', { name: 'Remplacer toutes les adresses' }).click();
  assert.deepEqual(await inaccessible(page), []);
  assert.equal((await fetch(ofAll)).status, 200, 'it is asked first');
  await page.getByRole('dialog').getByRole('button', { name: 'Remplacer', exact: true }).click();
  await page.getByText('Toutes les adresses ont été remplacées').waitFor();
  assert.deepEqual([(await fetch(ofAll)).status, (await fetch(replaced)).status], [404, 404]);
  await which.selectOption(watch.name);
  await page.waitForFunction((url) => document.querySelector('.address input')?.value !== url, ofAll);
  assert.equal((await fetch(await field(page, 'Adresse du flux').inputValue())).status, 200);
  await page.context().close();
});

test('a deadline is added to an agenda', async () => {
  const page = await visit(browser);
  await page.goto(`${demo.url}/veille/marches/demo/M-101`);
  await settled(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Ajouter à mon agenda' }).click()]);
  assert.equal(download.suggestedFilename(), 'GV-2026-014.ics');
  await page.goto(`${demo.url}/veille/marches/demo/M-105`);
  await settled(page);
  assert.equal(await page.getByText('Ajouter à mon agenda').count(), 0, 'without a deadline');
  await page.context().close();
});
