// The guide, from the empty state to « Afficher »: what it says is there to press is found by the names it gives.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { until } from '../../clients/server.js';
import { ask, inTenYears, mailedLinks, publishAndIndex, settled, startBrowser, startDemo, textOf, visit } from './world.js';

let server;
let browser;
let page;

before(async () => {
  server = await startDemo('--empty');
  await publishAndIndex(
    server,
    { title: 'Réfection de la voirie communale', buyerName: 'Mairie de Test', departmentCodes: ['01'], sourceRef: 'T-1', lots: [{ number: '1', title: 'Terrassement' }, { number: '2', title: 'Enrobés' }] },
    { title: 'Voirie et réseaux divers', buyerName: 'Le Républicain Lorrain', departmentCodes: ['57'] },
    { title: 'Fourniture de denrées', buyerName: 'Nice matin', departmentCodes: ['06'] },
    { title: 'Réfection de la voirie communale', buyerName: 'Mairie de Test', kind: 'CORRECTION', previousRef: 'T-1', deadline: inTenYears('01-15') },
  );
  browser = await startBrowser();
  page = await visit(browser);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const rows = (name) => page.getByRole('table', { name }).getByRole('row');
const watches = () => rows('Mes veilles des marchés');
const tenders = () => rows('Liste des marchés correspondants à mes critères de recherche');

test('without a watch, the page says so twice and offers to create one', async () => {
  await page.goto(`${server.url}/`);
  assert.equal(new URL(page.url()).pathname, '/veille');
  await page.getByRole('heading', { level: 1, name: 'Ma veille de marchés' }).waitFor();
  await page.getByText('Vous n’avez pas encore paramétré de veille de marché').nth(1).waitFor();
  await page.getByRole('link', { name: 'Créer une nouvelle veille' }).click();
  await page.getByRole('heading', { level: 1, name: 'Créer une veille' }).waitFor();
});

test('mistakes stand beside their fields, and the first one has the focus', async () => {
  await page.getByLabel('Mots clés :', { exact: true }).fill('ab voirie');
  await page.getByRole('button', { name: 'Ajouter un destinataire' }).click();
  await page.getByLabel('Autre adresse 1', { exact: true }).fill('nobody');
  await page.getByRole('button', { name: 'Valider la création de ma veille' }).click();
  const name = page.getByLabel('Nom associé à la veille :');
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true');
  assert.equal(await name.evaluate((input) => input === document.activeElement), true);
  for (const label of ['Nom associé à la veille :', 'Mots clés :', 'Autre adresse 1']) {
    const described = (await page.getByLabel(label, { exact: true }).getAttribute('aria-describedby')).split(' ').at(-1);
    assert.ok(await page.locator(`[id="${described}"]`).textContent(), label);
  }
});

test('the preview counts while one types', async () => {
  await page.getByLabel('Nom associé à la veille :').fill('TEST 01/09');
  await page.getByLabel('Mots clés :', { exact: true }).fill('voirie');
  await page.locator('.big', { hasText: '2 marchés en ligne, 2 publiés ces 30 derniers jours' }).waitFor();
  await page.getByLabel('Mots clés :', { exact: true }).fill('voirie denrées');
  await page.locator('.big', { hasText: '0 marché en ligne' }).waitFor();
  await page.getByLabel('Rechercher n’importe lequel de ces termes').check();
  await page.locator('.big', { hasText: '3 marchés en ligne' }).waitFor();
});

test('buyers are suggested from the first letter on, and taken by the keyboard', async () => {
  const box = page.getByRole('combobox', { name: 'Veuillez saisir au moins une lettre' });
  await box.fill('m');
  await page.getByRole('option', { name: 'Mairie de Test' }).waitFor();
  await page.getByRole('option', { name: 'Nice matin' }).waitFor();
  await box.press('ArrowDown');
  await box.press('Enter');
  await page.locator('.big', { hasText: /^[12] marchés? en ligne/ }).waitFor();
  // The box is gone: the focus is on the button, where the next one begins.
  await page.waitForFunction(() => document.activeElement?.textContent === 'Ajouter un organisme supplémentaire');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'combobox');
  await page.keyboard.type('lorrain');
  await page.getByRole('option', { name: 'Le Républicain Lorrain' }).click();
  await page.locator('.chosen li').nth(1).waitFor();
  assert.deepEqual(await page.locator('.chosen li').evaluateAll((list) => list.map((item) => item.firstChild.textContent).sort()), ['Le Républicain Lorrain', 'Mairie de Test']);
});

test('departments are searched by name and number', async () => {
  const box = page.getByRole('combobox', { name: 'Chercher un département, par son nom, son numéro ou sa région' });
  await box.fill('ain');
  await page.getByRole('option', { name: 'Nouvelle-Aquitaine' }).waitFor();
  assert.equal(await page.getByRole('option').first().textContent(), '01. Ain');
  await box.fill('ardeche');
  await page.getByRole('option', { name: '07. Ardèche' }).click();
  await box.fill('01');
  await page.getByRole('option', { name: '01. Ain' }).click();
  await page.getByText('2 départements choisis').waitFor();
  await page.locator('.big', { hasText: '1 marché en ligne, 1 publié' }).waitFor();
});

test('a valid watch is in the table, with what it matches below', async () => {
  await page.getByLabel('Autre adresse 1', { exact: true }).fill('equipe@example.org');
  await page.getByRole('button', { name: 'Valider la création de ma veille' }).click();
  await page.getByText('La veille « TEST 01/09 » a été enregistrée.').waitFor();
  await settled(page);
  assert.equal(await watches().count(), 2);
  const row = await textOf(watches().nth(1));
  for (const text of ['TEST 01/09', 'Mots clés : voirie denrées', 'Départements : Ain, Ardèche', 'Destinataires : demo@example.org, equipe@example.org', 'Active', '1 marché en ligne']) {
    assert.ok(row.includes(text), `${text} in ${row}`);
  }
  await page.getByText('1 élément correspond à vos critères de recherche').waitFor();
  assert.match(await textOf(tenders().nth(1)), /Mairie de Test[^]*Réfection de la voirie communale[^]*Veille : TEST 01\/09 \(voirie\)/);
  assert.equal(await tenders().nth(1).locator('mark').textContent(), 'voirie');
});

test('« Afficher » leads to the tender: lots, what notices changed, why it matches', async () => {
  await page.getByRole('link', { name: 'Afficher : Réfection de la voirie communale' }).click();
  await page.getByRole('heading', { level: 1, name: 'Réfection de la voirie communale' }).waitFor();
  await page.getByText('Lot 2').waitFor();
  await page.getByText('Avis rectificatif').waitFor();
  assert.match(await textOf(page.locator('.changes')), /rien[^]*→[^]*15 janvier \d{4}/);
  await page.locator('.criteria li').first().waitFor();
  assert.match(await textOf(page.locator('.criteria')), /n’importe lequel[^]*correspond[^]*Organismes[^]*Mairie de Test[^]*Départements[^]*Ain/);
  await page.getByRole('link', { name: 'Retour à la liste' }).click();
  // It was seen by that.
  await tenders().nth(1).getByText('vu', { exact: true }).waitFor();
});

test('« Modifier » changes the watch, and the list follows', async () => {
  await page.getByRole('link', { name: 'Modifier la veille « TEST 01/09 »' }).click();
  const keywords = page.getByLabel('Mots clés :', { exact: true });
  await keywords.waitFor();
  assert.equal(await keywords.inputValue(), 'voirie denrées');
  assert.equal(await page.getByLabel('Autre adresse 1', { exact: true }).inputValue(), 'equipe@example.org');
  await page.getByText('En attente de confirmation').waitFor();
  await page.getByRole('button', { name: 'Retirer Le Républicain Lorrain' }).click();
  await page.getByRole('button', { name: 'Retirer Mairie de Test' }).click();
  await page.getByRole('button', { name: 'Retirer Ain' }).click();
  await page.getByRole('button', { name: 'Retirer Ardèche' }).click();
  await page.locator('.big', { hasText: '3 marchés en ligne' }).waitFor();
  await page.getByRole('button', { name: 'Valider' }).click();
  await page.getByText('3 éléments correspondent à vos critères de recherche').waitFor();
  await page.getByText('Organisme : non renseigné').waitFor();
  assert.equal(await tenders().count(), 4);
});

test('switched off, its tenders go; switched on, they are back', async () => {
  const status = page.getByRole('switch', { name: 'Veille « TEST 01/09 »' });
  await status.click();
  await page.getByText('Aucune de vos veilles n’est active').waitFor();
  assert.equal(await status.getAttribute('aria-checked'), 'false');
  assert.equal(await tenders().count(), 0);
  await status.click();
  await page.getByText('3 éléments correspondent').waitFor();
});

test('deleted, it is not listed; undone, all is as before', async () => {
  await page.getByRole('button', { name: 'Supprimer la veille « TEST 01/09 »' }).click();
  await page.getByText('Vous n’avez pas encore paramétré de veille de marché').nth(1).waitFor();
  assert.equal((await ask(server, '{ watches { totalCount } }')).watches.totalCount, 0);
  const undo = page.getByRole('button', { name: 'Annuler', exact: true });
  assert.equal(await undo.evaluate((button) => button === document.activeElement), true);
  await page.keyboard.press('Enter');
  await page.getByText('La veille « TEST 01/09 » a été rétablie.').waitFor();
  await page.getByText('3 éléments correspondent').waitFor();
  assert.match(await textOf(watches().nth(1)), /equipe@example\.org/);
});

test('a tender that is published appears, and its mail is listed', async () => {
  await page.getByRole('link', { name: 'Modifier la veille' }).click();
  await page.getByLabel('Dès la publication').check();
  await page.getByRole('button', { name: 'Valider' }).click();
  await settled(page);
  await publishAndIndex(server, { title: 'Voirie du bourg', buyerName: 'Mairie de Test' });
  await page.getByText('Un marché vient de paraître : « Voirie du bourg »').waitFor();
  await page.getByText('4 éléments correspondent').waitFor();
  assert.match(await textOf(tenders().nth(1)), /Voirie du bourg/);

  await until(async () => (await ask(server, '{ watches { nodes { deliveries { nodes { status } } } } }')).watches.nodes[0].deliveries.nodes.some(({ status }) => status === 'SENT'), 'the mail');
  await page.getByRole('link', { name: 'Alertes de la veille' }).click();
  assert.match(await textOf(rows('Alertes').nth(1)), /Voirie du bourg[^]*Nouveau[^]*voirie[^]*demo@example\.org[^]*Envoyé/);
});

test('the links of the mail lead to the page', async () => {
  const links = mailedLinks(server);
  const leads = (path) => links.find((link) => link.startsWith(server.url + path)) ?? assert.fail(`no link to ${path} among ${links.join(' ')}`);
  await page.goto(leads('/veille/marches/demo/'));
  await page.getByRole('heading', { level: 1, name: 'Voirie du bourg' }).waitFor();
  await page.goto(leads('/veille/veilles/'));
  await page.getByRole('heading', { level: 1, name: 'Modifier ma veille' }).waitFor();
  assert.equal(await page.getByLabel('Nom associé à la veille :').inputValue(), 'TEST 01/09');
});

test('what came while a watch was off is mailed where that is asked for', async () => {
  await page.goto(`${server.url}/veille`);
  const status = page.getByRole('switch', { name: 'Veille « TEST 01/09 »' });
  await status.click();
  await page.getByText('La veille « TEST 01/09 » a été désactivée').waitFor();
  await publishAndIndex(server, { title: 'Voirie du hameau', buyerName: 'Mairie de Test' });
  await status.click();
  await page.getByText('La veille « TEST 01/09 » a été activée.').waitFor();
  await page.getByRole('button', { name: 'Recevoir aussi les marchés parus entre-temps' }).click();
  await page.getByText('recevront aussi les marchés parus entre-temps').waitFor();
  await until(async () => {
    // Its mail waits: the recipient had one a moment ago.
    const { watches } = await ask(server, '{ watches { nodes { deliveries { nodes { tender { title } } } } } }');
    return watches.nodes[0].deliveries.nodes.some(({ tender }) => tender.title === 'Voirie du hameau');
  }, 'the delivery');
});

test('nobody complained', () => assert.deepEqual(page.complaints, []));
