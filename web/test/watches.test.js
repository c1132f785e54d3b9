// The table of watches and the lists below it: one watch's tenders, views, addresses that are wrong, what can be undone, many
// watches, and what another tab does.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { until } from '../../clients/server.js';
import { ask, inaccessible, openFilters, picture, publishAndIndex, scrollsSideways, settled, startBrowser, startDemo, tab, textOf, visit } from './world.js';

let server;
let browser;
let page;

before(async () => {
  server = await startDemo('--empty');
  browser = await startBrowser();
  page = await visit(browser);
  await publishAndIndex(
    server,
    { title: 'Voirie du bourg', natures: ['WORKS'] },
    { title: 'Voirie du hameau', natures: ['WORKS'] },
    { title: 'Nettoyage de la mairie', natures: ['SERVICES'] },
    { title: `Dragage ${'du chenal, des darses et des avant-ports, '.repeat(11)}fin`, natures: ['WORKS'] },
  );
  await made('Routes', { keywords: ['voirie'] }, { recipients: ['equipe@example.org'] });
  await made('Propreté', { keywords: ['nettoyage'] });
  await made('Ports', { keywords: ['dragage'] }, { active: false });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function made(name, criteria = {}, more = {}) {
  const { createWatch } = await ask(server, 'mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { message } } }', { input: { name, criteria, ...more } });
  assert.deepEqual(createWatch.userErrors, []);
  return createWatch.watch.id;
}
const open = async (search = '', on = page) => {
  await on.goto(`${server.url}/veille${search}`);
  await settled(on);
};
const titles = (on = page) => on.locator('.tenders .name a').allTextContents();
const focused = (on = page) => on.evaluate(() => document.activeElement.tagName);

test('an address that is not confirmed is said in the table and after saving, with what can be done', async () => {
  await open();
  const row = page.locator('.watches tbody tr').filter({ hasText: 'Routes' });
  assert.match(await textOf(row), /Destinataires : demo@example\.org, equipe@example\.org\s*En attente de confirmation/);
  assert.equal((await textOf(row)).split('equipe@example.org').length, 2, 'it stands there once');
  await row.getByRole('link', { name: /destinataires de la veille « Routes »/i }).click();
  await page.waitForFunction(() => document.activeElement?.id === 'recipients');
  await page.getByRole('button', { name: 'Redemander la confirmation' }).waitFor();
  await page.getByRole('button', { name: 'Valider' }).click();
  await page.getByText(/equipe@example\.org[^]*confirmer/).first().waitFor();
});

test('counts lead to the tenders of one watch, also of one that is off', async () => {
  await open();
  await page.getByRole('link', { name: /2 marchés en ligne/ }).click();
  await page.waitForURL(/veille=/);
  await settled(page);
  assert.deepEqual((await titles()).sort(), ['Voirie du bourg', 'Voirie du hameau']);
  await page.getByRole('button', { name: 'Retirer Veille : Routes' }).waitFor();
  await openFilters(page);
  assert.equal(await page.getByRole('group', { name: 'Veilles' }).getByRole('checkbox', { name: /Routes/ }).isChecked(), true);
  await page.getByRole('group', { name: 'Veilles' }).getByRole('checkbox', { name: /Propreté/ }).check();
  await page.waitForFunction(() => document.querySelectorAll('.tenders tbody tr').length === 3);
  await open();
  await page.getByRole('link', { name: /1 marché en ligne/ }).last().click();
  await page.getByRole('row').filter({ hasText: 'Dragage' }).waitFor();
});

test('views: what was not seen, what was dismissed; all in the address', async () => {
  await open();
  await page.getByRole('link', { name: 'Voirie du bourg', exact: true }).click();
  await page.getByRole('heading', { name: 'Avis publiés' }).waitFor();
  await page.goBack();
  await settled(page);
  const views = page.getByRole('navigation', { name: 'Marchés à afficher' });
  await views.getByRole('link', { name: 'Non vus' }).click();
  await page.waitForURL(/vue=nonvus/);
  await settled(page);
  await page.waitForFunction(() => !document.querySelector('.tenders')?.textContent.includes('Voirie du bourg'));
  assert.equal(await views.getByRole('link', { name: 'Non vus' }).getAttribute('aria-current'), 'true');
  await page.getByRole('button', { name: 'Écarter : Voirie du hameau' }).click();
  await page.getByText('ne figure plus dans vos listes').waitFor();
  await views.getByRole('link', { name: 'Écartés' }).click();
  await page.waitForURL(/vue=ecartes/);
  await settled(page);
  assert.deepEqual(await titles(), ['Voirie du hameau']);
  await page.reload();
  await settled(page);
  await page.getByRole('button', { name: 'Remettre dans mes listes : Voirie du hameau' }).click();
  await page.getByText('Vous n’avez écarté aucun de ces marchés').waitFor();
  assert.notEqual(await focused(), 'BODY');
});

test('from a watch back to the list, as it was', async () => {
  for (const leave of [
    async () => (await page.getByRole('link', { name: 'Alertes de la veille « Routes »' }).click(), page.getByRole('link', { name: 'Retour à ma veille' })),
    async () => (await page.getByRole('link', { name: 'Modifier la veille « Routes »' }).click(), page.getByRole('link', { name: 'Annuler et revenir' })),
    async () => (await page.getByRole('link', { name: 'Modifier la veille « Routes »' }).click(), page.getByRole('button', { name: 'Valider' })),
  ]) {
    await open('?vue=nonvus&taille=20');
    await (await leave()).click();
    await page.waitForURL(`${server.url}/veille?vue=nonvus&taille=20`);
  }
});

test('a page past the end is the last one', async () => {
  await open('?taille=10&page=3');
  await page.getByText('Page : 1 sur 1').waitFor();
  assert.ok((await titles()).length > 0);
});

test('a filter that there is not is said to be one, and taken out', async () => {
  for (const search of ['?departement=99', '?organisme=x', '?veille=nothing']) {
    await open(search);
    await page.getByText('Un filtre de cette adresse n’est pas valable').waitFor();
    assert.equal(await page.getByText('indisponible').count(), 0);
    assert.equal(await page.getByRole('button', { name: 'Réessayer' }).count(), 0);
    await page.getByRole('button', { name: 'Retirer les filtres' }).first().click();
    await settled(page);
    assert.ok((await titles()).length > 0);
    assert.notEqual(await focused(), 'BODY');
  }
  // One of a few words that is none is left out.
  await open('?nature=XYZ&procedure=1');
  assert.ok((await titles()).length > 0);
  page.complaints.length = 0;
});

test('the box and its results agree after going back', async () => {
  await page.goto(`${server.url}/veille/recherche?mots=voirie`);
  await settled(page);
  const box = page.getByLabel('Mots à rechercher');
  await page.getByLabel('Seulement les marchés en ligne').uncheck();
  await page.waitForURL(/enligne=non/);
  await box.fill('autre chose');
  await page.goBack();
  await page.waitForURL((url) => !url.search.includes('enligne'));
  assert.equal(await box.inputValue(), 'voirie');
});

test('the focus stays on the page after « Fermer » and « Annuler »', async () => {
  await open();
  await page.getByRole('button', { name: 'Écarter : Voirie du bourg' }).click();
  await page.getByRole('button', { name: 'Fermer' }).click();
  assert.notEqual(await focused(), 'BODY');
  await open('?vue=ecartes');
  await page.getByRole('button', { name: /Remettre/ }).click();
  await open();
  await page.getByRole('button', { name: 'Écarter : Voirie du bourg' }).click();
  await page.getByRole('button', { name: 'Annuler', exact: true }).click();
  await page.getByText('Voirie du bourg').first().waitFor();
  assert.notEqual(await focused(), 'BODY');
});

test('of two deletions, both can be undone', async () => {
  await made('Une');
  await made('Deux');
  await open();
  await page.getByRole('button', { name: 'Supprimer la veille « Une »' }).click();
  await page.getByText('La veille « Une » a été supprimée').waitFor();
  await page.getByRole('button', { name: 'Supprimer la veille « Deux »' }).click();
  await page.getByText('La veille « Deux » a été supprimée').waitFor();
  const undo = (name) => page.locator('.messages > *').filter({ hasText: `« ${name} »` }).getByRole('button', { name: 'Annuler' });
  await undo('Une').click();
  await page.getByText('La veille « Une » a été rétablie').waitFor();
  await undo('Deux').click();
  await page.getByText('La veille « Deux » a été rétablie').waitFor();
  for (const { id, name } of (await ask(server, '{ watches { nodes { id name } } }')).watches.nodes) {
    if (['Une', 'Deux'].includes(name)) await ask(server, 'mutation ($id: ID!) { deleteWatch(id: $id) { deletedWatchId } }', { id });
  }
});

test('a switch is named as it is labelled', async () => {
  await open();
  for (const one of await page.getByRole('switch').all()) {
    const [label, text] = [await one.getAttribute('aria-label'), await one.innerText()];
    assert.ok(label.toLowerCase().endsWith(` ${text.toLowerCase()}`), `${label}: ${text}`);
  }
});

test('a long title is cut in lists, and words are not', async () => {
  const phone = await visit(browser, { viewport: { width: 360, height: 740 } });
  const id = (await ask(server, '{ watches { nodes { id name } } }')).watches.nodes.find(({ name }) => name === 'Ports').id;
  await open(`?veille=${id}`, phone);
  const box = await phone.locator('.tenders .name').first().boundingBox();
  assert.ok(box.height < 140, `${box.height} pixels`);
  const height = box.height;
  assert.equal(await scrollsSideways(phone), false);
  await phone.getByRole('link', { name: /^Dragage/ }).first().click();
  await phone.getByRole('heading', { name: 'Avis publiés' }).waitFor();
  assert.ok((await phone.locator('h1').boundingBox()).height < 400);
  await phone.goBack();
  await phone.getByText('vu', { exact: true }).waitFor();
  assert.equal((await phone.locator('.tenders .name').first().boundingBox()).height <= height, true, 'also once it was seen');
  await phone.context().close();
});

test('« Alertes » breaks no word', async () => {
  const id = (await ask(server, '{ watches { nodes { id name } } }')).watches.nodes.find(({ name }) => name === 'Routes').id;
  await ask(server, 'mutation ($id: ID!) { updateWatch(id: $id, input: { frequency: IMMEDIATE }) { userErrors { message } } }', { id });
  await publishAndIndex(server, { title: 'Voirie, réseaux et espaces publics du centre-bourg, tranche ferme et deux tranches optionnelles, lots numéros un à douze' });
  await until(async () => (await ask(server, 'query ($id: ID!) { watch(id: $id) { deliveries { totalCount } } }', { id })).watch.deliveries.totalCount > 0, 'the delivery');
  for (const width of [768, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${server.url}/veille/veilles/${id}/envois`);
    await settled(page);
    const heights = await page.locator('.deliveries tbody td:nth-child(2)').evaluateAll((cells) => cells.map((cell) => {
      const range = document.createRange();
      range.selectNodeContents(cell.firstChild.nodeType === 3 ? cell.firstChild : cell.firstElementChild.firstChild);
      return range.getClientRects().length;
    }));
    assert.ok(heights.length > 0 && heights.every((lines) => lines === 1), `${width}: ${heights}`);
    assert.equal(await scrollsSideways(page), false);
    await picture(page, `alertes-${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  assert.equal(await page.getByText('jamais').count(), 0);
});

test('a watch that another tab makes is there', async () => {
  await open();
  const other = await tab(page.context());
  await other.goto(`${server.url}/veille/nouvelle`);
  await other.getByLabel('Nom associé à la veille :').fill('Ailleurs');
  await other.getByRole('button', { name: 'Valider la création' }).click();
  await other.getByText('a été enregistrée').waitFor();
  await page.getByRole('rowheader', { name: /Ailleurs/ }).waitFor();
  await other.close();
});

test('with many watches, the list is near', async () => {
  for (let i = 0; i < 60; i++) await made(`Veille ${String(i).padStart(2, '0')}`, { keywords: ['introuvable'] });
  await open();
  const top = await page.locator('#matching').evaluate((heading) => heading.getBoundingClientRect().top + scrollY);
  assert.ok(top < 2000, `${top} pixels down`);
  const more = page.getByRole('button', { name: /Afficher les \d+ autres veilles/ });
  await picture(page, 'tableau-63-veilles-1280');
  await more.click();
  await page.getByRole('rowheader', { name: /Veille 59/ }).waitFor();
  assert.notEqual(await focused(), 'BODY');
  assert.deepEqual(await inaccessible(page), []);
});

test('an empty page starts with examples, and a search becomes a watch', async () => {
  const empty = await startDemo('--empty');
  try {
    const visitor = await visit(browser);
    await visitor.goto(`${empty.url}/veille`);
    await visitor.getByRole('link', { name: /^Exemple/ }).nth(2).waitFor();
    await visitor.getByRole('link', { name: /^Exemple/ }).first().click();
    const keywords = visitor.getByLabel('Mots clés :', { exact: true });
    await keywords.waitFor();
    assert.notEqual(await keywords.inputValue(), '');
    await visitor.context().close();
  } finally {
    await empty.stop();
  }
  const { tenders } = await ask(server, '{ tenders(first: 1) { nodes { buyer { id name } } } }');
  const { buyer } = tenders.nodes[0];
  await page.goto(`${server.url}/veille/recherche?mots=voirie&departement=01&nature=WORKS&organisme=${encodeURIComponent(buyer.id)}`);
  await settled(page);
  await page.getByRole('link', { name: 'Créer une veille à partir de cette recherche' }).click();
  const keywords = page.getByLabel('Mots clés :', { exact: true });
  await keywords.waitFor();
  assert.equal(await keywords.inputValue(), 'voirie');
  await page.getByRole('button', { name: 'Retirer Ain' }).waitFor();
  await page.getByRole('button', { name: `Retirer ${buyer.name}` }).waitFor();
  assert.equal(await page.getByLabel('Travaux').isChecked(), true);
  await page.getByRole('button', { name: 'Effacer ma saisie' }).count();
});

test('nobody complained', () => assert.deepEqual(page.complaints, []));
