// Opens the console in a browser as somebody of the sample shop's staff, who are made for the tests.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

export const BASE = process.env.BASE_URL.replace(/\/$/, '');
export const TABLET = { width: 820, height: 1180 };
export const DESKTOP = { width: 1280, height: 900 };
const PATIENCE_MS = 20_000;
const PASSWORD = 'made for the browser tests';
/** Sets this run's experiments and visitors apart from an earlier one's: the id of an experiment that has begun is not used again. */
export const RUN = Date.now().toString(36);

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

/** Ends and removes the experiments whose ids begin so, also those that an interrupted run left. */
export async function removeExperiments(prefix) {
  const { body } = await api('GET', '/v1/experiments');
  for (const experiment of body.experiments.filter(({ id }) => id.startsWith(prefix))) {
    const path = `/v1/experiments/${experiment.id}`;
    if (experiment.status === 'running') await api('PUT', path, { ...experiment, status: 'stopped' });
    await api('DELETE', path);
  }
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

/** A test at the desk of somebody of a role, or before the door without one: nothing fails on the way, and the browser's console stays free of errors. */
export function desk(name, { role = 'marketer', locale = 'en-GB', viewport = DESKTOP, refusals = false, ...context } = {}, body) {
  test(name, { timeout: 12 * PATIENCE_MS }, async () => {
    const own = await browser.newContext({ locale, viewport, reducedMotion: 'reduce', ...context });
    own.setDefaultTimeout(PATIENCE_MS);
    const complaints = [];
    try {
      if (role) await own.addCookies(await session(role));
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

/** The pages that everybody has, and those of whoever sees visitors; what they need is made by [`furnish`]. */
export const PAGES = {
  overview: '/console',
  results: '/console/results',
  'results-days': '/console/results?from=2026-11-01&to=2026-11-30',
  placements: '/console/placements',
  placement: '/console/placements/home',
  'new-placement': '/console/placements/new',
  rules: '/console/rules',
  rule: '/console/rules/pages-rule',
  'removed-rule': '/console/rules/pages-removed',
  'new-rule': '/console/rules/new',
  segments: '/console/segments',
  segment: '/console/segments/deal-hunters',
  'new-segment': '/console/segments/new',
  experiments: '/console/experiments',
  experiment: '/console/experiments/pages-draft',
  'edit-experiment': '/console/experiments/pages-draft/edit',
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
/** Before somebody has signed in. */
export const DOOR = { door: '/console/sign-in', left: '/console/sign-in?said=left' };

/** The addresses that the console has pages at, as its program lists them; what is in braces is a name. */
export function routes() {
  const source = readFileSync(new URL('../../functions/manage/src/console/mod.rs', import.meta.url), 'utf8');
  return [...source.matchAll(/\.route\("(\/console[^"]*)",\s*get\((?!assets)/g)].map(([, address]) => address);
}

const DRAFT = {
  name: 'A draft', hypothesis: 'Trends sell better.', metrics: { primary: 'conversion' },
  design: { kind: 'variants', variants: [{ id: 'control' }, { id: 'trending', changes: [{ kind: 'strategy', placement: 'home', strategy: 'trending' }] }] },
};
const FURNITURE = ['/v1/rules/pages-rule', '/v1/rules/pages-removed', '/v1/experiments/pages-draft'];

/** Makes what pages are about: two rules that get into each other, one that was removed, a draft; a setting with a past. */
export async function furnish() {
  await clear();
  const pin = (product) => ({ name: 'Only for the pages', enabled: true, effect: { kind: 'pin', product, slot: 90 }, when: { placements: ['never'] } });
  for (const path of FURNITURE.slice(0, 2)) assert.equal((await api('PUT', path, pin('1127831'))).status, 200);
  await api('DELETE', FURNITURE[1]);
  assert.equal((await api('PUT', FURNITURE[2], DRAFT)).status, 200);
  const { body } = await api('GET', '/v1/settings/training');
  assert.equal((await api('PUT', '/v1/settings/training', body)).status, 200);
}

async function clear() {
  for (const path of FURNITURE) await api('DELETE', path);
}
after(clear);
