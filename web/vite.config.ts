import { addTypenameToDocument } from '@apollo/client/utilities';
import { parse, print, stripIgnoredCharacters } from 'graphql';
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const base = '/veille/';

/** index.html is a template of the server's; here, in development, nobody fills it in. */
const unfilled: Plugin = {
  name: 'unfilled',
  apply: 'serve',
  transformIndexHtml: (html) => html.replaceAll('{{.Brand}}', 'Vigie').replaceAll('{{.Home}}', ''),
};

/** A file of questions as text, as Apollo Client asks them, which wants the types of what it gets. */
const questions: Plugin = {
  name: 'questions',
  load: {
    filter: { id: /\.graphql$/ },
    async handler(id) {
      const text = print(addTypenameToDocument(parse(await readFile(id, 'utf8'))));
      return { code: `export default ${JSON.stringify(stripIgnoredCharacters(text))}`, moduleType: 'js' };
    },
  },
};

/** The rest of the script is fetched at once, beside what asks the first questions: it would be known only when that is run. */
const preloaded: Plugin = {
  name: 'preloaded',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle }) {
      const files = Object.values(bundle!).filter((file) => file.type === 'chunk');
      const wanted = new Set<string>();
      const want = ({ fileName, isEntry, imports }: (typeof files)[number]) => {
        if (isEntry || wanted.has(fileName)) return;
        wanted.add(fileName);
        for (const file of files) if (imports.includes(file.fileName)) want(file);
      };
      want(files.find(({ facadeModuleId }) => facadeModuleId && basename(facadeModuleId) === 'show.tsx')!);
      return [...wanted].map((name) => ({ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: base + name }, injectTo: 'head' as const }));
    },
  },
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
  base,
  plugins: [unfilled, questions, preloaded, compressed],
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
