// The form: nothing that was typed is lost or written over, mistakes go when they are put right, what the server cannot say is not
// shown, and a key leads on.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { ask, inaccessible, openFilters, picture, publishAndIndex, scrollsSideways, settled, startBrowser, startDemo, tab, textOf, visit } from './world.js';

let server;
let browser;
let page;

before(async () => {
  server = await startDemo();
  browser = await startBrowser();
  page = await visit(browser);
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const name = (on = page) => on.getByLabel('Nom associé à la veille :');
const keywords = (on = page) => on.getByLabel('Mots clés :', { exact: true });
const submit = (on = page) => on.getByRole('button', { name: 'Valider' }).last();
const stored = async (fields = 'id name version criteria { keywordsText }') => (await ask(server, `{ watches { nodes { ${fields} } } }`)).watches.nodes;
const watch = async (called, fields) => (await stored(fields)).find((one) => one.name === called);
const focused = (on = page) => on.evaluate(() => document.activeElement.tagName);

/** A new watch, and its form. */
async function made(called, criteria = { keywords: ['voirie'] }) {
  const { createWatch } = await ask(server, 'mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { message } } }', { input: { name: called, criteria } });
  assert.deepEqual(createWatch.userErrors, []);
  return createWatch.watch.id;
}
const edit = (on, id) => on.goto(`${server.url}/veille/veilles/${id}`).then(() => name(on).waitFor());

test('of two tabs, each sends what it changed alone, and a conflict shows both', async () => {
  const id = await made('Deux onglets');
  const other = await tab(page.context());
  await edit(page, id);
  await edit(other, id);
  await keywords(page).fill('voirie trottoirs');
  await submit(page).click();
  await page.getByText('a été enregistrée').waitFor();

  await name(other).fill('Deux onglets, renommée');
  let sent;
  other.on('request', (request) => request.postData()?.includes('UpdateWatch') && (sent = JSON.parse(request.postData()).variables.input));
  await submit(other).click();
  const conflict = other.getByRole('alert').filter({ hasText: 'Cette veille a été modifiée entre-temps' });
  await conflict.waitFor();
  assert.deepEqual(sent, { name: 'Deux onglets, renommée' });
  assert.match(await textOf(conflict), /Mots clés[^]*voirie trottoirs/);
  // What the other tab changed is taken, and what was typed here stays.
  assert.equal(await keywords(other).inputValue(), 'voirie trottoirs');
  assert.equal(await name(other).inputValue(), 'Deux onglets, renommée');
  assert.deepEqual(await inaccessible(other), []);
  await submit(other).click();
  await other.getByText('a été enregistrée').waitFor();
  assert.equal((await watch('Deux onglets, renommée')).criteria.keywordsText, 'voirie trottoirs');
  await other.close();
});

test('where both tabs changed the same, the reader chooses', async () => {
  const id = await made('Même champ');
  const other = await tab(page.context());
  await edit(page, id);
  await edit(other, id);
  await keywords(page).fill('voirie ponts');
  await submit(page).click();
  await page.getByText('a été enregistrée').waitFor();
  await keywords(other).fill('voirie routes');
  await submit(other).click();
  const conflict = other.getByRole('alert').filter({ hasText: 'Cette veille a été modifiée entre-temps' });
  await conflict.waitFor();
  assert.match(await textOf(conflict), /Enregistré :\s*voirie ponts[^]*Votre saisie :\s*voirie routes/);
  assert.equal(await keywords(other).inputValue(), 'voirie routes');
  await picture(other, 'conflit-1280');
  await conflict.getByRole('button', { name: 'Reprendre la valeur enregistrée' }).click();
  assert.equal(await keywords(other).inputValue(), 'voirie ponts');
  assert.notEqual(await focused(other), 'BODY');
  await other.close();
});

test('what was typed is kept for the tab, also when it is reloaded or left', async () => {
  await page.goto(`${server.url}/veille/nouvelle`);
  await name().fill('Brouillon');
  await keywords().fill('assainissement');
  page.once('dialog', (dialog) => dialog.accept());
  await page.reload();
  await name().waitFor();
  assert.equal(await name().inputValue(), 'Brouillon');
  assert.equal(await keywords().inputValue(), 'assainissement');

  await page.getByRole('link', { name: 'Rechercher un marché' }).click();
  await page.getByText('Votre saisie n’est pas enregistrée').waitFor();
  await page.getByRole('button', { name: 'Reprendre la saisie' }).click();
  await name().waitFor();
  assert.equal(await name().inputValue(), 'Brouillon');

  // Another tab has none of it, and it can be thrown away.
  const other = await tab(page.context());
  await other.goto(`${server.url}/veille/nouvelle`);
  await name(other).waitFor();
  assert.equal(await name(other).inputValue(), '');
  await other.close();
  await page.getByRole('button', { name: 'Effacer ma saisie' }).click();
  assert.equal(await name().inputValue(), '');
  assert.notEqual(await focused(), 'BODY');
});

test('a browser asks before what was typed is left, and only then', async () => {
  const asks = async () => {
    let asked = false;
    const listen = (dialog) => ((asked = true), dialog.accept());
    page.once('dialog', listen);
    await page.reload();
    await name().waitFor();
    page.off('dialog', listen);
    return asked;
  };
  await page.goto(`${server.url}/veille/nouvelle`);
  await name().waitFor();
  await name().click();
  assert.equal(await asks(), false);
  await name().fill('À garder');
  assert.equal(await asks(), true);
  await page.getByRole('button', { name: 'Effacer ma saisie' }).click();
});

test('the preview shows no old answer when the server fails', async () => {
  await page.goto(`${server.url}/veille/nouvelle`);
  await page.locator('.preview .big').waitFor();
  await page.route('**/graphql', (route) => (route.request().postData()?.includes('PreviewMatches') ? route.abort() : route.continue()));
  await keywords().fill('voirie');
  await page.locator('.preview').getByText('La recherche est momentanément indisponible').waitFor();
  assert.equal(await page.locator('.preview .big').count(), 0);
  assert.equal(await page.locator('.preview .warning').count(), 0);
  await page.unroute('**/graphql');
  await page.locator('.preview').getByRole('button', { name: 'Réessayer' }).click();
  await page.locator('.preview .big').waitFor();
  page.complaints.length = 0; // of the browser, about the request that failed
});

test('the preview shows the newest tenders, with marks, and what would help where none matches', async () => {
  await publishAndIndex(server, { title: 'Renflouement d’une barge' }, { title: 'Fourniture de balises' });
  await page.goto(`${server.url}/veille/nouvelle`);
  await keywords().fill('renflouement');
  await page.locator('.big', { hasText: '1 marché en ligne' }).waitFor();
  assert.equal((await page.locator('.preview mark').allTextContents()).join(), 'Renflouement');
  await keywords().fill('renflouement balises');
  const help = page.locator('.preview').getByRole('button', { name: /n’importe lequel/ });
  const [count] = (await textOf(help)).match(/\d+ marchés en ligne/);
  await help.click();
  assert.equal(await page.getByLabel('Rechercher n’importe lequel de ces termes').isChecked(), true);
  await page.locator('.big', { hasText: count }).waitFor();
  assert.notEqual(await focused(), 'BODY');
});

test('on a telephone the count is at the bottom while one types', async () => {
  const phone = await visit(browser, { viewport: { width: 360, height: 740 } });
  await phone.goto(`${server.url}/veille/nouvelle`);
  await keywords(phone).fill('voirie');
  const bar = phone.locator('.bar');
  await bar.getByText('marchés en ligne').waitFor();
  const box = await bar.boundingBox();
  assert.ok(box.y + box.height <= 741 && box.y > 600, JSON.stringify(box));
  await picture(phone, 'formulaire-barre-360');
  // It covers nothing that has the focus, and makes room for what a box suggests.
  const buyers = phone.getByRole('combobox', { name: /organismes/ });
  for (const field of [buyers, phone.getByRole('combobox', { name: /département/ }), phone.getByRole('button', { name: 'Ajouter un destinataire' })]) {
    await field.evaluate((field) => {
      scrollBy(0, field.getBoundingClientRect().bottom - innerHeight);
      field.focus();
    });
    const focus = await field.boundingBox();
    assert.ok(focus.y + focus.height <= (await bar.boundingBox()).y, JSON.stringify(focus));
  }
  await buyers.pressSequentially('c');
  await phone.getByRole('option').first().waitFor();
  await bar.waitFor({ state: 'hidden' });
  await buyers.press('Escape');
  await bar.getByRole('link', { name: 'Voir l’aperçu' }).click();
  await phone.waitForFunction(() => document.activeElement?.id === 'preview');
  assert.equal(await scrollsSideways(phone), false);
  await phone.context().close();
});

test('a mistake goes when its field is put right', async () => {
  await page.goto(`${server.url}/veille/nouvelle`);
  await keywords().fill('ab');
  await submit().click();
  await page.getByText('Corrigez les champs signalés').waitFor();
  await keywords().fill('voirie');
  assert.equal(await keywords().getAttribute('aria-invalid'), null);
  assert.equal(await name().getAttribute('aria-invalid'), 'true');
  await name().fill('Sans faute');
  assert.equal(await page.getByText('Corrigez les champs signalés').count(), 0);
});

test('the mistakes are listed at the top, in the order of the form, and lead to their fields', async () => {
  const page = await visit(browser); // for what is typed stays in its tab
  await page.goto(`${server.url}/veille/nouvelle`);
  await keywords(page).fill('ab de');
  await page.getByText('Autres critères').click();
  await page.getByLabel('Codes CPV :').fill('1');
  for (const [i, address] of ['personne', 'personne d’autre'].entries()) {
    await page.getByRole('button', { name: 'Ajouter un destinataire' }).click();
    await page.getByLabel(`Autre adresse ${i + 1}`, { exact: true }).fill(address);
  }
  await submit(page).click();
  const mistakes = page.getByRole('alert').getByRole('link');
  await mistakes.nth(4).waitFor();
  assert.deepEqual(await mistakes.allTextContents(), await page.locator('.wrong > .error').allTextContents());
  assert.deepEqual(await inaccessible(page), []);
  // Also within a panel that was closed since.
  await page.getByText('Autres critères').click();
  const focused = () => page.evaluate(() => document.activeElement.labels?.[0].textContent.replaceAll('\u00a0', ' '));
  for (const [i, label] of ['Nom associé à la veille :', 'Mots clés :', 'Codes CPV :', 'Autre adresse 1', 'Autre adresse 2'].entries()) {
    await mistakes.nth(i).click();
    assert.equal(await focused(), label);
  }
  // Who puts one right is not sent to the first one.
  await mistakes.nth(2).click();
  await page.keyboard.press('End');
  await page.keyboard.type('2');
  assert.equal(await focused(), 'Codes CPV :');
  await mistakes.nth(4).waitFor({ state: 'hidden' });
  assert.equal(await mistakes.count(), 4);
  await page.context().close();
});

test('where the server fails, nobody is told to correct anything', async () => {
  await page.route('**/graphql', (route) => (route.request().postData()?.includes('CreateWatch') ? route.abort() : route.continue()));
  await submit().click();
  await page.getByText('La modification n’a pas été enregistrée').waitFor();
  assert.equal(await page.getByText('Corrigez').count(), 0);
  await page.unroute('**/graphql');

  // On a telephone the button is far below what is said.
  const phone = await visit(browser, { viewport: { width: 360, height: 740 } });
  await phone.route('**/graphql', (route) => (route.request().postData()?.includes('CreateWatch') ? route.abort() : route.continue()));
  await phone.goto(`${server.url}/veille/nouvelle`);
  await name(phone).fill('Au loin');
  await submit(phone).click();
  await phone.waitForFunction(() => {
    const said = document.activeElement;
    const { top, bottom } = said.getBoundingClientRect();
    return said.textContent.includes('La modification n’a pas été enregistrée') && top >= 0 && bottom <= innerHeight;
  });
  await phone.context().close();
  page.complaints.length = 0;
});

test('panels stay open while their content goes, and the focus stays', async () => {
  const id = await made('Panneaux', { keywords: ['voirie'], excludedKeywords: ['pont'] });
  await edit(page, id);
  const excluded = page.getByLabel('Mots à exclure :');
  assert.equal(await excluded.isVisible(), true);
  await excluded.fill('');
  assert.equal(await excluded.isVisible(), true);
  assert.equal(await focused(), 'INPUT');
  await page.goto(`${server.url}/veille?nature=WORKS`);
  await settled(page);
  await openFilters(page);
  const box = page.getByRole('group', { name: 'Nature' }).getByRole('checkbox', { checked: true });
  await box.focus();
  await page.keyboard.press('Space');
  await page.waitForURL((url) => !url.search.includes('nature'));
  await settled(page);
  assert.equal(await focused(), 'INPUT');
  assert.equal(await page.getByRole('group', { name: 'Nature' }).isVisible(), true);
});

test('a list of suggestions scrolls to the one that a key leads to', async () => {
  await page.goto(`${server.url}/veille/nouvelle`);
  const box = page.getByRole('combobox', { name: /organismes/ });
  await box.fill('c');
  await page.getByRole('option').nth(8).waitFor();
  await box.press('ArrowUp');
  const seen = await page.locator('[role=option][aria-selected=true]').evaluate((option) => {
    const [inner, outer] = [option.getBoundingClientRect(), option.parentElement.getBoundingClientRect()];
    return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  });
  assert.equal(seen, true);
});

test('departments are one box, which knows regions; what is chosen is one stop of the key Tab', async () => {
  await page.goto(`${server.url}/veille/nouvelle`);
  const box = page.getByRole('combobox', { name: /département/ });
  await box.fill('ile-de');
  await page.getByRole('option', { name: /^Île-de-France/ }).waitFor();
  await box.press('ArrowDown');
  await box.press('Enter');
  await page.getByText('8 départements choisis').waitFor();
  await box.fill('07');
  await page.getByRole('option', { name: '07. Ardèche' }).click();
  await page.getByText('9 départements choisis').waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await picture(page, 'formulaire-departements-1280');
  // From the first field to the button: a stop each.
  await name().focus();
  let keys = 0;
  for (; !(await page.evaluate(() => document.activeElement.type === 'submit')); keys++) {
    assert.ok(keys < 30, 'the key Tab does not lead to the button');
    await page.keyboard.press('Tab');
  }
  // In what is chosen, the arrows lead on, and Delete takes away.
  const chosen = page.getByRole('button', { name: /^Retirer/ });
  assert.equal(await chosen.count(), 2);
  await chosen.first().focus();
  await page.keyboard.press('ArrowRight');
  assert.equal(await chosen.nth(1).evaluate((one) => one === document.activeElement), true);
  await page.keyboard.press('Delete');
  await page.getByText('8 départements choisis').waitFor();
  assert.notEqual(await focused(), 'BODY');
});

test('the guide, by the keyboard alone, in under 60 keys', async () => {
  await page.context().close();
  page = await visit(browser); // with nothing typed
  await page.goto(`${server.url}/veille`);
  await settled(page);
  let keys = 0;
  const press = async (key) => (keys++, page.keyboard.press(key));
  const at = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent);
  const tabTo = async (text) => {
    for (let i = 0; i < 40; i++) {
      await press('Tab');
      if ((await at()).replaceAll('\u00a0', ' ').includes(text)) return;
    }
    throw new Error(`the key Tab does not lead to ${text}`);
  };
  await press('Tab');
  await press('Enter'); // past the navigation
  await tabTo('Créer une nouvelle veille');
  await press('Enter');
  await settled(page);
  await tabTo('Nom associé');
  await page.keyboard.type('Guide');
  await tabTo('Mots clés');
  await page.keyboard.type('voirie balayage');
  await tabTo('Rechercher tous');
  await press('ArrowDown');
  await tabTo('organismes');
  await page.keyboard.type('c');
  await page.getByRole('option').first().waitFor();
  await press('ArrowDown');
  await press('Enter');
  await tabTo('département');
  await page.keyboard.type('bretagne');
  await page.getByRole('option', { name: /^Bretagne/ }).waitFor();
  await press('ArrowDown');
  await press('Enter');
  await tabTo('Recevoir des alertes');
  await tabTo('Ajouter un destinataire');
  await press('Enter');
  await page.waitForFunction(() => document.activeElement?.type === 'email');
  await page.keyboard.type('equipe@example.org');
  await tabTo('Valider la création');
  await press('Enter');
  await page.getByText('La veille « Guide » a été enregistrée.').waitFor();
  assert.ok(keys < 60, `${keys} keys`);
  assert.equal((await watch('Guide', 'name criteria { departments { code } }')).criteria.departments.length, 4);
  assert.deepEqual(page.complaints, []);
});

test('« Valider » is on the screen, wherever the form is', async () => {
  const at = await visit(browser, { viewport: { width: 1280, height: 900 } });
  await at.goto(`${server.url}/veille/nouvelle?mots=voirie`);
  await settled(at);
  const within = () => at.getByRole('button', { name: 'Valider la création de ma veille' }).evaluate((button) => button.getBoundingClientRect().top >= 0 && button.getBoundingClientRect().bottom <= innerHeight);
  assert.equal(await within(), true, 'at the top');
  await at.getByRole('button', { name: 'Ajouter un destinataire' }).scrollIntoViewIfNeeded();
  assert.equal(await within(), true, 'at the end');
  await at.context().close();
});
