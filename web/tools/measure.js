// How fast the page is, as Lighthouse measures: on a telephone (a processor four times slower than this one, 150 ms there and
// back, 1.6 Mbit/s) and on a desk (this processor, 40 ms, 10 Mbit/s), nothing kept from before. Prints the medians of several
// visits to the demo's page.
import { startBrowser, startDemo, visit } from '../test/world.js';

const visits = 7;
const server = await startDemo();
const browser = await startBrowser();

const devices = {
  telephone: { width: 412, height: 823, slower: 4, latency: 150, speed: 1.6e6 },
  desk: { width: 1350, height: 940, slower: 1, latency: 40, speed: 10e6 },
};

/** One visit to the page by somebody new. */
async function measure({ width, height, slower, latency, speed }) {
  const page = await visit(browser, { viewport: { width, height } });
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.emulateNetworkConditions', { offline: false, latency, downloadThroughput: speed / 8, uploadThroughput: speed / 16 });
  await client.send('Emulation.setCPUThrottlingRate', { rate: slower });
  let bytes = 0;
  client.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.addInitScript(() => {
    window.measured = { paint: 0, moved: 0, blocked: 0 };
    const on = (type, each) => new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
    on('largest-contentful-paint', ({ startTime }) => (window.measured.paint = startTime));
    on('layout-shift', ({ value, hadRecentInput }) => (window.measured.moved += hadRecentInput ? 0 : value));
    on('longtask', ({ duration }) => (window.measured.blocked += Math.max(0, duration - 50)));
  });
  await page.goto(`${server.url}/veille`);
  await page.locator('.total').waitFor();
  await page.waitForLoadState('networkidle');
  const measured = await page.evaluate(() => ({
    'first contentful paint, ms': performance.getEntriesByName('first-contentful-paint')[0].startTime,
    'largest contentful paint, ms': window.measured.paint,
    'total blocking time, ms': window.measured.blocked,
    'cumulative layout shift': window.measured.moved,
  }));
  await page.context().close();
  return { ...measured, 'bytes received': bytes };
}

for (const [device, conditions] of Object.entries(devices)) {
  const all = [];
  for (let i = 0; i < visits; i++) all.push(await measure(conditions));
  console.log(`${device}:`);
  for (const name of Object.keys(all[0])) {
    const sorted = all.map((measured) => measured[name]).sort((a, b) => a - b);
    console.log(`  ${name}: ${Number(sorted[(visits - 1) / 2].toFixed(3))}`);
  }
}
await browser.close();
await server.stop();
