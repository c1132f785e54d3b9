// Every screen, on a telephone and on a desk, light and dark: accessible, no wider than the window, within the policy. Their
// pictures go to screenshots/, or where VIGIE_SCREENSHOTS says.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { ask, inaccessible, inTenYears, openFilters, picture, publish, scrollsSideways, settled, smallTargets, startBrowser, startDemo, visit } from './world.js';

let demo;
let empty;
let browser;

before(async () => {
  [demo, empty] = await Promise.all([startDemo(), startDemo('--empty')]);
  browser = await startBrowser();
  // A tender with everything that one can have.
  await publish(demo, {
    sourceRef: 'T-1', title: 'Voirie, réseaux et espaces publics du centre-bourg, tranche ferme et deux tranches optionnelles', reference: '2026-VRD-01',
    description: 'Réfection de la voirie et des trottoirs.\n\nLes travaux sont répartis en deux lots.', departmentCodes: ['01', '69'], natures: ['WORKS'],
    procedure: 'ADAPTED', cpvCodes: ['45233140'], url: 'https://portail.example/avis/1', deadline: inTenYears('01-10'),
    lots: [{ number: '1', title: 'Terrassement, voirie' }, { number: '2', title: 'Espaces verts' }],
  });
  await publish(demo, { title: 'Voirie, réseaux et espaces publics du centre-bourg', previousRef: 'T-1', kind: 'CORRECTION', deadline: inTenYears('01-24') });
  await publish(demo, { sourceRef: 'T-0', title: 'Voirie du quartier de la gare', deadline: inTenYears('02-10'), url: 'https://portail.example/avis/0', documentsUrl: 'https://portail.example/dce/0' });
  await publish(demo, { title: 'Voirie du quartier de la gare', previousRef: 'T-0', kind: 'CANCELLATION' });
});
after(async () => {
  await browser?.close();
  await Promise.all([demo?.stop(), empty?.stop()]);
});

/** The id of a watch of the demo. */
async function watchId(name) {
  const { watches } = await ask(demo, '{ watches { nodes { id name } } }');
  return watches.nodes.find((watch) => watch.name === name).id;
}

