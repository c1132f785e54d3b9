// Takes the picture of the README, docs/page.png, of the demo's page.
import { fileURLToPath } from 'node:url';
import { settled, startBrowser, startDemo, visit } from '../test/world.js';

const server = await startDemo();
const browser = await startBrowser();
const page = await visit(browser, { viewport: { width: 1180, height: 1340 } });
await page.goto(`${server.url}/veille`);
await settled(page);
await page.screenshot({ path: fileURLToPath(new URL('../../docs/page.png', import.meta.url)) });
await browser.close();
await server.stop();
