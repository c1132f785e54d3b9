// The HTML of the mails (the server's golden files) within what Gmail, Outlook and Apple Mail support, by the data of
// caniemail.com.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { caniemail } from 'caniemail';

const golden = fileURLToPath(new URL('../alert/letter/testdata', import.meta.url));
const mails = readdirSync(golden).filter((name) => name.endsWith('.html'));

// Those about which the data has answers for what is used here.
const programs = [
  'gmail.android', 'gmail.desktop-webmail', 'gmail.ios', 'gmail.mobile-webmail',
  'outlook.android', 'outlook.ios', 'outlook.macos', 'outlook.outlook-com', 'outlook.windows',
  'apple-mail.ios', 'apple-mail.macos',
];

// What some programs lack, and what becomes of the mail there. Without styles it is read all the same: see web/test/mails.test.js.
const dispensable = {
  '<style> element': 'no styles in Gmail on the web on phones, nor in its apps for accounts of others',
  'Type selector': 'the same',
  'Class selector': 'the same',
  'Descendant combinator': 'the same',
  '@media': 'one width, and light, in Outlook for Windows and where there are no styles',
  '<body> element': 'the grey around the mail is also that of a table',
  'color-scheme meta tag': 'for Apple Mail; others change the colours themselves, or stay light',
  'border-radius': 'square corners in Outlook for Windows',
  'table-layout': 'very long words make the mail wider in Outlook for Windows',
  'white-space': 'a link may go on in the next line',
};

// What is supported but for a part that is not used here.
const partial = [
  '<ul>, <ol> and <dl>', 'align attribute', 'background', 'border', 'font-size', 'font-weight', 'line-height', 'margin', 'max-width',
  'padding', 'text-decoration', 'width attribute',
];

/** The linter's complaints: what is not supported, or in part, by which program. */
function lint(html, program) {
  // The data does not say what Gmail on iOS does with word-wrap; the others have it, or break long words by themselves.
  const { issues } = caniemail({ clients: [program], html: html.replaceAll(' word-wrap: break-word;', '') });
  const titles = (found) => [...found.values()].flat().map(({ title }) => title);
  return { errors: titles(issues.errors), warnings: titles(issues.warnings) };
}

test('mail programs support what mails use', () => {
  assert.ok(mails.length > 10);
  const met = new Set();
  for (const name of mails) {
    const html = readFileSync(`${golden}/${name}`, 'utf8');
    for (const program of programs) {
      const { errors, warnings } = lint(html, program);
      for (const title of errors) assert.ok(title in dispensable, `${name}: ${program} has no ${title}`);
      for (const title of warnings) assert.ok(title in dispensable || partial.includes(title), `${name}: ${program} has ${title} in part`);
      for (const title of [...errors, ...warnings]) met.add(title);
    }
  }
  assert.deepEqual([...Object.keys(dispensable), ...partial].filter((title) => !met.has(title)), [], 'nothing is excused that is not used');
});

test('the linter finds what mail programs lack', () => {
  const { errors } = lint('<style>p { display: grid }</style><p style="position: fixed">x</p>', 'outlook.windows');
  assert.ok(errors.some((title) => title.includes('position')), errors.join());
});

test('mails stay within the parts that are supported', () => {
  for (const name of mails) {
    const html = readFileSync(`${golden}/${name}`, 'utf8');
    const [, style] = html.match(/^<style>\n([^]*?)<\/style>\n<\/head>/m) ?? assert.fail(`${name}: no styles at the end of the head`);
    assert.equal(html.split('<style').length, 2, `${name}: one element of styles`);
    assert.ok(style.length < 8192, `${name}: Gmail takes no more than 16 kB of styles`);
    assert.doesNotMatch(html, /<img|<script|<link|<svg|url\(|@import|<form|<input/, `${name} loads nothing, and has no form`);
    const declared = [style, ...html.matchAll(/ style="[^"]*"/g)].join('\n');
    assert.doesNotMatch(declared, /margin[^;}"]* -\d|\d(?:rem|vw|vh)\b|font-weight: \d|font-size: \d+%/, name);
    // Outlook for Windows has padding in cells alone, and lists' own; a greatest width of tables alone, Apple Mail not of tables.
    for (const [element] of html.matchAll(/<\w+[^>]*style="[^"]*padding[^>]*>/g)) assert.match(element, /^<td/, `${name}: ${element}`);
    for (const [, selector] of style.matchAll(/^(.*) \{[^}]*padding: [^0}][^}]*\}/gm)) assert.match(selector, /^(ul|\.(tender|page|head|body|button|foot))$/, `${name}: ${selector}`);
    for (const [element] of html.matchAll(/<\w+[^>]*style="[^"]*max-width[^>]*>/g)) assert.match(element, /^<(table|div)/, `${name}: ${element}`);
    // The data has no question for it: Outlook for Windows styles by the first class of .a.b alone.
    assert.doesNotMatch(style.replace(/\d\.\d/g, ''), /[\w-]\.[a-z]/, `${name}: chained selectors`);
  }
});