const screens = {
  'tableau-vide': (page) => page.goto(`${empty.url}/veille`),
  tableau: (page) => page.goto(`${demo.url}/veille`),
  async affiner(page) {
    await page.goto(`${demo.url}/veille?nature=WORKS`);
    await openFilters(page);
  },
  filtres: async (page) => page.goto(`${demo.url}/veille?nature=WORKS&departement=29&departement=35&veille=${encodeURIComponent(await watchId('Voirie'))}`),
  'tableau-non-vus': (page) => page.goto(`${demo.url}/veille?vue=nonvus&tri=DEADLINE_ASC`),
  'tableau-sans-ecartes': (page) => page.goto(`${demo.url}/veille?vue=ecartes`),
  async 'a-etudier'(page) {
    const { tenders } = await ask(demo, '{ tenders(search: "voirie", filter: { statuses: [ONLINE] }, first: 3) { nodes { id } } }');
    await ask(demo, 'mutation ($ids: [ID!]!) { markInterest(tenderIds: $ids) { userErrors { code } } }', { ids: tenders.nodes.map(({ id }) => id) });
    await page.goto(`${demo.url}/veille?vue=aetudier`);
  },
  'tableau-sans-resultat': (page) => page.goto(`${demo.url}/veille?departement=987`),
  formulaire: (page) => page.goto(`${demo.url}/veille/nouvelle`),
  async 'formulaire-organismes'(page) {
    await page.goto(`${demo.url}/veille/nouvelle`);
    await page.getByRole('combobox', { name: /organismes/ }).fill('c');
    await page.getByRole('option').first().waitFor();
    await page.getByRole('combobox', { name: /organismes/ }).press('ArrowDown');
  },
  async 'formulaire-departements'(page) {
    await page.goto(`${demo.url}/veille/nouvelle?departement=07&departement=22&departement=29&departement=35&departement=56`);
    await page.getByRole('combobox', { name: /département/ }).fill('ile');
    await page.getByRole('option').first().waitFor();
  },
  async 'formulaire-erreurs'(page) {
    await page.goto(`${demo.url}/veille/nouvelle`);
    await page.getByLabel('Mots clés :', { exact: true }).fill('ab de');
    await page.getByText('Autres critères').click();
    await page.getByLabel('Codes CPV :').fill('1');
    await page.getByLabel('Valeur estimée, en euros, au moins :').fill('90 000');
    await page.getByLabel('Valeur estimée, en euros, au plus :').fill('40 000,50 €');
    await page.getByRole('button', { name: 'Ajouter un destinataire' }).click();
    await page.getByLabel('Autre adresse 1', { exact: true }).fill('personne');
    await page.getByRole('button', { name: 'Valider la création de ma veille' }).click();
    await page.getByText('Corrigez les champs signalés').waitFor();
  },
  modifier: async (page) => page.goto(`${demo.url}/veille/veilles/${await watchId('Entretien dans le quart sud-est')}`),
  async 'modifier-flux'(page) {
    await page.goto(`${demo.url}/veille/veilles/${await watchId('Entretien dans le quart sud-est')}`);
    await page.getByText('Flux et agenda').click();
  },
  async supprimee(page) {
    await page.goto(`${demo.url}/veille`);
    await page.getByRole('button', { name: 'Supprimer la veille « Voirie »' }).click();
    await page.getByText('La veille « Voirie » a été supprimée').waitFor();
  },
  marche: (page) => page.goto(`${demo.url}/veille/marches/demo/T-1`),
  async 'marche-complet'(page) {
    await page.goto(`${demo.url}/veille/marches/demo/M-101`);
    await page.getByText('Balayage et propreté').click();
    await page.getByText('Matériel électrique').waitFor();
  },
  async 'marche-attribue'(page) {
    await page.goto(`${demo.url}/veille/marches/demo/M-103`);
    await page.getByText('Gros œuvre').click();
    await page.getByText('Maçonnerie Exemplaire SAS').waitFor();
  },
  'marche-en-projet': (page) => page.goto(`${demo.url}/veille/marches/demo/M-105`),
  'marche-a-l-etranger': (page) => page.goto(`${demo.url}/veille/marches/demo/M-106`),
  async 'marche-depuis-une-liste'(page) {
    await page.goto(`${demo.url}/veille?tri=DEADLINE_ASC`);
    await page.locator('.tenders .name a').nth(1).click();
    await page.getByRole('link', { name: 'Marché suivant' }).waitFor();
  },
  'marche-annule': (page) => page.goto(`${demo.url}/veille/marches/demo/T-0`),
  'marche-inconnu': (page) => page.goto(`${demo.url}/veille/marches/demo/none`),
  recherche: (page) => page.goto(`${demo.url}/veille/recherche?mots=${encodeURIComponent('rehabilitation')}`),
  'recherche-lieu': (page) => page.goto(`${demo.url}/veille/recherche?mots=${encodeURIComponent('travaux finistère')}&enligne=non`),
  async 'recherche-affiner'(page) {
    await page.goto(`${demo.url}/veille/recherche?reponse=BIDS`);
    await openFilters(page);
    await page.getByRole('group', { name: 'Source', exact: true }).waitFor();
  },
  'recherche-ecartes': (page) => page.goto(`${demo.url}/veille/recherche?vue=ecartes`),
  'recherche-vide': (page) => page.goto(`${demo.url}/veille/recherche?mots=xyzzy`),
  envois: async (page) => page.goto(`${demo.url}/veille/veilles/${await watchId('Voirie')}/envois`),
  compte: (page) => page.goto(`${demo.url}/veille/compte`),
  async 'compte-remplacer'(page) {
    await page.goto(`${demo.url}/veille/compte`);
    await page.getByRole('button', { name: 'Remplacer toutes les adresses' }).click();
    await page.getByRole('dialog').waitFor();
  },
  async 'compte-nouveau-webhook'(page) {
    await page.goto(`${demo.url}/veille/compte`);
    await page.getByRole('button', { name: 'Ajouter un webhook' }).click();
    await page.getByLabel('Adresse du webhook').fill('portail.example');
    await page.getByRole('button', { name: 'Ajouter ce webhook' }).click();
    await page.locator('.wrong .error').waitFor();
  },
  'page-inconnue': (page) => page.goto(`${demo.url}/veille/nulle/part/ailleurs`),
};

