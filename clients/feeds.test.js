// Feeds and calendars as programs for them read these: the feed by a schema of RFC 4287 and the W3C's rules that no schema
// can say, the calendars by two parsers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { after, before } from 'node:test';
import { parseAtomFeed } from 'feedsmith';
import ICAL from 'ical.js';
import nodeICal from 'node-ical';
import { memoryPages, validateXML } from 'xmllint-wasm';
import { startServer, until } from './server.js';

const publicURL = 'https://veille.example.org';
const grammar = readFileSync(new URL('atom.rng', import.meta.url), 'utf8');
const day = 24 * 3600 * 1000;
// Texts of publishers are odd. (A backslash before an n is one that node-ical takes for the end of a line.)
const odd = 'Réfection de voirie & a < b > c, « lot 1 »; rue\\chemin: "abc" 🚧 ' + 'très long '.repeat(12).trim();

let server;
let token;
let addresses;
let published = 0;

before(async () => {
  server = await startServer({ VIGIE_PUBLIC_URL: publicURL, VIGIE_BRAND_NAME: 'Marchés de Valombre & Cie' });
  token = server.person();
  await server.watch(token, 'voirie');
  addresses = await ask();
  await publish({ title: odd, sourceRef: 'odd' });
  await publish({ title: 'Voirie, à rectifier', sourceRef: 'moved' });
  await publish({ title: 'Voirie, à annuler', sourceRef: 'ended' });
  await publish({ kind: 'CORRECTION', title: 'Voirie, à rectifier', sourceRef: 'moved-2', previousRef: 'moved', deadline: inDays(40), correction: 'Au lieu de : 30 jours. Lire : 40 jours.' });
  await publish({ kind: 'CANCELLATION', title: 'Voirie, à annuler', sourceRef: 'ended-2', previousRef: 'ended' });
  await until(async () => {
    const { matchingTenders, cancelled } = await server.ask(token, '{ matchingTenders { nodes { title deadline } } cancelled: tenders(filter: { statuses: [CANCELLED] }) { totalCount } }');
    return cancelled.totalCount === 1 && matchingTenders.nodes.length === 2 && matchingTenders.nodes.some(({ deadline }) => Date.parse(deadline) === Date.parse(inDays(40)));
  }, 'the index');
});
after(() => server.stop());

/** So many days from today, at 11:00 UTC. */
function inDays(days) {
  return new Date(Math.floor(Date.now() / day) * day + days * day + 11 * 3600 * 1000).toISOString().replace('.000', '');
}

async function publish(notice) {
  const publisher = server.token('--scope', 'publish', '--sources', 'portal');
  const input = [
    {
      source: 'portal', buyerName: "Commune d'Exemple", publishedAt: new Date(Date.now() - day + 60_000 * ++published).toISOString(), deadline: inDays(30),
      departmentCodes: ['01'], url: `https://portail.example/avis?ref=${notice.sourceRef}&vue=1`, ...notice,
    },
  ];
  const { publishNotices } = await server.ask(publisher, 'mutation ($input: [NoticeInput!]!) { publishNotices(input: $input) { userErrors { field message } } }', { input });
  assert.deepEqual(publishNotices.userErrors, []);
}

async function ask() {
  const { viewer } = await server.ask(token, '{ viewer { feedUrl calendarUrl watches { nodes { id feedUrl calendarUrl } } } }');
  const [watch] = viewer.watches.nodes;
  return { feed: watch.feedUrl, calendar: watch.calendarUrl, accountFeed: viewer.feedUrl, accountCalendar: viewer.calendarUrl, watch: watch.id };
}

/** What there is at an address, asked of the server itself. */
async function get(address, headers = {}) {
  assert.ok(address.startsWith(`${publicURL}/`), address);
  return fetch(address.replace(publicURL, server.url.replace('/graphql', '')), { headers });
}

async function read(address) {
  const answer = await get(address);
  assert.equal(answer.status, 200);
  return answer.text();
}

/** What the schema says of a feed, a line each. */
async function wrong(xml) {
  const { errors } = await validateXML({
    xml: [{ fileName: 'feed.atom', contents: xml }], schema: [grammar], extension: 'relaxng', maxMemoryPages: memoryPages.GiB / 4,
  });
  return errors.map(({ message }) => message);
}

