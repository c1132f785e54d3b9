// A tender's own page: what is over does not look live, deadlines count days, the list is a key away, and the account's settings.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { until } from '../../clients/server.js';
import { ask, inaccessible, inTenYears, picture, publish, publishAndIndex, settled, startBrowser, startDemo, tab, textOf, visit } from './world.js';

let server;
let browser;
let page;

/** At noon, so many days from today in Paris. */
const inDays = (days) => `${new Date(Date.parse(new Date().toLocaleDateString('sv-SE', { timeZone: 'Europe/Paris' })) + days * 86_400_000).toISOString().slice(0, 10)}T11:00:00Z`;

before(async () => {
  server = await startDemo('--empty');
  browser = await startBrowser();
  page = await visit(browser);
  await publishAndIndex(
    server,
    { title: 'Voirie lointaine', sourceRef: 'A-1', deadline: inTenYears('01-10') },
    { title: 'Voirie prochaine', sourceRef: 'A-2', deadline: inDays(5) },
    { title: 'Voirie annulée', sourceRef: 'A-3', deadline: inDays(18), url: 'https://portail.example/a-3', documentsUrl: 'https://portail.example/dce', submissionUrl: 'https://portail.example/depot' },
    { title: 'Voirie reportée', sourceRef: 'A-4', deadline: inDays(18), url: 'https://portail.example/a-4' },
  );
  await publish(server, { title: 'Voirie annulée', kind: 'CANCELLATION', previousRef: 'A-3' });
  await publish(server, { title: 'Voirie reportée', kind: 'CORRECTION', previousRef: 'A-4', deadline: inDays(25), url: 'https://portail.example/autre' });
  await ask(server, 'mutation { createWatch(input: { name: "Routes", criteria: { keywords: ["voirie"] } }) { watch { id } } }');
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = async (ref) => {
  await page.goto(`${server.url}/veille/marches/demo/${ref}`);
  await settled(page);
};

test('lists count the days, in words and in colour, and titles are links', async () => {
  await page.goto(`${server.url}/veille?tri=DEADLINE_ASC`);
  await settled(page);
  const row = page.getByRole('row').filter({ hasText: 'Voirie prochaine' });
  assert.equal(await row.locator('.days').innerText(), 'J-5');
  assert.match(await row.locator('.days').getAttribute('class'), /soon/);
  const far = page.getByRole('row').filter({ hasText: 'Voirie reportée' }).locator('.days');
  assert.equal(await far.innerText(), 'J-25');
  assert.doesNotMatch(await far.getAttribute('class'), /soon/);
  await page.getByRole('link', { name: 'Voirie prochaine', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Voirie prochaine' }).waitFor();
  assert.match(await textOf(page.locator('.facts').first()), /J-5/);
  // As the API and mails write it.
  assert.match(await textOf(page.locator('.facts').first()), /\d{4} à 1[23]\sh\s00 \(heure de Paris\)/);
});

test('from tender to tender, and back to the very list', async () => {
  await page.goto(`${server.url}/veille?tri=DEADLINE_ASC&taille=20`);
  await settled(page);
  const titles = await page.locator('.tenders .name a').allTextContents();
  await page.getByRole('link', { name: titles[0], exact: true }).click();
  await page.getByRole('heading', { level: 1, name: titles[0] }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Marché précédent' }).count(), 0);
  await page.getByRole('link', { name: 'Marché suivant' }).click();
  await page.getByRole('heading', { level: 1, name: titles[1] }).waitFor();
  await page.getByRole('link', { name: 'Marché précédent' }).waitFor();
  await page.getByRole('link', { name: 'Retour à la liste' }).click();
  await page.waitForURL(`${server.url}/veille?tri=DEADLINE_ASC&taille=20`);
});

test('the way goes on beyond the end of a page, there and back', async () => {
  await publishAndIndex(server, ...Array.from({ length: 12 }, (_, i) => ({ title: `Voirie, lot de page ${i}`, sourceRef: `P-${i}`, deadline: inDays(60 + i) })));
  for (const list of ['?tri=DEADLINE_ASC&taille=10', '/recherche?mots=voirie&tri=DEADLINE_ASC&taille=10']) {
    await page.goto(`${server.url}/veille${list}`);
    await settled(page);
    const titles = await page.locator('.tenders .name a').allTextContents();
    await page.getByRole('button', { name: 'Page suivante' }).click();
    await page.getByText('Page : 2 sur').waitFor();
    await settled(page);
    const more = await page.locator('.tenders .name a').allTextContents();
    await page.getByRole('link', { name: more[0], exact: true }).click();
    await page.getByRole('link', { name: 'Marché précédent' }).click();
    await page.getByRole('heading', { level: 1, name: titles.at(-1) }).waitFor();
    await page.getByRole('link', { name: 'Marché suivant' }).click();
    await page.getByRole('heading', { level: 1, name: more[0] }).waitFor();
    // Back to the page of the list that has it.
    await page.getByRole('link', { name: 'Retour à la liste' }).click();
    await page.waitForURL(/page=2/);
    await page.getByText('Page : 2 sur').waitFor();
  }
  // What was seen leaves the list of what was not: none of the others is passed over.
  await page.goto(`${server.url}/veille?vue=nonvus&taille=10`);
  await settled(page);
  const unseen = Number((await textOf(page.locator('.total'))).match(/\d+/)[0]);
  assert.ok(unseen > 10, 'several pages');
  await page.locator('.tenders .name a').first().click();
  const walked = new Set();
  for (;;) {
    await page.locator('dl.facts').first().waitFor();
    await settled(page);
    walked.add(new URL(page.url()).pathname);
    const on = page.getByRole('link', { name: 'Marché suivant' });
    if ((await on.count()) === 0) break;
    const from = page.url();
    await on.click();
    await page.waitForFunction((from) => location.href !== from, from);
  }
  assert.equal(walked.size, unseen);
});

test('what was cancelled does not look live', async () => {
  await open('A-3');
  await page.getByRole('heading', { name: 'Ce marché a été annulé' }).waitFor();
  assert.equal(await page.locator('main a.button').count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Déposer une réponse' }).count(), 0);
  assert.equal(await page.locator('.days').count(), 0);
  for (const absent of ['À étudier', 'Documents de la consultation', 'Ajouter à mon agenda']) assert.equal(await page.locator('main').getByText(absent).count(), 0, absent);
  await page.goto(`${server.url}/veille/recherche?mots=voirie&enligne=non&taille=50`);
  await settled(page);
  assert.equal(await page.getByRole('button', { name: 'À étudier : Voirie annulée' }).count(), 0);
  await page.getByRole('button', { name: 'À étudier : Voirie reportée' }).waitFor();
  await open('A-3');
  assert.deepEqual(await inaccessible(page), []);
  await picture(page, 'marche-annule-1280');
});

test('what was moved says from when to when, and that a link changed is no news', async () => {
  await open('A-4');
  const banner = page.getByRole('region', { name: /La date limite a été modifiée/ });
  assert.match(await textOf(banner), /→|au lieu du/);
  assert.equal(await page.locator('.changes').getByText('Lien').count(), 0);
  assert.match(await textOf(page.locator('.notices')), /Avis de marché[^]*Avis rectificatif[^]*Date limite/);
  await picture(page, 'marche-reporte-1280');
});

test('what is to study says when its reminders come', async () => {
  await open('A-4');
  const planned = page.getByRole('status').filter({ hasText: 'rappel' });
  assert.equal(await planned.count(), 0);
  await page.getByRole('button', { name: 'À étudier : Voirie reportée' }).click();
  await planned.filter({ hasText: 'Aucun rappel n’est prévu avant la date limite.' }).waitFor();
  await planned.getByRole('link', { name: 'Choisir les rappels' }).click();
  await page.getByRole('group', { name: /Rappels avant la date limite/ }).waitFor();
  await ask(server, 'mutation { updateAccount(input: { reminderDays: [7, 2] }) { userErrors { message } } }');
  await open('A-4');
  const { tenderBySourceRef } = await ask(server, '{ tenderBySourceRef(source: "demo", sourceRef: "A-4") { reminders { dueAt } } }');
  const days = tenderBySourceRef.reminders.map(({ dueAt }) => new Date(dueAt).toLocaleDateString('fr', { dateStyle: 'long', timeZone: 'Europe/Paris' }).replace(/^1 /, '1er '));
  assert.equal(days.length, 2);
  for (const day of days) assert.match(await textOf(planned), new RegExp(`Vous recevrez un rappel.*${day}`));
  assert.deepEqual(await inaccessible(page), []);
  await picture(page, 'marche-rappels-1280');
  await ask(server, 'mutation { updateAccount(input: { reminderDays: [] }) { userErrors { message } } }');
  await page.getByRole('button', { name: 'À étudier : Voirie reportée' }).click();
  await planned.waitFor({ state: 'detached' });
});

test('settings are saved together, by their button alone, and mistakes stand beside them', async () => {
  const stored = async () => (await ask(server, '{ viewer { digestHour digestDay quietNotes reminderDays calendarAlarmDays } }')).viewer;
  const before = await stored();
  await page.goto(`${server.url}/veille`);
  await page.getByRole('link', { name: 'Mon compte' }).click();
  await page.getByRole('heading', { level: 1, name: 'Mon compte' }).waitFor();
  await page.getByText('Adresse du compte : demo@example.org').waitFor();
  await page.getByLabel('Heure d’envoi').selectOption('18');
  await page.getByLabel('Jour d’envoi').selectOption('THURSDAY');
  await page.getByLabel(/30 jours/).uncheck();
  await page.getByLabel('Rappel dans mon agenda').selectOption('3 jours avant');
  const reminders = page.getByRole('group', { name: /Rappels avant la date limite/ });
  for (const days of ['7 jours avant', '3 jours avant', '2 jours avant', '1 jour avant']) await reminders.getByLabel(days, { exact: true }).check();
  await settled(page);
  assert.deepEqual(await stored(), before);

  // What hinders it stands there and has the focus; what was chosen stays.
  await page.getByRole('button', { name: 'Enregistrer' }).click();
  await reminders.getByText('Choisissez au plus 3 rappels').waitFor();
  await page.waitForFunction(() => document.activeElement.textContent.includes('Choisissez au plus 3 rappels'));
  assert.deepEqual(await stored(), before);
  assert.deepEqual(await inaccessible(page), []);
  await picture(page, 'compte-erreur-1280');
  await reminders.getByLabel('3 jours avant', { exact: true }).uncheck();
  assert.equal(await page.getByText('Choisissez au plus 3 rappels').count(), 0);

  // Left unsaved, it is kept, and the reader is told.
  await page.getByRole('link', { name: 'Mes veilles des marchés' }).click();
  await page.getByText('Votre saisie n’est pas enregistrée.').waitFor();
  await page.getByRole('button', { name: 'Reprendre la saisie' }).click();
  await page.getByText('Votre saisie précédente, qui n’a pas été enregistrée, a été reprise.').waitFor();
  await page.getByRole('button', { name: 'Enregistrer' }).click();
  await page.getByText('Vos réglages ont été enregistrés').waitFor();
  assert.deepEqual(await stored(), { digestHour: 18, digestDay: 'THURSDAY', quietNotes: false, reminderDays: [7, 2, 1], calendarAlarmDays: 3 });
  assert.equal(await page.getByText('a été reprise').count(), 0);

  // Of what another tab changed meanwhile, nothing is put back.
  await ask(server, 'mutation { updateAccount(input: { digestHour: 9 }) { userErrors { message } } }');
  await page.getByLabel('Jour d’envoi').selectOption('FRIDAY');
  await page.getByRole('button', { name: 'Enregistrer' }).click();
  await page.getByText('Vos réglages ont été enregistrés').waitFor();
  assert.deepEqual(await stored(), { digestHour: 9, digestDay: 'FRIDAY', quietNotes: false, reminderDays: [7, 2, 1], calendarAlarmDays: 3 });
  assert.equal(await page.getByLabel('Heure d’envoi').inputValue(), '9');

  // Where it cannot be saved, that is said above it.
  await page.route('**/graphql', (route) => route.abort());
  await page.getByLabel('Jour d’envoi').selectOption('MONDAY');
  await page.getByRole('button', { name: 'Enregistrer' }).click();
  await page.getByRole('form', { name: 'Alertes, rappels et langue' }).getByRole('alert').getByText('La modification n’a pas été enregistrée').waitFor();
  await page.unroute('**/graphql');
  await page.getByRole('button', { name: 'Enregistrer' }).click();
  await page.waitForFunction(() => !document.querySelector('form [role=alert]'));
  assert.equal((await stored()).digestDay, 'MONDAY');
  page.complaints = page.complaints.filter((text) => !text.includes('net::ERR_FAILED'));
});

test('all data is given, and the account is erased', async () => {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Télécharger mes données' }).click()]);
  const { readFileSync } = await import('node:fs');
  assert.equal(JSON.parse(readFileSync(await download.path(), 'utf8')).watches.length, 1);

  const other = await tab(page.context());
  await other.goto(`${server.url}/veille`);
  await settled(other);
  await page.getByRole('button', { name: 'Supprimer mon compte' }).click();
  await page.getByLabel(/Saisissez votre adresse/).fill('autre@example.org');
  await page.getByRole('button', { name: 'Supprimer définitivement' }).click();
  await page.locator('.error').waitFor();
  assert.equal((await ask(server, '{ watches { totalCount } }')).watches.totalCount, 1);
  await page.getByLabel(/Saisissez votre adresse/).fill('demo@example.org');
  await page.getByRole('button', { name: 'Supprimer définitivement' }).click();
  await page.getByText('Votre compte a été supprimé').waitFor();
  // Another tab would begin a new account with its next question.
  await other.getByText('Votre compte a été supprimé').waitFor();
  await other.close();
  assert.equal((await ask(server, '{ watches { totalCount } }')).watches.totalCount, 0);
});

test('nobody complained', () => assert.deepEqual(page.complaints, []));
