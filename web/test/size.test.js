// What a browser has to load, compressed as the server sends it to one, and what a telephone's processor has to read at first.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

const built = new URL('../dist/veille/', import.meta.url);

/** How long a file is as it is sent, and as it is read. */
function sizeOf(name) {
  const file = new URL(name, built);
  const packed = new URL(`${name}.br`, built);
  return { sent: existsSync(packed) ? readFileSync(packed).length : gzipSync(readFileSync(file)).length, read: readFileSync(file).length };
}

const sum = (sizes) => sizes.reduce((sum, size) => sum + size, 0);

test('all parts of the page together are less than 180 kB', () => {
  const names = readdirSync(new URL('assets', built)).filter((name) => !name.endsWith('.br'));
  assert.ok(names.length >= 3);
  const sent = sum(names.map((name) => sizeOf(`assets/${name}`).sent));
  assert.ok(sent < 180_000, `${sent} bytes`);
});

test('what a first visit begins with is less than 138 kB, of which scripts are 495 kB once unpacked', () => {
  const page = readFileSync(new URL('index.html', built), 'utf8');
  const names = [...page.matchAll(/(?:src|href)="\/veille\/([^"]+)"/g)].map(([, name]) => name);
  const scripts = names.filter((name) => name.endsWith('.js'));
  assert.ok(scripts.length >= 2);
  const sent = sum(['index.html', ...names].map((name) => sizeOf(name).sent));
  assert.ok(sent < 138_000, `${sent} bytes`);
  const read = sum(scripts.map((name) => sizeOf(name).read));
  assert.ok(read < 495_000, `${read} bytes`);
  // What asks the first questions is there long before the rest.
  const [, first] = page.match(/<script[^>]*src="\/veille\/([^"]+)"/);
  assert.ok(sizeOf(first).sent < 3_500, `${sizeOf(first).sent} bytes`);
});
