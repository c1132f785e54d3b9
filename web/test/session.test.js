// Who is signed in: the way to the platform and back, tokens that end, other tabs, a browser that keeps nothing, and what breaks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import test, { after, before } from 'node:test';
import { startServer, tokenFor, until } from '../../clients/server.js';
import { picture, settled, startBrowser, tab, textOf, visit } from './world.js';

let server;
let platform;
let browser;

/** A platform: whoever comes is signed in as Bob, and goes back to where they were going. */
before(async () => {
  platform = createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://platform.example');
    const back = searchParams.get('return');
    if (!back) return response.end('the platform');
    response.writeHead(302, { Location: `${back}#token=${server.person('bob@example.org')}` }).end();
  }).listen(0, '127.0.0.1');
  await once(platform, 'listening');
  server = await startServer({ VIGIE_PAGE: 'true', VIGIE_PAGE_HOME: `http://127.0.0.1:${platform.address().port}/espace?from=vigie` });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  platform?.close();
  await server?.stop();
});

const page = (path = '') => `${new URL(server.url).origin}/veille${path}`;
const expired = (on) => on.getByRole('heading', { name: 'Votre session a expiré' });
const name = (on) => on.getByLabel('Nom associé à la veille :');

test('who is not signed in is led to the platform, and back to where they were going', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page('/recherche?mots=voirie'));
  await visitor.getByRole('link', { name: 'Aller à mon espace candidat' }).click();
  await visitor.getByRole('heading', { level: 1, name: 'Rechercher un marché' }).waitFor();
  assert.equal(visitor.url(), page('/recherche?mots=voirie'));
  await visitor.context().close();
});

test('a tab without a token gets it from one that has it', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page(`#token=${server.person('carol@example.org')}`));
  await settled(visitor);
  const other = await tab(visitor.context());
  await other.goto(page('/nouvelle'));
  await other.getByText('Adresse principale : carol@example.org').waitFor();
  await visitor.context().close();
});

test('after a token ended, what was typed is saved with a new one from another tab, without a reload', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page(`/nouvelle#token=${tokenFor(6, 'bob@example.org')}`));
  await name(visitor).fill('Gardée');
  await visitor.evaluate(() => (window.same = true));
  await expired(visitor).waitFor();
  const [other] = await Promise.all([visitor.context().waitForEvent('page'), visitor.getByRole('link', { name: 'Aller à mon espace candidat' }).click()]);
  await name(other).waitFor();
  await until(async () => (await expired(visitor).count()) === 0, 'the end of the message');
  assert.equal(await visitor.evaluate(() => window.same), true);
  assert.equal(await name(visitor).inputValue(), 'Gardée');
  await visitor.getByRole('button', { name: 'Valider la création' }).click();
  await visitor.getByText('La veille « Gardée » a été enregistrée').waitFor();
  await visitor.context().close();
});

test('a new token in the same tab reloads nothing; that of another person is not mixed with what was typed', async () => {
  const visitor = await visit(browser);
  await visitor.goto(page(`/nouvelle#token=${server.person('bob@example.org')}`));
  await name(visitor).fill('De Bob');
  await visitor.evaluate(() => (window.same = true));
  await visitor.evaluate((token) => (location.hash = `token=${token}`), server.person('bob@example.org'));
  await until(async () => visitor.url() === page('/nouvelle'), 'the token to be taken');
  assert.equal(await visitor.evaluate(() => window.same), true);
  assert.equal(await name(visitor).inputValue(), 'De Bob');
  visitor.on('dialog', (dialog) => dialog.accept());
  await visitor.evaluate((token) => (location.hash = `token=${token}`), server.person('dora@example.org'));
  await visitor.getByText('Adresse principale : dora@example.org').waitFor();
  assert.equal(await name(visitor).inputValue(), '');
  await visitor.context().close();
});

test('what was asked for one person is not shown to another, who signs in before the script is there', async () => {
  const bob = server.person('bob@example.org');
  await server.watch(bob, 'voirie');
  const visitor = await visit(browser);
  await visitor.route(/assets\/(?!index-)[^/]+\.js$/, async (route) => {
    await visitor.evaluate((token) => (location.hash = `token=${token}`), server.person('fanny@example.org'));
    await until(async () => visitor.url() === page(), 'the token to be taken');
    await route.continue();
  });
  await visitor.goto(page(`#token=${bob}`));
  await visitor.getByText('Vous n’avez pas encore paramétré de veille de marché').first().waitFor();
  await settled(visitor);
  assert.equal(await visitor.locator('.watches').count(), 0);
  await visitor.context().close();
});

test('where a browser keeps nothing, the page works for as long as it is open', async () => {
  const visitor = await visit(browser);
  await visitor.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, { get: () => { throw new DOMException('denied', 'SecurityError'); } });
    }
    delete window.BroadcastChannel;
  });
  await visitor.goto(page(`#token=${server.person('eve@example.org')}`));
  await visitor.getByText('Vous n’avez pas encore paramétré de veille de marché').first().waitFor();
  assert.deepEqual(visitor.complaints, []);
  await visitor.context().close();
});

test('what breaks says so, and the rest of the page stays', async () => {
  const visitor = await visit(browser);
  await visitor.route('**/graphql', async (route) => {
    const response = await route.fetch();
    const body = await response.json();
    if (body.data?.tenders) body.data.tenders.edges = [{ node: null }];
    await route.fulfill({ response, json: body });
  });
  await visitor.goto(page(`/recherche#token=${server.person('eve@example.org')}`));
  await server.publishAndIndex(server.person('eve@example.org'), 'Voirie');
  await visitor.getByText('Cette partie de la page n’a pas pu être affichée').waitFor();
  await visitor.getByRole('link', { name: 'Mes veilles des marchés' }).click();
  await visitor.getByText('Vous n’avez pas encore paramétré de veille de marché').first().waitFor();
  await visitor.context().close();
});

test('a connection that is half open is noticed', async () => {
  const person = server.person('dora@example.org');
  await server.watch(person, 'voirie');
  const visitor = await visit(browser);
  await visitor.clock.install();
  let half = false;
  let connections = 0;
  await visitor.routeWebSocket('**/graphql', (socket) => {
    connections++;
    const end = socket.connectToServer();
    socket.onMessage((message) => half || end.send(message));
    end.onMessage((message) => half || socket.send(message));
  });
  await visitor.goto(page(`#token=${person}`));
  await visitor.getByText('correspond').first().waitFor();
  await until(() => connections > 0, 'the connection');
  half = true;
  await until(async () => {
    await visitor.clock.runFor(15_000);
    if (connections > 1) half = false;
    return connections > 1;
  }, 'another connection');
  await visitor.context().close();
});

test('colours are there in a browser that knows no light-dark()', async () => {
  const visitor = await visit(browser);
  await visitor.route('**/*.css', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll('light-dark(', 'unknown-function(') });
  });
  await visitor.goto(page(`#token=${server.person('eve@example.org')}`));
  await settled(visitor);
  const colours = () => visitor.evaluate(() => [getComputedStyle(document.documentElement).backgroundColor, getComputedStyle(document.querySelector('.card')).backgroundColor]);
  assert.deepEqual(await colours(), ['rgb(243, 244, 246)', 'rgb(255, 255, 255)']);
  await visitor.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await colours(), ['rgb(20, 24, 29)', 'rgb(29, 35, 42)']);
  await picture(visitor, 'couleurs-sombre');
  assert.match(await textOf(visitor.locator('h1')), /Ma veille/);
  await visitor.context().close();
});
