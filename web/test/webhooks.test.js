// Webhooks on the account's page: added, confirmed, tried, switched off, given another secret, removed, and what is wrong with them.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import test, { after, before } from 'node:test';
import { until } from '../../clients/server.js';
import { ask, inaccessible, inTenYears, picture, publish, scrollsSideways, settled, startBrowser, startDemo, textOf, visit } from './world.js';

let demo;
let browser;
let page;
let endpoint;

/** An endpoint that answers challenges as it is told to, and what it was sent. */
function listen() {
  const here = { status: 200, repeats: true, sent: [] };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const message = JSON.parse(body);
    here.sent.push({ ...message, signatures: request.headers['webhook-signature']?.split(' ').length });
    response.writeHead(here.status).end(here.repeats ? JSON.stringify({ challenge: message.data?.challenge }) : '{}');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(Object.assign(here, { url: `http://127.0.0.1:${server.address().port}/alerts`, close: () => server.close() }))));
}

before(async () => {
  [demo, browser, endpoint] = await Promise.all([startDemo(), startBrowser(), listen()]);
  page = await visit(browser);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: demo.url });
  await page.goto(`${demo.url}/veille`);
  await page.getByRole('link', { name: 'Flux, agendas et webhooks' }).click();
  await page.getByRole('heading', { name: 'Webhooks et conversations (Slack, Teams)' }).waitFor();
  await settled(page);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
  endpoint?.close();
});

const stored = async () => (await ask(demo, '{ viewer { webhooks { id host status kinds format lastError watch { name } } } }')).viewer.webhooks;
const button = (name) => page.getByRole('button', { name });
const hook = () => page.getByRole('listitem').filter({ hasText: new URL(endpoint.url).host });

test('what is wrong with a new one stands beside its field', async () => {
  await page.getByText('Vous n’avez pas encore de webhook').waitFor();
  await button('Ajouter un webhook').click();
  const url = page.getByLabel('Adresse du webhook');
  assert.ok(await url.evaluate((input) => input === document.activeElement));
  await url.fill('example.org');
  await button('Ajouter ce webhook').click();
  await page.locator('.wrong .error').waitFor();
  assert.match(await textOf(page.locator('.wrong .error')), /adresse web complète/);
  assert.ok(await url.evaluate((input) => input === document.activeElement && input.getAttribute('aria-invalid') === 'true'));
  for (const box of await page.getByRole('group', { name: 'Alertes à envoyer' }).getByRole('checkbox').all()) await box.uncheck();
  await url.fill(endpoint.url);
  await button('Ajouter ce webhook').click();
  await page.getByText('Cochez au moins une sorte d’alerte.').waitFor();
  assert.deepEqual(await stored(), []);
});

test('one that does not confirm waits, says why, and what to do', async () => {
  endpoint.repeats = false;
  await page.getByLabel('Nouveau').check();
  await page.getByLabel('Annulé').check();
  await page.getByLabel('Veille', { exact: true }).selectOption('Voirie');
  await button('Ajouter ce webhook').click();
  // The secret is shown once, and copied.
  await page.getByRole('heading', { name: /^Secret du webhook/ }).waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent.startsWith('Secret du webhook'));
  const secret = await page.getByRole('textbox', { name: 'Secret de signature' }).inputValue();
  assert.match(secret, /^whsec_/);
  await button('Copier : Secret de signature').click();
  await page.getByText('Le secret a été copié.').waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  assert.deepEqual(await inaccessible(page), []);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await scrollsSideways(page), false);
  await picture(page, 'compte-webhook-360');
  assert.deepEqual(await inaccessible(page), []);
  await page.setViewportSize({ width: 1280, height: 900 });
  await picture(page, 'compte-webhook-1280');
  await button('J’ai conservé le secret').click();
  assert.equal(await page.getByText(secret).count() + await page.getByRole('textbox', { name: 'Secret de signature' }).count(), 0);
  const text = await textOf(hook());
  assert.match(text, /En attente de confirmation/);
  assert.match(text, /n’a pas le mot de la demande de confirmation/);
  assert.match(text, /Voirie[^]*Nouveau, Annulé/);
  const [{ status, kinds, format, watch }] = await stored();
  assert.deepEqual([status, kinds, format, watch.name], ['PENDING', ['NEW', 'CANCELLED'], 'STANDARD', 'Voirie']);
});

