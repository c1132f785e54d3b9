// docs/tutorial.md, followed to the letter: its files are written, its commands run, in their order, and what it says comes of
// them does. Only ports and the folder are others, and a catcher of mail stands for Mailpit.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtp-server';
import { blocksOf } from '../../clients/blocks.js';
import { temporaryFolder, until } from '../../clients/server.js';
import { linksIn, settled, startBrowser, textOf, visit } from './world.js';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const folder = temporaryFolder();
const platform = join(folder, 'platform');
const state = join(folder, 'state');
const mails = [];
const running = [];
const said = {};
let browser;
let catcher;
let ports;

/** A port on which nobody listens. */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

before(async () => {
  browser = await startBrowser();
  ports = { 8080: await freePort(), 3000: await freePort() };
  catcher = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    async onData(stream, session, done) {
      let text = '';
      for await (const part of stream) text += part;
      mails.push(text);
      done();
    },
  });
  catcher.listen(0, '127.0.0.1');
  await once(catcher.server, 'listening');
  ports[1025] = catcher.server.address().port;
  // A terminal begins in the checkout, without what make says to those that it runs.
  writeFileSync(state, `cd ${checkout}\nunset MAKEFLAGS MFLAGS MAKELEVEL\nexport VIGIE_LISTEN=127.0.0.1:${ports[8080]}\n`);
});
after(async () => {
  for (const { child } of running) if (child.exitCode === null) process.kill(-child.pid);
  await Promise.all(running.map(({ ended }) => ended));
  catcher?.close();
  await browser?.close();
});

/** A text of the tutorial, with this test's ports and folder. */
const adapted = (text) =>
  Object.entries(ports).reduce((so, [port, ours]) => so.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${ours}`), text.replaceAll('~/platform', platform))
    .replaceAll('listen(3000,', `listen(${ports[3000]},`);

/** Runs commands where those before have left off, as in one terminal; answers what they print. */
async function command(text) {
  const script = `source ${state}\n${text}\n{ export -p; echo "cd '$PWD'"; } > ${state}`;
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { timeout: 180_000 });
  return stdout;
}

/** Runs commands in a terminal of their own, until the end. */
function start(name, text) {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', `source ${state}\n${text}`], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  said[name] = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (said[name] += part));
  running.push({ child, ended: once(child, 'exit') });
}

const terminals = {
  mailpit() {}, // the catcher runs
  vigie: (text) => start('vigie', text),
  site: (text) => start('site', text),
};

test('each step does what the tutorial says', async () => {
  let printed = '';
  for (const { language, name, text } of blocksOf('tutorial.md')) {
    if (language === 'js') writeFileSync(join(platform, name), adapted(text));
    else if (language === 'text') assert.equal(printed, text);
    else if (name) terminals[name](adapted(text));
    else printed = await command(adapted(text));
  }
  assert.deepEqual(Object.keys(said), ['vigie', 'site']);
  assert.ok(existsSync(join(platform, 'site.js')));
});

test('the settings are right', () => {
  assert.match(said.vigie, /^mail +ok\b/m);
  assert.doesNotMatch(said.vigie, /\b(wrong|WARN|ERROR)\b/);
});

test('the alert arrives, and leads to the tender by way of the platform', async () => {
  const [mail] = await until(() => mails.length > 0 && mails, 'the alert');
  assert.match(mail, /^To: .*ana@example\.org/m);
  const link = linksIn([mail]).find((address) => address.includes('/veille/')) ?? assert.fail('no link to the page');
  const visitor = await visit(browser);
  await visitor.goto(link);
  await visitor.getByRole('link', { name: 'Aller à mon espace candidat' }).click();
  await visitor.getByText('Réfection de la voirie communale').first().waitFor();
  assert.equal(new URL(visitor.url()).hash, '', 'the token stays in the address');
  await visitor.context().close();
});

test('the platform leads people to the page, signed in, and to nowhere else', async () => {
  const visitor = await visit(browser);
  await visitor.goto(`http://127.0.0.1:${ports[3000]}/`);
  await settled(visitor);
  const shown = await textOf(visitor.locator('body'));
  for (const part of ['Voirie', 'Réfection de la voirie communale']) assert.ok(shown.includes(part), `the page does not show « ${part} »`);
  await visitor.context().close();
  const elsewhere = await fetch(`http://127.0.0.1:${ports[3000]}/?return=https://elsewhere.example/veille`, { redirect: 'manual' });
  assert.equal(elsewhere.status, 400);
});
