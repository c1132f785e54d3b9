// Lists: pages, sizes, orders, filters, what was seen and dismissed, free search; also after going back, in another tab, and in
// the other language.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { ask, inaccessible, openFilters, picture, publishAndIndex, scrollsSideways, settled, smallTargets, startBrowser, startDemo, tab, textOf, visit } from './world.js';

let server;
let browser;
let page;

before(async () => {
  server = await startDemo();
  browser = await startBrowser();
  page = await visit(browser);
  await page.goto(`${server.url}/veille`);
  await settled(page);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** The list as the API has it, whatever the page remembers. */
async function listed(variables) {
  const { matchingTenders } = await ask(
    server,
    `query ($first: Int, $page: Int, $filter: TenderFilter, $orderBy: TenderOrder! = PUBLISHED_AT_DESC) {
      matchingTenders(first: $first, page: $page, filter: $filter, orderBy: $orderBy) { totalCount pageCount nodes { title } }
    }`,
    variables,
  );
  return { ...matchingTenders, titles: matchingTenders.nodes.map(({ title }) => title) };
}

/** The titles on the page, without the mark of what was seen. */
async function shown(on = page) {
  await settled(on);
  return on.locator('.tenders .name').evaluateAll((names) =>
    names.map((name) => {
      const copy = name.cloneNode(true);
      copy.querySelector('.tag')?.remove();
      return copy.textContent.trim();
    }),
  );
}

const total = async (on = page) => Number((await textOf(on.locator('.total'))).match(/\d+/)[0]);
const next = () => page.getByRole('button', { name: 'Page suivante' });
const previous = () => page.getByRole('button', { name: 'Page précédente' });

test('pages follow one another, and each is remembered', async () => {
  const first = await shown();
  assert.deepEqual(first, (await listed({ first: 10, page: 1 })).titles);
  assert.equal(await previous().getAttribute('aria-disabled'), 'true');
  await next().click();
  await page.getByText('Page : 2 sur').waitFor();
  assert.deepEqual(await shown(), (await listed({ first: 10, page: 2 })).titles);

  let asked = 0;
  page.on('request', (request) => (asked += request.url().endsWith('/graphql') ? 1 : 0));
  await previous().click();
  await page.getByText('Page : 1 sur').waitFor();
  assert.deepEqual(await shown(), first);
  assert.equal(asked, 0);
  await page.goBack();
  await page.getByText('Page : 2 sur').waitFor();
  await page.goForward();
});

test('the size of pages is chosen, and begins the list again', async () => {
  await next().click();
  await page.getByLabel('Nombre d’éléments par page :').selectOption('20');
  await page.getByText('Page : 1 sur').waitFor();
  const { titles, pageCount } = await listed({ first: 20, page: 1 });
  assert.deepEqual(await shown(), titles);
  await page.getByText(`Page : 1 sur ${pageCount}`).waitFor();
  await page.reload();
  assert.deepEqual(await shown(), titles);
});

test('the order is chosen', async () => {
  await page.getByLabel('Trier par').selectOption('Date limite la plus proche');
  await page.waitForURL(/tri=DEADLINE_ASC/);
  assert.deepEqual(await shown(), (await listed({ first: 20, page: 1, orderBy: 'DEADLINE_ASC' })).titles);
  await page.getByLabel('Trier par').selectOption('Plus récents');
});

test('facets say how many there will be, and narrow the list', async () => {
  await openFilters(page);
  const nature = page.getByRole('group', { name: 'Nature' }).getByRole('checkbox').first();
  const label = await page.getByRole('group', { name: 'Nature' }).locator('label').first().innerText();
  await nature.check();
  await page.waitForURL(/nature=/);
  await settled(page);
  assert.equal(await total(), Number(label.match(/\((\d+)\)/)[1]));
  await page.getByRole('button', { name: 'Retirer les filtres' }).click();
  await settled(page);
  assert.equal(await total(), (await listed({})).totalCount);
});

test('facets of the response, the technique and the source are there where there is a choice', async () => {
  const names = { deadlineKinds: ['Réponse attendue', 'reponse'], techniques: ['Technique d’achat', 'technique'], sources: ['Source', 'source'] };
  const fields = `facets { ${Object.keys(names).map((name) => `${name} { value label count }`).join(' ')} }`;
  const { matchingTenders, tenders } = await ask(server, `{ matchingTenders { ${fields} } tenders(filter: { statuses: [ONLINE] }) { ${fields} } }`);
  const group = (on, name) => on.getByRole('group', { name, exact: true });

  // Of the samples, a list of matches has one technique, and all tenders have several of each.
  assert.equal(matchingTenders.facets.techniques.length, 1);
  assert.equal(await group(page, 'Nature').count(), 1);
  assert.equal(await group(page, 'Technique d’achat').count(), 0);

  const search = await tab(page.context());
  for (const [dimension, [name, inAddress]] of Object.entries(names)) {
    const [one, ...others] = tenders.facets[dimension];
    assert.ok(others.length > 0, dimension);
    await search.goto(`${server.url}/veille/recherche`);
    await settled(search);
    await openFilters(search);
    assert.equal(await group(search, name).getByRole('checkbox').count(), 1 + others.length);
    await group(search, name).getByRole('checkbox', { name: one.label }).check();
    await search.waitForURL(new RegExp(`${inAddress}=${one.value}`));
    await settled(search);
    assert.equal(await total(search), one.count);
  }
  // What is chosen stands there also where there is nothing else to choose, and can be taken back.
  await search.goto(`${server.url}/veille/recherche?departement=ABROAD&source=nowhere`);
  await settled(search);
  await openFilters(search);
  await group(search, 'Source').getByRole('checkbox', { name: 'nowhere' }).uncheck();
  await search.waitForURL((url) => !url.searchParams.has('source'));
  assert.deepEqual(search.complaints, []);
  await search.close();
});

test('the filters in force stand above the list by name, and are taken away one by one, by the keyboard too', async () => {
  const { tenders } = await ask(server, '{ tenders(filter: { departmentCodes: ["29"] }) { nodes { buyer { id name } } } }');
  const { buyer } = tenders.nodes[0];
  // Together they leave nothing, so that no counts name them.
  const phone = await visit(browser, { viewport: { width: 360, height: 740 } });
  await phone.goto(`${server.url}/veille/recherche?departement=29&departement=NATIONWIDE&organisme=${encodeURIComponent(buyer.id)}&nature=SUPPLIES&procedure=OTHER&technique=DYNAMIC_PURCHASING_SYSTEM&reponse=INTEREST`);
  const filters = phone.getByRole('toolbar', { name: 'Filtres appliqués' });
  await filters.getByText(`Organisme : ${buyer.name}`).waitFor();
  const names = async () => (await filters.getByRole('button').evaluateAll((buttons) => buttons.map((button) => button.getAttribute('aria-label').replaceAll('\u00a0', ' '))));
  assert.deepEqual(await names(), [
    'Retirer Département : Finistère (29)', 'Retirer Département : National ou non précisé', `Retirer Organisme : ${buyer.name}`, 'Retirer Nature : Fournitures',
    'Retirer Procédure : Autre procédure', 'Retirer Réponse attendue : Manifestations d’intérêt', 'Retirer Technique d’achat : Système d’acquisition dynamique',
  ]);
  assert.equal(await phone.locator('.facets').evaluate((panel) => panel.open), false);
  assert.deepEqual(await inaccessible(phone), []);
  assert.equal(await scrollsSideways(phone), false);
  assert.deepEqual(await smallTargets(phone), []);
  await picture(phone, 'filtres-appliques-360');

  // One stop of the key Tab; arrows lead on, Delete takes away, and the focus stays among them.
  await filters.getByRole('button').first().focus();
  await phone.keyboard.press('End');
  await phone.keyboard.press('Delete');
  await phone.waitForURL((url) => !url.searchParams.has('technique'));
  assert.match(await phone.evaluate(() => document.activeElement.ariaLabel), /Réponse attendue/);
  for (let left = 6; left > 0; left--) await phone.keyboard.press('Delete');
  await phone.waitForURL((url) => url.search === '');
  assert.equal(await filters.count(), 0);
  assert.equal(await phone.evaluate(() => document.activeElement.textContent), 'Affiner');
  await phone.goBack();
  await phone.getByRole('button', { name: 'Retirer les filtres' }).click();
  await phone.waitForURL((url) => url.search === '');
  assert.equal(await phone.evaluate(() => document.activeElement.textContent), 'Affiner');
  assert.deepEqual(phone.complaints, []);
  await phone.context().close();
});

test('a dismissed tender leaves the list, and comes back', async () => {
  const before = await shown();
  const count = await total();
  await page.getByRole('button', { name: 'Écarter', exact: false }).nth(1).click();
  await page.getByText('ne figure plus dans vos listes').waitFor();
  await page.waitForFunction((count) => document.querySelector('.total').textContent.startsWith(String(count)), count - 1);
  assert.deepEqual((await shown()).slice(0, 5), before.filter((_, i) => i !== 1).slice(0, 5));
  // The focus is on what takes it back.
  await page.keyboard.press('Enter');
  await page.waitForFunction((count) => document.querySelector('.total').textContent.startsWith(String(count)), count);
  assert.deepEqual(await shown(), before);
});

test('a tender to study is marked, listed, dismissed, and marked again', async () => {
  const [title] = await shown();
  const star = () => page.getByRole('button', { name: `À étudier : ${title}` });
  assert.equal(await star().getAttribute('aria-pressed'), 'false');
  await star().click();
  await page.waitForFunction(() => document.querySelector('[aria-pressed=true]'));
  const view = (name) => page.getByRole('navigation', { name: 'Marchés à afficher' }).getByRole('link', { name, exact: true });
  assert.deepEqual(await page.getByRole('navigation', { name: 'Marchés à afficher' }).getByRole('link').allTextContents(), ['Tous', 'Non vus', 'À étudier', 'Écartés']);
  await view('À étudier').click();
  await page.waitForURL(/vue=aetudier/);
  assert.equal(await view('À étudier').getAttribute('aria-current'), 'true');
  await page.getByText('1 élément correspond').waitFor();
  assert.deepEqual(await shown(), [title]);
  assert.deepEqual((await listed({ filter: { interested: 'ONLY' } })).titles, [title]);
  // The filters stay closed: none of their boxes is ticked, and the list would stand below them.
  await page.reload();
  await settled(page);
  assert.equal(await page.locator('.facets').evaluate((panel) => panel.open), false);

  // Taken back, it leaves this list; the focus is on what puts it there again.
  await star().click();
  await page.getByText('La marque « À étudier » a été retirée').waitFor();
  await page.getByText('0 élément correspond').waitFor();
  await page.getByText('Aucun de ces marchés n’est marqué « À étudier ».').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('1 élément correspond').waitFor();
  // What is dismissed is not to be studied.
  await page.getByRole('button', { name: `Écarter : ${title}` }).click();
  await page.getByText('0 élément correspond').waitFor();
  await page.keyboard.press('Enter');
  await view('Tous').click();
  await settled(page);
  assert.deepEqual((await listed({ filter: { interested: 'ONLY' } })).titles, []);
  assert.equal((await shown())[0], title);
});

test('a search has the same views: what was dismissed is found, and put back', async () => {
  const [title] = await shown();
  await page.getByRole('button', { name: `Écarter : ${title}` }).click();
  await page.getByText('a été écarté').waitFor();
  await page.getByRole('link', { name: 'Rechercher un marché' }).click();
  await page.getByRole('link', { name: 'Écartés', exact: true }).click();
  await page.waitForURL(/recherche\?vue=ecartes/);
  await page.getByText('1 marché trouvé').waitFor();
  assert.deepEqual(await shown(), [title]);
  await page.getByRole('button', { name: `Remettre dans mes listes : ${title}` }).click();
  await page.getByText('0 marché trouvé').waitFor();
  await page.getByText('Vous n’avez écarté aucun de ces marchés.').waitFor();
  await page.getByRole('link', { name: 'Mes veilles des marchés' }).click();
  assert.ok((await shown()).includes(title));
});

test('lists are exported with their filters', async () => {
  await page.goto(`${server.url}/veille?nature=WORKS&tri=DEADLINE_ASC`);
  await settled(page);
  const { titles } = await listed({ first: 100, filter: { natures: ['WORKS'] }, orderBy: 'DEADLINE_ASC' });
  for (const [format, begins] of [['CSV', '\ufeff"Objet",'], ['Excel', 'PK']]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: `Exporter en ${format}` }).click()]);
    assert.match(download.suggestedFilename(), /^marches-\d{4}-\d\d-\d\d\.(csv|xlsx)$/);
    const text = readFileSync(await download.path(), 'utf8');
    assert.ok(text.startsWith(begins), text.slice(0, 20));
    if (format === 'CSV') {
      assert.equal(text.split('\r\n').length - 2, titles.length);
      assert.ok(text.indexOf(titles[0].replaceAll('"', '""')) < text.indexOf(titles[1].replaceAll('"', '""')));
    }
    await page.getByText('Le fichier a été téléchargé.').waitFor();
  }
  await page.goto(`${server.url}/veille/recherche?mots=voirie`);
  await settled(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Exporter en CSV' }).click()]);
  assert.equal(readFileSync(await download.path(), 'utf8').split('\r\n').length - 2, await total());
  // What cuts the connection, or refuses, is said.
  await page.route('**/export/**', (route) => route.abort());
  await page.getByRole('button', { name: 'Exporter en Excel' }).click();
  await page.getByText('Le fichier n’a pas été reçu en entier.').waitFor();
  await page.unroute('**/export/**');
  page.complaints = page.complaints.filter((text) => !text.includes('net::ERR_FAILED'));
  await page.goto(`${server.url}/veille`);
  await settled(page);
});

