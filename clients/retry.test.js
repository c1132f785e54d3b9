// How the example client waits, against a server that is only played.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

/** How long after the answer with this Retry-After, made then, the client asks again, in milliseconds. */
async function pauseAfter(retryAfter) {
  const calls = [];
  const server = createServer((request, response) => {
    request.resume();
    calls.push(Date.now());
    if (calls.length === 1) {
      response.writeHead(503, retryAfter === undefined ? {} : { 'Retry-After': retryAfter() }).end('{}');
    } else {
      response.end(JSON.stringify({ data: { done: { results: [{ outcome: 'CREATED' }], userErrors: [] } } }));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = spawn(process.execPath, [fileURLToPath(new URL('publish.js', import.meta.url))], {
    env: { ...process.env, VIGIE_URL: `http://127.0.0.1:${server.address().port}/graphql`, VIGIE_TOKEN: 'x' },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  client.stdin.end('{"notice": {}}\n');
  const [code] = await once(client, 'exit');
  server.close();
  assert.equal(code, 0);
  assert.equal(calls.length, 2);
  return calls[1] - calls[0];
}

test('the example client waits as long as Retry-After says, in seconds or by a date', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('seconds', async () => assert.ok((await pauseAfter(() => '3')) >= 2900)),
    // A date is in whole seconds: it may be up to one less.
    t.test('a date', async () => assert.ok((await pauseAfter(() => new Date(Date.now() + 5000).toUTCString())) >= 2900)),
  ]);
});

test('the example client never asks again at once', { concurrency: true }, async (t) => {
  await Promise.all(
    [undefined, '0', '-5', 'soon', '', new Date(0).toUTCString()].map((value) =>
      t.test(String(value), async () => assert.ok((await pauseAfter(value === undefined ? value : () => value)) >= 450)),
    ),
  );
});
