import { readFile, writeFile } from 'node:fs/promises';
import { brotliCompressSync, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** index.html is a template of the server's; here, in development, nobody fills it in. */
const unfilled: Plugin = {
  name: 'unfilled',
  apply: 'serve',
  transformIndexHtml: (html) => html.replaceAll('{{.Brand}}', 'Vigie').replaceAll('{{.Home}}', ''),
};

/** Each script and style also compressed by Brotli, as far as it can, which the server has no time for. */
const compressed: Plugin = {
  name: 'compressed',
  apply: 'build',
  async writeBundle({ dir }, bundle) {
    for (const name of Object.keys(bundle)) {
      if (!/\.(js|css)$/.test(name)) continue;
      const content = await readFile(`${dir}/${name}`);
      const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
      await writeFile(`${dir}/${name}.br`, brotliCompressSync(content, { params }));
    }
  },
};

export default defineConfig({
  base: '/veille/',
  plugins: [unfilled, compressed],
  build: {
    outDir: 'dist/veille',
    emptyOutDir: true,
    // The browsers that docs/design.md names.
    target: ['chrome109', 'edge109', 'firefox115', 'safari16.4'],
    // Nothing is written into the page itself, which its policy would forbid.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Whose work the script holds.
    license: { fileName: 'licences.md' },
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { '/graphql': { target: 'http://127.0.0.1:8080', ws: true } } },
});