test('it is asked again, confirms, is tried, and says how that went', async () => {
  endpoint.repeats = true;
  // Not more often than every ten seconds: the page says so.
  await button('Redemander la confirmation').click();
  await page.getByText('moins de 10 secondes').waitFor();
  await until(async () => {
    await button('Redemander la confirmation').click();
    await settled(page);
    return (await stored())[0].status === 'ACTIVE';
  }, 'the confirmation');
  await hook().getByText('Actif', { exact: true }).waitFor();
  const tests = () => endpoint.sent.filter(({ type }) => type === 'webhook.test').length;
  await until(async () => {
    await button('Envoyer un essai').click();
    await settled(page);
    return tests() > 0;
  }, 'the test');
  await page.getByText('L’essai a été accepté').waitFor();
  endpoint.status = 503;
  const before = tests();
  await until(async () => {
    await button('Envoyer un essai').click();
    await settled(page);
    return tests() > before;
  }, 'the second test');
  await page.getByText('L’essai a échoué').waitFor();
  assert.match(await textOf(hook()), /statut 503/);
  endpoint.status = 200;
});

test('it is switched off and on, and its secret is replaced once that is confirmed', async () => {
  await button('Mettre en pause').click();
  await hook().getByText('En pause', { exact: true }).waitFor();
  assert.equal((await stored())[0].status, 'PAUSED');
  await button('Activer').click();
  await hook().getByText('Actif', { exact: true }).waitFor();
  await button('Remplacer le secret').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('pendant 24 heures').waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await page.keyboard.press('Escape');
  assert.equal(await dialog.count(), 0);
  assert.ok(await button('Remplacer le secret').evaluate((it) => it === document.activeElement), 'the focus is back');
  await button('Remplacer le secret').click();
  await dialog.getByRole('button', { name: 'Remplacer', exact: true }).click();
  assert.match(await page.getByRole('textbox', { name: 'Secret de signature' }).inputValue(), /^whsec_/);
  await button('J’ai conservé le secret').click();
});

test('one that answered that it wants no more has ended, and says what to do', async () => {
  endpoint.status = 410;
  await publish(demo, { title: 'Voirie du quartier du port', deadline: inTenYears('03-10') });
  await until(async () => (await stored())[0].status === 'ENDED', 'the end');
  await page.reload();
  await hook().getByText('Terminé', { exact: true }).waitFor();
  const text = await textOf(hook());
  assert.match(text, /la réponse a le statut 410/);
  assert.match(text, /Il a répondu qu’il ne veut plus d’alertes\. Supprimez-le, puis ajoutez-en un autre\./);
  // Nothing else can be done with it: neither tried, nor switched on, nor given another secret.
  assert.deepEqual(await hook().getByRole('button').allTextContents(), ['Supprimer le webhook']);
  await button('Ajouter un webhook').waitFor();
  assert.deepEqual(await inaccessible(page), []);
  await page.setViewportSize({ width: 360, height: 740 });
  assert.equal(await scrollsSideways(page), false);
  await picture(page, 'compte-webhook-termine-360');
  await page.setViewportSize({ width: 1280, height: 900 });
});

test('it is removed once that is confirmed', async () => {
  await button('Supprimer le webhook').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Annuler' }).click();
  assert.equal((await stored()).length, 1);
  await button('Supprimer le webhook').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Supprimer', exact: true }).click();
  await page.getByText('Vous n’avez pas encore de webhook').waitFor();
  assert.equal((await stored()).length, 0);
  await page.waitForFunction(() => document.activeElement?.id === 'webhooks');
});

test('a chat has no secret, and its alerts wait for somebody who follows the link', async () => {
  endpoint.status = 404;
  await button('Ajouter un webhook').click();
  await page.getByLabel('Destination').selectOption('Slack');
  await page.getByLabel('Adresse du webhook').fill(endpoint.url);
  await button('Ajouter ce webhook').click();
  await page.getByText('Le webhook a été ajouté.').waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Secret de signature' }).count(), 0);
  assert.match(await textOf(hook()), /Slack[^]*statut 404[^]*n’a pas reçu la demande/);
  assert.equal(await button('Remplacer le secret').count(), 0);
  endpoint.status = 200;
  await until(async () => {
    await button('Redemander la confirmation').click();
    await settled(page);
    return (await stored())[0].lastError === null;
  }, 'the link');
  assert.match(await textOf(hook()), /En attente de confirmation[^]*a reçu un lien/);
  // Somebody follows it in the chat: the page shows that by itself.
  const link = JSON.stringify(endpoint.sent.at(-1)).match(/http:\/\/127[^"\\|>]*/)[0];
  const chat = await page.context().newPage();
  await chat.goto(link);
  await chat.getByRole('button').first().click();
  await chat.close();
  await hook().getByText('Actif', { exact: true }).waitFor();
});

test('nobody complained', () => assert.deepEqual(page.complaints, []));
