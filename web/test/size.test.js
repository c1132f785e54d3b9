// What a browser has to load, compressed as the server sends it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

const built = new URL('../dist/veille/', import.meta.url);

test('the page is less than 200 kB, compressed', () => {
  const files = readdirSync(built, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && !entry.name.endsWith('.br')); // those are the same files
  assert.ok(files.length >= 3);
  const size = files.reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(`${parentPath}/${name}`)).length, 0);
  assert.ok(size < 200_000, `${size} bytes`);
});
