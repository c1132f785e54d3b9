// Messages to chats, as the server writes them, by what Slack and Microsoft publish of their forms.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from 'puppeteer-core';
import { temporaryFolder } from './server.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const require = createRequire(import.meta.url);
const folder = here('../alert/webhook/testdata');

/** The messages of a format by their names: those that TestBodies holds the server to. */
const messages = (format) =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.startsWith(`${format}-`))
      .map((name) => [name, JSON.parse(readFileSync(join(folder, name), 'utf8'))]),
  );
const slack = messages('slack');
const teams = messages('teams');
const card = (message) => message.attachments[0].content;

/** What the compiler says of values of a type, a line each; a literal may have no property that its type does not have. */
function compile(imports, type, values) {
  const project = temporaryFolder();
  symlinkSync(here('node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  const lines = values.map((value, i) => `export const value${i}: ${type} = ${JSON.stringify(value)};`);
  writeFileSync(join(project, 'values.ts'), [imports, ...lines].join('\n'));
  try {
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler'];
    execFileSync(process.execPath, [here('node_modules/typescript/bin/tsc'), ...options, 'values.ts'], { cwd: project, encoding: 'utf8', stdio: 'pipe' });
    return [];
  } catch ({ stdout }) {
    return stdout.trim().split('\n');
  }
}

test('Slack: blocks are of its types', () => {
  const imports = "import type { KnownBlock } from '@slack/types';";
  assert.ok(Object.keys(slack).length >= 8);
  assert.deepEqual(compile(imports, 'KnownBlock[]', Object.values(slack).map(({ blocks }) => blocks)), []);
  const wrong = structuredClone(slack['slack-new.json'].blocks);
  wrong.find(({ type }) => type === 'actions').elements[0].href = 'https://example.org';
  assert.notDeepEqual(compile(imports, 'KnownBlock[]', [wrong]), [], 'a property that it does not have');
});

test('Teams: cards are of its types', () => {
  const imports = "import type { IAdaptiveCard } from '@microsoft/teams.cards';";
  assert.ok(Object.keys(teams).length >= 8);
  for (const { type, attachments } of Object.values(teams)) {
    assert.equal(type, 'message');
    assert.deepEqual(attachments.map(({ contentType }) => contentType), ['application/vnd.microsoft.card.adaptive']);
  }
  assert.deepEqual(compile(imports, 'IAdaptiveCard', Object.values(teams).map(card)), []);
  const wrong = structuredClone(card(teams['teams-new.json']));
  wrong.body[0].inlines[0].size = 'Huge';
  assert.notDeepEqual(compile(imports, 'IAdaptiveCard', [wrong]), [], 'a size that it does not have');
});

let browser;
before(async () => {
  browser = await launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND'],
  });
});
after(() => browser?.close());

/** Cards as Microsoft's library renders them: its warnings, the texts of the blocks, the buttons, and the elements. */
async function render(cards) {
  const page = await browser.newPage();
  await page.addScriptTag({ path: require.resolve('adaptivecards/dist/adaptivecards.min.js') });
  const rendered = await page.evaluate((cards) => cards.map((json) => {
    const { AdaptiveCard, SerializationContext } = globalThis.AdaptiveCards;
    // What it would make of Markdown.
    AdaptiveCard.onProcessMarkdown = (text, result) => Object.assign(result, { didProcess: true, outputHtml: `<b>Markdown</b>${text}` });
    const context = new SerializationContext();
    const card = new AdaptiveCard();
    card.parse(json, context);
    const element = card.render();
    return {
      warnings: [...Array(context.eventCount).keys()].map((i) => context.getEventAt(i).message),
      invalid: card.validateProperties().validationEvents.map(({ message }) => message),
      texts: [...element.querySelectorAll('.ac-richTextBlock')].map((block) => block.textContent),
      buttons: [...element.querySelectorAll('button')].map((button) => button.textContent),
      elements: [...new Set([...element.querySelectorAll('*')].map(({ localName }) => localName))],
    };
  }), cards);
  await page.close();
  return rendered;
}

test("Teams: Microsoft's library shows what was written", async () => {
  const cards = Object.values(teams).map(card);
  const rendered = await render(cards);
  rendered.forEach(({ warnings, invalid, texts, buttons, elements }, i) => {
    assert.deepEqual([...warnings, ...invalid], []);
    assert.deepEqual(texts, cards[i].body.map(({ inlines }) => inlines.map(({ text }) => text).join('')));
    assert.deepEqual(buttons, (cards[i].actions ?? []).map(({ title }) => title));
    assert.deepEqual(elements.filter((name) => !['div', 'span', 'button'].includes(name)), [], 'formatting of others');
  });
  // It does tell what is wrong, and would put in dates.
  const [wrong, date] = await render([
    { type: 'AdaptiveCard', version: '1.4', body: [{ type: 'RichText', inlines: [] }] },
    { type: 'AdaptiveCard', version: '1.4', body: [{ type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: '{{DATE(2026-12-01T10:00:00Z)}}' }] }] },
  ]);
  assert.notDeepEqual(wrong.warnings, []);
  assert.doesNotMatch(date.texts[0], /DATE/);
});