test('in two browsers: what one deletes, the other cannot change any more, and says so', async () => {
  const other = await visit(browser);
  await other.goto(`${server.url}/veille`);
  await settled(other);
  await page.getByRole('button', { name: 'Supprimer la veille « Maîtrise d\'œuvre »' }).click();
  await page.getByText('a été supprimée').waitFor();
  await other.getByRole('switch', { name: 'Maîtrise' }).click();
  await other.getByText("Cette veille est introuvable.").waitFor();
  await other.getByRole('link', { name: 'Modifier la veille « Maîtrise' }).click();
  await other.locator('.card').getByText('Cette veille est introuvable.').waitFor();

  // What one makes, the other sees when it reads again.
  await page.getByRole('button', { name: 'Annuler', exact: true }).click();
  await page.getByText('a été rétablie').waitFor();
  await other.goto(`${server.url}/veille`);
  await other.getByRole('switch', { name: 'Maîtrise' }).waitFor();
  assert.deepEqual(other.complaints, []);
  await other.context().close();
});

test('a place among the words is offered as a filter, which takes it out of the words', async () => {
  await page.goto(`${server.url}/veille/recherche?mots=${encodeURIComponent('travaux dans le Finistère')}&enligne=non`);
  await settled(page);
  const both = await total();
  const offered = page.getByRole('group', { name: 'Chercher seulement dans' }).getByRole('button');
  assert.deepEqual(await offered.allTextContents(), ['Finistère (29)']);
  await offered.click();
  await page.waitForURL(/departement=29/);
  await settled(page);
  assert.equal(await page.getByLabel('Mots à rechercher').inputValue(), 'travaux');
  assert.equal(new URL(page.url()).searchParams.get('mots'), 'travaux');
  assert.equal(await offered.count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'found');
  const { tenders } = await ask(server, '{ tenders(search: "travaux", filter: { departmentCodes: ["29"] }) { totalCount } }');
  assert.equal(await total(), tenders.totalCount);
  assert.ok(tenders.totalCount > 0 && tenders.totalCount <= both);
  await page.goBack();
  await settled(page);
  assert.equal(await page.getByLabel('Mots à rechercher').inputValue(), 'travaux dans le Finistère');
});

