// Opens the console in a browser as somebody of the sample shop's staff, who are made for the tests.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

export const BASE = process.env.BASE_URL.replace(/\/$/, '');
export const TABLET = { width: 820, height: 1180 };
export const DESKTOP = { width: 1280, height: 900 };
const PATIENCE_MS = 20_000;
const PASSWORD = 'made for the browser tests';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
after(() => browser.close());

/** Asks the API with the shop's server key. */
export async function api(method, path, body, headers = {}) {
  const response = await fetch(`${BASE}${path}`, {
    method,
    headers: { Authorization: `Bearer ${process.env.SERVER_KEY}`, 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}

const hired = new Map();

/** Takes somebody of a role in, once. */
function hire(role) {
  if (!hired.has(role)) hired.set(role, api('PUT', `/v1/staff/test-${role}`, { role, password: PASSWORD }));
  return hired.get(role);
}
after(() => Promise.all([...hired.keys()].map((role) => api('DELETE', `/v1/staff/test-${role}`))));

const sessions = new Map();

/** The cookies of a session: tries to sign in are limited, so each role signs in once. */
function session(role) {
  if (!sessions.has(role)) {
    sessions.set(role, (async () => {
      const { status, body } = await hire(role);
      assert.equal(status, 200, JSON.stringify(body));
      const context = await browser.newContext({ locale: 'en-GB' });
      const page = await context.newPage();
      await signIn(page, role);
      const cookies = await context.cookies();
      await context.close();
      return cookies.filter(({ name }) => name.endsWith('console'));
    })());
  }
  return sessions.get(role);
}

export async function signIn(page, role) {
  await page.goto(`${BASE}/console`);
  await page.locator('#shop').fill('demo');
  await page.locator('#name').fill(`test-${role}`);
  await page.locator('#password').fill(PASSWORD);
  await page.locator('#password').press('Enter');
  await page.locator('.side').waitFor();
}

/** A test at the desk of somebody of a role: nothing fails on the way, and the browser's console stays free of errors. */
export function desk(name, { role = 'marketer', locale = 'en-GB', viewport = DESKTOP, refusals = false, ...context } = {}, body) {
  test(name, { timeout: 12 * PATIENCE_MS }, async () => {
    const own = await browser.newContext({ locale, viewport, reducedMotion: 'reduce', ...context });
    own.setDefaultTimeout(PATIENCE_MS);
    const complaints = [];
    try {
      await own.addCookies(await session(role));
      const page = await own.newPage();
      // A browser notes every page that is a refusal; where one is meant it is no fault.
      const meant = (text) => refusals && /status of 4\d\d/.test(text);
      page.on('console', (message) => message.type() === 'error' && !meant(message.text()) && complaints.push(`console: ${message.text()}`));
      page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack}`));
      page.on('response', (response) => response.status() >= 500 &&
        complaints.push(`${response.status()}: ${response.request().method()} ${response.url()}`));
      await body(page);
      assert.deepEqual(complaints, []);
    } catch (error) {
      if (complaints.length) error.message += `\n${complaints.join('\n')}`;
      throw error;
    } finally {
      await own.close();
    }
  });
}

export async function screenshot(page, name) {
  const folder = fileURLToPath(new URL('screenshots/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}console-${name}.png`, fullPage: true });
}

/** What axe finds seriously wrong. */
export async function faults(page) {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  assert.ok(passes.length > 10, 'the checks did not run');
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map((node) => node.html)]);
}

/** The pages that everybody has, and those of whoever sees visitors. */
export const PAGES = {
  overview: '/console',
  placements: '/console/placements',
  placement: '/console/placements/home',
  'new-placement': '/console/placements/new',
  rules: '/console/rules',
  'new-rule': '/console/rules/new',
  segments: '/console/segments',
  segment: '/console/segments/deal-hunters',
  'new-segment': '/console/segments/new',
  experiments: '/console/experiments',
  'new-experiment': '/console/experiments/new',
  products: '/console/products',
  product: '/console/products/1127831?as_visitor=&at_placement=home',
  models: '/console/models',
  settings: '/console/settings',
};
export const OF_ADMINS = {
  visitors: '/console/visitors',
  visitor: '/console/visitors?id=u%3A853',
  staff: '/console/staff',
};
