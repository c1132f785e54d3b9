import { defineConfig, type Plugin } from 'vite';

/** index.html is a template of the server's; here, in development, nobody fills it in. */
const unfilled: Plugin = {
  name: 'unfilled',
  apply: 'serve',
  transformIndexHtml: (html) => html.replaceAll('{{.Brand}}', 'Vigie').replaceAll('{{.Home}}', ''),
};

export default defineConfig({
  base: '/veille/',
  plugins: [unfilled],
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