/** What the W3C's feed validator asks beyond the schema, a line each. */
function complaints(xml, self) {
  const feed = parseAtomFeed(xml);
  const list = [];
  const check = (right, what) => right || list.push(what);
  const absolute = (url) => URL.canParse(url) && /^(https?|urn):/.test(url);
  check(feed.links.some(({ rel, href }) => rel === 'self' && href === self), 'no link to itself');
  const links = [feed, ...(feed.entries ?? [])].map(({ links }) => links ?? []);
  for (const of of links) {
    check(of.every(({ href }) => absolute(href)), 'a relative address');
    const alternates = of.filter(({ rel }) => rel === 'alternate').map(({ type, hreflang }) => `${type} ${hreflang}`);
    check(new Set(alternates).size === alternates.length, 'two alternates of one type');
  }
  const ids = [feed, ...(feed.entries ?? [])].map(({ id }) => id);
  check(ids.every(absolute), 'an id is no absolute address');
  check(new Set(ids).size === ids.length, 'an id is there twice');
  for (const { title, content, published, updated } of feed.entries ?? []) {
    const text = typeof title === 'string' ? title : title?.value;
    check(text?.trim(), 'an entry without a title');
    check(!/<\w/.test(text ?? ''), 'a title with tags');
    const html = typeof content === 'string' ? content : content?.value;
    check(html?.trim(), 'an entry without content');
    check(!/<(script|style|iframe|object|embed|form|link|meta|img)\b|\son\w+=|javascript:/i.test(html ?? ''), 'content that readers refuse');
    check(Date.parse(updated) >= Date.parse(published), 'updated before it was published');
    check(Date.parse(updated) <= Date.parse(feed.updated), 'the feed is older than an entry');
    check(Date.parse(updated) <= Date.now(), 'updated in the future');
  }
  return list;
}

test('feeds are valid', async () => {
  for (const address of [addresses.feed, addresses.accountFeed]) {
    const answer = await get(address);
    assert.equal(answer.headers.get('content-type'), 'application/atom+xml; charset=utf-8');
    const xml = await answer.text();
    assert.deepEqual(await wrong(xml), []);
    assert.deepEqual(complaints(xml, address), []);
  }
});