test('free search forgives, marks what it found, and keeps what was asked in the address', async () => {
  await page.getByRole('link', { name: 'Rechercher un marché' }).click();
  await page.getByLabel('Mots à rechercher').fill('rehabilitatoin');
  await page.keyboard.press('Enter');
  await page.waitForURL(/mots=rehabilitatoin/);
  await settled(page);
  assert.match((await textOf(page.locator('mark').first())).toLowerCase(), /r[ée]habilitation/);
  assert.match(await textOf(page.locator('#corrected')), /résultats pour «.r[eé]habilitation.»/);
  const online = await total();
  await page.getByLabel('Seulement les marchés en ligne').uncheck();
  await page.waitForURL(/enligne=non/);
  await settled(page);
  assert.ok((await total()) > online);
  await page.getByRole('link', { name: /^Afficher/ }).first().click();
  await page.getByRole('heading', { name: 'Avis publiés' }).waitFor();
  await page.goBack();
  assert.equal(await page.getByLabel('Mots à rechercher').inputValue(), 'rehabilitatoin');
});

test('the other language is one press away, and stays', async () => {
  await page.goto(`${server.url}/veille`);
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { name: 'My tender watch' }).waitFor();
  await page.getByText('Keyword: voirie').waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  await settled(page);
  assert.deepEqual(await inaccessible(page), []);
  await picture(page, 'tableau-1280-anglais');
  // Nothing of the first language is shown in between.
  await page.addInitScript(() => {
    new MutationObserver(() => {
      if (document.body?.innerText.includes('Ma veille')) window.flashed = true;
    }).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await page.getByRole('heading', { name: 'My tender watch' }).waitFor();
  assert.equal(await page.evaluate(() => window.flashed), undefined);
  await page.getByRole('button', { name: 'Français' }).click();
  await page.getByRole('heading', { name: 'Ma veille de marchés' }).waitFor();
});

test('by the keyboard alone: past the navigation, to a new watch, and saved', async () => {
  await page.goto(`${server.url}/veille`);
  await settled(page);
  const focused = () => page.evaluate(() => (document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).replaceAll('\u00a0', ' '));
  async function tabTo(text) {
    for (let i = 0; i < 200; i++) {
      await page.keyboard.press('Tab');
      if ((await focused()).includes(text)) return;
    }
    throw new Error(`the key Tab does not lead to ${text}`);
  }
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Aller au contenu');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'Créer une nouvelle veille');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
  assert.equal(await focused(), 'Créer une veille');
  await settled(page);
  await page.keyboard.press('Tab');
  await page.keyboard.type('Au clavier');
  await page.keyboard.press('Tab');
  await page.keyboard.type('assainissement');
  await page.keyboard.press('Enter');
  await page.getByText('La veille « Au clavier » a été enregistrée.').waitFor();
  await settled(page);
  await page.keyboard.press('Tab');
  await tabTo('Veille « Au clavier » active');
  await page.keyboard.press('Space');
  await page.getByText('La veille « Au clavier » a été désactivée').waitFor();
  await tabTo('Supprimer la veille « Au clavier »');
  await page.keyboard.press('Enter');
  await page.getByText('La veille « Au clavier » a été supprimée').waitFor();
  assert.equal(await focused(), 'Annuler');
});

test('news leaves what can still be undone', async () => {
  await publishAndIndex(server, { title: 'Voirie sur le vif' });
  await page.locator('.tenders .name', { hasText: 'Voirie sur le vif' }).waitFor();
  await page.getByRole('button', { name: 'Annuler', exact: true }).click();
  await page.getByText('La veille « Au clavier » a été rétablie.').waitFor();
});

test('what is typed stays when all is read again, and all labels change', async () => {
  await page.getByRole('link', { name: 'Modifier la veille « Au clavier »' }).click();
  const name = () => page.locator('input[type=text]').first();
  await name().waitFor();
  await name().fill('Assainissement');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { level: 1, name: 'Edit my watch' }).waitFor();
  await settled(page);
  assert.equal(await name().inputValue(), 'Assainissement');
  await page.getByRole('button', { name: 'Français' }).click();
  await page.getByRole('heading', { level: 1, name: 'Modifier ma veille' }).waitFor();
  await settled(page);
  assert.equal(await name().inputValue(), 'Assainissement');
});

test('an address that nobody encoded well is none', async () => {
  await page.goto(`${server.url}/veille/%E9`);
  await page.getByRole('heading', { level: 1, name: 'Cette page est introuvable.' }).waitFor();
});

test('on a telephone the list is a press away, and what was found is one from the filters', async () => {
  const phone = await visit(browser, { viewport: { width: 360, height: 740 } });
  await phone.goto(`${server.url}/veille`);
  await settled(phone);
  await phone.getByRole('link', { name: 'Aller à la liste des marchés' }).click();
  await phone.waitForFunction(() => document.activeElement?.id === 'matching' && Math.abs(document.activeElement.getBoundingClientRect().top) < 20);
  await phone.getByText('Affiner').click();
  await phone.getByRole('button', { name: 'Afficher les résultats' }).click();
  await phone.waitForFunction(() => document.activeElement?.textContent === 'Affiner' && !document.querySelector('.facets').open);
  const first = await phone.locator('.tenders .name a').first().boundingBox();
  assert.ok(first.y > 0 && first.y < 740, JSON.stringify(first));
  await phone.context().close();
});

test('nobody complained', () => assert.deepEqual(page.complaints, []));
