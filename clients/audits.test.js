// The audits of graphql-http: the GraphQL over HTTP specification, one by one.
import assert from 'node:assert/strict';
import test from 'node:test';
import { serverAudits } from 'graphql-http';
import { startServer } from './server.js';

test('GraphQL over HTTP', async (t) => {
  const server = await startServer();
  t.after(server.stop);
  const audits = serverAudits({ url: server.url });
  assert.equal(audits.length, 61, 'graphql-http has other audits than it had');
  for (const audit of audits) {
    await t.test(`${audit.id} ${audit.name}`, async () => {
      const result = await audit.fn();
      assert.equal(result.status, 'ok', result.reason);
    });
  }
});