for (const width of [360, 768, 1280]) {
  test(`${width} pixels wide`, async (t) => {
    const deletedId = await watchId('Voirie');
    const page = await visit(browser, { viewport: { width, height: width === 360 ? 740 : 900 } });
    for (const [name, open] of Object.entries(screens)) {
      await t.test(name, async () => {
        await open(page);
        await settled(page);
        for (const colorScheme of ['dark', 'light']) {
          await page.emulateMedia({ colorScheme });
          assert.deepEqual(await inaccessible(page), [], colorScheme);
          if (colorScheme === 'light' || width === 1280) await picture(page, `${name}-${width}${colorScheme === 'dark' ? '-sombre' : ''}`);
        }
        assert.equal(await scrollsSideways(page), false);
        assert.equal(await page.locator('h1').count(), 1);
        if (width === 360) assert.deepEqual(await smallTargets(page), []);
        assert.deepEqual(page.complaints, []);
        if (name === 'supprimee') await ask(demo, 'mutation ($id: ID!) { restoreWatch(id: $id) { watch { id } } }', { id: deletedId });
      });
    }
    await page.context().close();
  });
}

test('printed, a list and a tender have what matters alone', async () => {
  const page = await visit(browser);
  await page.emulateMedia({ media: 'print' });
  await page.goto(`${demo.url}/veille`);
  await settled(page);
  await picture(page, 'imprime-tableau');
  for (const absent of ['Afficher', 'Modifier', 'Page :', 'Rechercher un marché']) assert.equal(await page.getByText(absent).first().isVisible(), false, absent);
  assert.ok(await page.getByText('éléments correspondent').isVisible());
  await page.goto(`${demo.url}/veille/marches/demo/T-1`);
  await settled(page);
  await picture(page, 'imprime-marche');
  assert.ok(await page.getByText('Terrassement').first().isVisible());
  await page.goto(`${demo.url}/veille/marches/demo/M-101`);
  await settled(page);
  assert.ok(await page.getByText('Curage des fossés').isVisible());
  assert.ok(await page.getByText('Lot réservé aux entreprises adaptées').isVisible(), 'what is folded is printed too');
  await page.context().close();
});

test('amounts are taken as people write them, and shown again with what else is folded', async () => {
  const page = await visit(browser);
  await page.goto(`${empty.url}/veille/nouvelle`);
  await page.getByLabel('Nom associé à la veille :').fill('Montants');
  await page.getByText('Autres critères').click();
  await page.getByLabel('Valeur estimée, en euros, au moins :').fill('90 000,5');
  await page.getByLabel('Valeur estimée, en euros, au plus :').fill('40 000 €');
  await page.getByLabel('Inclure les marchés dont la valeur n’est pas indiquée en euros').uncheck();
  await page.getByLabel('Accord-cadre').check();
  await page.getByLabel('Candidatures').check();
  await page.getByRole('button', { name: 'Valider la création de ma veille' }).click();
  await page.locator('.wrong').getByText('La valeur maximale est inférieure à la valeur minimale').waitFor();
  await page.getByLabel('Valeur estimée, en euros, au plus :').fill('');
  await page.getByRole('button', { name: 'Valider la création de ma veille' }).click();
  await page.getByText('La veille « Montants »').first().waitFor();
  const { watches } = await ask(empty, '{ watches { nodes { id criteria { minValue maxValue includeUnknownValue techniques deadlineKinds } } } }');
  assert.deepEqual(watches.nodes.map(({ criteria }) => criteria), [
    { minValue: '90000.50', maxValue: null, includeUnknownValue: false, techniques: ['FRAMEWORK'], deadlineKinds: ['PARTICIPATION'] },
  ]);
  await page.goto(`${empty.url}/veille/veilles/${watches.nodes[0].id}`);
  await settled(page);
  assert.equal(await page.getByLabel('Valeur estimée, en euros, au moins :').inputValue(), '90000.50');
  assert.equal(await page.getByLabel('Inclure les marchés dont la valeur n’est pas indiquée en euros').isChecked(), false);
  assert.equal(await page.getByLabel('Accord-cadre').isChecked(), true);
  await ask(empty, 'mutation ($id: ID!) { deleteWatch(id: $id) { userErrors { code } } }', { id: watches.nodes[0].id });
  await page.context().close();
});