test('what is not valid is found', async () => {
  const xml = await read(addresses.feed);
  for (const [name, change] of [
    ['no id', (text) => text.replace(/<id>.*?<\/id>/, '')],
    ['no author', (text) => text.replace(/<author>.*?<\/author>/, '')],
    ['a date without a zone', (text) => text.replace(/<updated>(.*?)Z</, '<updated>$1<')],
    ['two titles', (text) => text.replace(/(<title>.*?<\/title>)/, '$1$1')],
    ['an unknown element', (text) => text.replace('<entry>', '<entry><date>x</date>')],
    ['an entry without updated', (text) => text.replace(/(<entry>.*?)<updated>.*?<\/updated>/s, '$1')],
    ['a link that leads nowhere', (text) => text.replace(/href="[^"]*"/, '')],
    ['no feed', (text) => text.replaceAll('http://www.w3.org/2005/Atom', 'urn:x')],
    ['no XML', (text) => text.replace('</feed>', '')],
  ]) {
    assert.notEqual(change(xml), xml, name);
    assert.notDeepEqual(await wrong(change(xml)), [], name);
  }
  for (const [what, change] of [
    ['no link to itself', (text) => text.replace('rel="self"', 'rel="related"')],
    ['an id is there twice', (text) => text.replaceAll(/<entry><id>.*?<\/id>/g, '<entry><id>urn:uuid:1</id>')],
    ['the feed is older than an entry', (text) => text.replace(/<updated>.*?</, '<updated>2020-01-01T00:00:00Z<')],
    ['content that readers refuse', (text) => text.replaceAll('&lt;p&gt;', '&lt;script&gt;')],
  ]) {
    assert.ok(complaints(change(xml), addresses.feed).includes(what), what);
  }
});

test('a feed says what happened, in the order in which it did', async () => {
  const { entries, title } = parseAtomFeed((await read(addresses.feed)).replaceAll('\u00a0', ' '));
  assert.match(JSON.stringify(title), /voirie – Marchés de Valombre & Cie/);
  const text = (value) => value.value ?? value;
  assert.deepEqual(entries.map((entry) => text(entry.title)), ['Annulé : Voirie, à annuler', 'Rectifié : Voirie, à rectifier', odd]);
  const [cancelled, corrected, plain] = entries.map((entry) => text(entry.content));
  assert.match(cancelled, /Ce marché a été annulé/);
  assert.match(corrected, /<del>.*<\/del> → .*Lire : 40 jours/s);
  for (const fact of ['Commune d&#39;Exemple', 'Ain (01)', 'Date limite de réponse', 'Veille <b>voirie</b> : voirie (trouvé dans : objet)']) assert.ok(plain.includes(fact), fact);
  assert.equal(entries[2].links[0].href, 'https://portail.example/avis?ref=odd&vue=1');
});

test('two parsers read the same of a calendar', async () => {
  for (const address of [addresses.calendar, addresses.accountCalendar]) {
    const answer = await get(address);
    assert.equal(answer.headers.get('content-type'), 'text/calendar; charset=utf-8');
    const text = await answer.text();
    const first = new ICAL.Component(ICAL.parse(text));
    assert.equal(first.getFirstPropertyValue('version'), '2.0');
    assert.equal(first.getFirstPropertyValue('method'), null);
    const events = first.getAllSubcomponents('vevent').map((component) => {
      const event = new ICAL.Event(component);
      const [alarm] = component.getAllSubcomponents('valarm');
      return {
        uid: event.uid, summary: event.summary, description: event.description, start: event.startDate.toJSDate().toISOString(), seconds: event.duration.toSeconds(),
        sequence: event.sequence, status: component.getFirstPropertyValue('status'), stamp: component.getFirstPropertyValue('dtstamp').toJSDate().toISOString(),
        url: component.getFirstPropertyValue('url'), alarm: alarm?.getFirstPropertyValue('trigger').toString(),
      };
    });
    const second = Object.values(nodeICal.sync.parseICS(text)).filter(({ type }) => type === 'VEVENT').map((event) => ({
      uid: event.uid, summary: event.summary, description: event.description, start: event.start.toISOString(), seconds: (event.end - event.start) / 1000,
      sequence: Number(event.sequence), status: event.status, stamp: event.dtstamp.toISOString(), url: event.url,
      alarm: event.alarms?.[0]?.trigger,
    }));
    const byUID = (list) => list.sort((a, b) => a.uid.localeCompare(b.uid));
    assert.deepEqual(byUID(events), byUID(second));
    const plain = (value) => value.replaceAll('\u00a0', ' ');
    const states = events.map(({ summary, start, status, sequence, seconds, alarm }) => [plain(summary), start, status, sequence, seconds, alarm]).sort();
    const at = (days) => new Date(inDays(days)).toISOString();
    assert.deepEqual(states, [
      ['Annulé : Voirie, à annuler', at(30), 'CANCELLED', 1, 0, undefined],
      [`Date limite de réponse : ${odd}`, at(30), 'CONFIRMED', 0, 0, '-P2D'],
      ['Date limite de réponse : Voirie, à rectifier', at(40), 'CONFIRMED', 1, 0, '-P2D'],
    ]);
    for (const { description, url } of events) assert.ok(description.includes("Commune d'Exemple") && description.includes(url), description);
  }
});

test('a calendar keeps to the lines of RFC 5545', async () => {
  const bytes = Buffer.from(await (await get(addresses.calendar)).arrayBuffer());
  const lines = bytes.toString('latin1').split('\r\n');
  assert.equal(lines.pop(), '');
  assert.ok(lines.some((line) => line.startsWith(' ')), 'no line is folded');
  for (const line of lines) assert.ok(line.length <= 75 && !/[\r\n]/.test(line), line);
});

test('the calendar of one tender is for everybody', async () => {
  const { matchingTenders } = await server.ask(token, '{ matchingTenders { nodes { sourceRef calendarUrl } } }');
  const { calendarUrl } = matchingTenders.nodes.find(({ sourceRef }) => sourceRef === 'moved');
  for (const [language, summary] of [['fr', 'Date limite de réponse : Voirie, à rectifier'], ['en', 'Deadline: Voirie, à rectifier']]) {
    const answer = await get(calendarUrl, { 'Accept-Language': language });
    assert.match(answer.headers.get('content-disposition'), /^attachment; filename="moved\.ics"$/);
    const text = await answer.text();
    const [event] = Object.values(nodeICal.sync.parseICS(text)).filter(({ type }) => type === 'VEVENT');
    assert.equal(event.summary.replaceAll('\u00a0', ' '), summary);
    assert.equal(event.start.toISOString(), new Date(inDays(40)).toISOString());
    assert.equal(new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vevent').length, 1);
    assert.doesNotMatch(text, /Veille|Watch/);
  }
});

test('what was read is not sent again, and what was replaced is gone', async () => {
  const answer = await get(addresses.feed, { 'Accept-Encoding': 'gzip' });
  assert.equal(answer.headers.get('content-encoding'), 'gzip');
  assert.equal(answer.headers.get('cache-control'), 'private, max-age=60');
  const again = await get(addresses.feed, { 'Accept-Encoding': 'gzip', 'If-None-Match': answer.headers.get('etag') });
  assert.equal(again.status, 304);
  const { rotateFeed } = await server.ask(token, `mutation ($id: ID) { rotateFeed(watchId: $id) { watch { feedUrl calendarUrl } userErrors { code } } }`, { id: addresses.watch });
  assert.deepEqual(rotateFeed.userErrors, []);
  for (const former of [addresses.feed, addresses.calendar]) assert.equal((await get(former)).status, 404);
  for (const present of [rotateFeed.watch.feedUrl, rotateFeed.watch.calendarUrl, addresses.accountFeed]) assert.equal((await get(present)).status, 200);
});

test('readers are counted by their address', async () => {
  const slow = await startServer({ VIGIE_PUBLIC_URL: publicURL, VIGIE_RATE_ADDRESS: '3' });
  const address = `${slow.url.replace('/graphql', '')}/feeds/${'0'.repeat(40)}.atom`;
  const statuses = [];
  for (let i = 0; i < 5; i++) statuses.push((await fetch(address)).status);
  assert.deepEqual(statuses, [404, 404, 404, 429, 429]);
  await slow.stop();
});
