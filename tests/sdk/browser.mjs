// The SDKs that run in a shop's pages, as published: @segment/analytics-next in Chromium or jsdom, and RudderStack's in
// Chromium. browser.mjs PLAN HOST KEY CHROMIUM|jsdom
//
// Every user has a browser of their own and stays on the page until everything they did has arrived.

import { readFileSync } from 'node:fs';
import http from 'node:http';

import { file, require, wait } from './modules.mjs';
import { tell } from './page.mjs';

const [planFile, host, key, browser] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planFile));
const sdk = plan.name;
const BUNDLES = {
  'analytics-next': '@segment/analytics-next/dist/umd/index.js',
  'rudder-js': '@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js',
};
const bundle = readFileSync(file(BUNDLES[sdk]));
const PATIENCE_MS = 120_000;
const BROWSERS_AT_ONCE = 4;

/** Message ids that the stack has taken, one set a user. */
function arrivals() {
  const taken = new Set();
  return {
    note: (body) => taken.add(JSON.parse(body).messageId),
    async all(count, user) {
      for (const end = Date.now() + PATIENCE_MS; taken.size < count; await wait(20)) {
        if (Date.now() > end) throw new Error(`${user}: ${taken.size} of ${count} events arrived`);
      }
    },
  };
}

async function inChromium() {
  const shop = http.createServer((request, response) => {
    const isScript = request.url === '/sdk.js';
    response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
    response.end(isScript ? bundle : '<!doctype html><title>Shop</title><script src="/sdk.js"></script>');
  });
  await new Promise((done) => shop.listen(0, '127.0.0.1', done));
  const { chromium } = require('playwright-core');
  const chrome = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] });
  const visit = async ({ user, calls }) => {
    const context = await chrome.newContext();
    const page = await context.newPage();
    const arrived = arrivals();
    page.on('response', (response) => {
      const request = response.request();
      if (request.method() === 'POST' && response.status() === 200) arrived.note(request.postData());
    });
    // Another origin than the stack's, so that the browser asks before it sends.
    await page.goto(`http://localhost:${shop.address().port}/category/pasta?utm_source=letter`);
    await page.evaluate(tell, { sdk, key, host, calls });
    await arrived.all(calls.length, user);
    await context.close();
  };
  await pool(visit);
  await chrome.close();
  shop.close();
}

async function inJsdom() {
  const { JSDOM } = require('jsdom');
  const visit = async ({ user, calls }) => {
    const arrived = arrivals();
    const dom = new JSDOM('<!doctype html><title>Shop</title>', {
      url: 'http://localhost/category/pasta',
      runScripts: 'outside-only',
      pretendToBeVisual: true,
    });
    dom.window.fetch = async (url, init) => {
      const response = await fetch(url, { ...init, signal: undefined });
      if (init?.body && response.status === 200) arrived.note(init.body);
      return response;
    };
    dom.window.eval(bundle.toString());
    dom.window.eval(`(${tell})(${JSON.stringify({ sdk, key, host, calls })})`);
    await arrived.all(calls.length, user);
    dom.window.close();
  };
  await pool(visit);
}

/** Visits of all users, some at once. */
async function pool(visit) {
  const waiting = [...plan.users];
  const worker = async () => {
    for (let user = waiting.shift(); user; user = waiting.shift()) await visit(user);
  };
  await Promise.all(Array.from({ length: BROWSERS_AT_ONCE }, worker));
}

await (browser === 'jsdom' ? inJsdom() : inChromium());
process.exit(0);
