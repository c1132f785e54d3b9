// The real server, in a folder of its own, and what tests ask of it.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const binary = fileURLToPath(new URL('../bin/vigie', import.meta.url));
const secret = '0123456789abcdef0123456789abcdef';

/** A folder that is gone with the process. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-clients-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Until `attempt` gives something; it fails after 30 seconds, or `patience`. */
export async function until(attempt, what, patience = 30_000) {
  for (const end = Date.now() + patience; Date.now() < end; await pause(50)) {
    const got = await attempt();
    if (got) return got;
  }
  throw new Error(`waited in vain for ${what}`);
}

/**
 * Runs `vigie args` until `stop`. It is up when it has said what fits `sign`,
 * whose group is its address, and is ready.
 */
export async function run(args, environment, sign, ready = true) {
  const child = spawn(binary, args, { env: { VIGIE_STOP_DELAY: '0s', ...(environment ?? process.env) }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  process.once('exit', () => child.kill());
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  const address = await until(() => {
    if (child.exitCode !== null) throw new Error(`vigie ${args.join(' ')} ended:\n${said}`);
    return said.match(sign)?.[1];
  }, `the server's address in:\n${said}`);
  const url = `http://${address}`;
  if (ready) await until(async () => (await fetch(`${url}/readyz`)).ok, '/readyz');
  return {
    url,
    /** Without a moment to end in. */
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.kill();
      const [code] = await ended;
      if (code !== 0) throw new Error(`vigie ended with ${code}:\n${said}`);
    },
  };
}

/** Starts `vigie serve`, with more settings where they are given; it is not waited for where it cannot be ready. */
export async function startServer(settings = {}, ready = true) {
  const folder = settings.VIGIE_DATA ?? temporaryFolder();
  const process = await run(
    ['serve'],
    { VIGIE_LISTEN: '127.0.0.1:0', VIGIE_SECRET: secret, VIGIE_DATA: folder, ...settings },
    /address=(127\.0\.0\.1:\d+)/,
    ready,
  );
  return new Server(process, folder);
}

class Server {
  #publisher;
  #published = 0;

  constructor({ url, stop, kill }, folder) {
    this.url = `${url}/graphql`;
    this.socketURL = this.url.replace('http', 'ws');
    this.stop = stop;
    this.kill = kill;
    /** The folder of its data. */
    this.folder = folder;
  }

  /** A token of `vigie token`. */
  token(...args) {
    return execFileSync(binary, ['token', ...args], { env: { VIGIE_SECRET: secret }, encoding: 'utf8' }).trim();
  }

  /** The token of a person. */
  person(email = 'ana@example.org') {
    return this.token('--email', email);
  }

  /** The data that answers a request. */
  async ask(token, query, variables) {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  /** Publishes a tender of each title; answers their ids. */
  async publish(...titles) {
    this.#publisher ??= this.token('--scope', 'publish', '--sources', 'portal');
    const input = titles.map((title) => ({
      source: 'portal',
      sourceRef: String(++this.#published),
      title,
      buyerName: "Commune d'Exemple",
      // One minute apart, so that their order is certain.
      publishedAt: new Date(Date.UTC(2026, 0, 1, 0, this.#published)).toISOString(),
    }));
    const { publishNotices } = await this.ask(
      this.#publisher,
      `mutation ($input: [NoticeInput!]!) {
        publishNotices(input: $input) { results { notice { tender { id } } } userErrors { message } }
      }`,
      { input },
    );
    if (publishNotices.userErrors.length > 0) throw new Error(JSON.stringify(publishNotices.userErrors));
    return publishNotices.results.map((result) => result.notice.tender.id);
  }

  /** Publishes tenders and waits until lists have them. */
  async publishAndIndex(token, ...titles) {
    const ids = await this.publish(...titles);
    await until(async () => {
      const { tenders } = await this.ask(token, `{ tenders(first: 100) { nodes { id } } }`);
      return ids.every((id) => tenders.nodes.some((tender) => tender.id === id));
    }, 'the index');
    return ids;
  }

  /**
   * Publishes tenders until an event of one is received, and answers that event:
   * nothing else shows when a subscription is under way.
   */
  async publishUntil(received, title) {
    let settled = false;
    const end = received.finally(() => (settled = true));
    end.catch(() => {}); // it is awaited below
    await until(async () => {
      if (!settled) await this.publish(title);
      return settled;
    }, `an event of « ${title} »`);
    return end;
  }

  /** Makes a watch for a keyword, which is also its name; answers its id. */
  async watch(token, keyword) {
    const { createWatch } = await this.ask(
      token,
      `mutation ($input: CreateWatchInput!) { createWatch(input: $input) { watch { id } userErrors { message } } }`,
      { input: { name: keyword, criteria: { keywords: [keyword] } } },
    );
    if (!createWatch.watch) throw new Error(JSON.stringify(createWatch.userErrors));
    return createWatch.watch.id;
  }
}

/** A token of a person that ends so many seconds from now, also within less than `vigie token` signs. */
export function tokenFor(seconds, email = 'ana@example.org') {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'vigie', aud: 'vigie', sub: email, email, email_verified: true, iat: now, exp: now + seconds };
  const text = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}
