// Who is let in, and what happens when things fail: tokens that a platform hands over, and end; a search engine that is away; a
// slow network; a lost connection.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { startServer, tokenFor, until } from '../../clients/server.js';
import { inaccessible, picture, settled, startBrowser, textOf, visit } from './world.js';

let server;
let browser;

before(async () => {
  server = await startServer({ VIGIE_PAGE: 'true', VIGIE_PAGE_HOME: 'https://plateforme.example/espace', VIGIE_BRAND_NAME: 'Plateforme <d’exemple>' });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const page = (path = '') => `${new URL(server.url).origin}/veille${path}`;

test('without a token, the platform is to sign people in', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page());
  await visitor.getByRole('heading', { name: 'Connectez-vous pour voir votre veille' }).waitFor();
  const link = new URL(await visitor.getByRole('link', { name: 'Aller à mon espace candidat' }).getAttribute('href'));
  assert.equal(link.origin + link.pathname, 'https://plateforme.example/espace');
  assert.equal(link.searchParams.get('return'), page());
  assert.equal(await visitor.getByText('Mes veilles des marchés').count(), 0);
  assert.match(await textOf(visitor.locator('.brand')), /Plateforme <d’exemple>/);
  assert.deepEqual(await inaccessible(visitor), []);
  await picture(visitor, 'sans-jeton-1280');
  await visitor.context().close();
});

test('a token is taken from the link, out of the address, and kept for the tab alone', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page(`#token=${server.person()}`));
  await visitor.getByText('Vous n’avez pas encore paramétré de veille de marché').first().waitFor();
  assert.equal(await visitor.evaluate(() => location.href), page());
  assert.equal(await visitor.getByRole('link', { name: 'Retour à mon espace candidat' }).getAttribute('href'), 'https://plateforme.example/espace');
  await visitor.reload();
  await visitor.getByText('Vous n’avez pas encore paramétré de veille de marché').first().waitFor();
  assert.equal(await visitor.evaluate(() => localStorage.getItem('vigie-token')), null);
  assert.equal((await visitor.context().cookies()).length, 0);
  assert.deepEqual(visitor.complaints, []);
  await visitor.context().close();
});

test('an expired token ends nothing that was typed, says what to do, and a new one goes on', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page(`/nouvelle#token=${tokenFor(5, 'bob@example.org')}`));
  const keywords = visitor.getByLabel('Mots clés :', { exact: true });
  await keywords.fill('voirie');
  await visitor.getByRole('heading', { name: 'Votre session a expiré' }).waitFor();
  assert.equal(await keywords.inputValue(), 'voirie');
  assert.deepEqual(await inaccessible(visitor), []);
  await picture(visitor, 'session-expiree-1280');
  await visitor.goto(page(`/nouvelle#token=${server.person('bob@example.org')}`));
  await keywords.waitFor();
  await until(async () => (await visitor.getByRole('heading', { name: 'Votre session a expiré' }).count()) === 0, 'the end of the message');
  await visitor.getByText('Adresse principale : bob@example.org').waitFor();
  await visitor.context().close();
});

test('while the search engine is away, watches are shown, made and changed', async () => {
  const away = await startServer({ VIGIE_PAGE: 'true', VIGIE_SEARCH_URL: 'http://127.0.0.1:9' }, false);
  try {
    const token = away.person();
    await away.watch(token, 'voirie');
    const visitor = await visit(browser);
    await visitor.goto(`${new URL(away.url).origin}/veille#token=${token}`);
    await visitor.getByText('La recherche est momentanément indisponible.').waitFor();
    const row = visitor.getByRole('table', { name: 'Mes veilles des marchés' }).getByRole('row').nth(1);
    assert.match(await textOf(row), /voirie[^]*Mot clé : voirie[^]*Active/);
    assert.deepEqual(await inaccessible(visitor), []);
    await picture(visitor, 'sans-moteur-1280');
    await visitor.getByRole('switch').click();
    await visitor.getByText('La veille « voirie » a été désactivée').waitFor();
    await visitor.getByRole('link', { name: 'Modifier la veille' }).click();
    await visitor.getByLabel('Nom associé à la veille :').fill('Voirie et réseaux');
    await visitor.getByText('La recherche est momentanément indisponible.').waitFor();
    await visitor.getByRole('button', { name: 'Valider' }).click();
    await visitor.getByText('La veille « Voirie et réseaux » a été enregistrée.').waitFor();
    await visitor.context().close();
  } finally {
    await away.stop();
  }
});

test('what the page begins with is asked while the script is on its way, and once', async () => {
  const person = server.person('carla@example.org');
  await server.watch(person, 'curage');
  await server.publishAndIndex(person, 'Curage demandé une fois');
  const visitor = await visit(browser);
  const asked = [];
  visitor.on('request', (request) => {
    if (request.url().endsWith('/graphql')) asked.push(request.postDataJSON().operationName);
  });
  const first = ['MatchingTenders', 'Reader', 'Watches'];
  await visitor.route(/assets\/(?!index-)[^/]+\.js$/, async (route) => {
    await until(() => asked.length === first.length, 'the questions');
    await route.continue();
  });
  await visitor.goto(page(`#token=${person}`));
  await visitor.getByText('Curage demandé une fois').first().waitFor();
  await settled(visitor);
  assert.deepEqual(asked.filter((name) => first.includes(name)).sort(), first);
  // A change is followed by what is stored then, not by what was asked first.
  await visitor.getByRole('switch').click();
  await visitor.getByText('Aucune de vos veilles n’est active').waitFor();
  assert.deepEqual(visitor.complaints, []);
  await visitor.context().close();
});

test('on a slow network, grey lines stand where things will be, and nothing jumps', async () => {
  const person = server.person('carol@example.org');
  for (const keyword of ['voirie', 'tranche', 'nettoyage']) await server.watch(person, keyword);
  await server.publishAndIndex(person, ...Array.from({ length: 12 }, (_, i) => `Voirie, tranche ${i}`));
  for (const width of [412, 1280]) {
    const visitor = await visit(browser, { viewport: { width, height: 820 } });
    await visitor.route('**/graphql', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      await route.continue();
    });
    await visitor.addInitScript(() => {
      window.moved = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    });
    await visitor.goto(page(`#token=${person}`));
    await visitor.locator('.skeleton').first().waitFor();
    await picture(visitor, `lent-${width}`);
    await settled(visitor);
    await visitor.getByText('12 éléments correspondent').waitFor();
    const moved = await visitor.evaluate(() => window.moved);
    assert.ok(moved < 0.001, `${width} pixels wide, the layout moved by ${moved}`);
    await visitor.context().close();
  }
});

test('after a lost connection the list is read again', async () => {
  const person = server.person('dora@example.org');
  await server.watch(person, 'voirie');
  const visitor = await visit(browser);
  let lost = false;
  const sockets = [];
  await visitor.routeWebSocket('**/graphql', (socket) => {
    if (lost) return void socket.close({ code: 1012 });
    socket.connectToServer();
    sockets.push(socket);
  });
  await visitor.goto(page(`#token=${person}`));
  await settled(visitor);
  await until(() => sockets.length > 0, 'the connection');
  lost = true;
  for (const socket of sockets) await socket.close({ code: 1012 });
  await server.publishAndIndex(person, 'Voirie publiée pendant la coupure');
  assert.equal(await visitor.getByText('Voirie publiée pendant la coupure').count(), 0);
  lost = false;
  await visitor.getByText('Voirie publiée pendant la coupure').first().waitFor({ timeout: 60_000 });
  await visitor.context().close();
});
