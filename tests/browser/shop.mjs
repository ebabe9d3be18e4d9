// Opens the shop in a browser and says when it is done: everything here waits for a condition, nothing for a time.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

export const BASE = process.env.BASE_URL.replace(/\/$/, '');
export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };
const PATIENCE_MS = 20_000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
after(() => browser.close());

/**
 * Whoever leaves a page calls off what it was still waiting for; an event on its way is then sent again by the next
 * page, and that every event has arrived is seen at the end of each visit.
 */
const calledOff = (request) => request.failure()?.errorText === 'net::ERR_ABORTED';

/**
 * A test with a visitor who was never here before. Whatever it does, the console stays free of errors, no request
 * fails, and every event arrives.
 */
export function visit(name, { viewport = DESKTOP, ...context } = {}, body) {
  test(name, { timeout: 6 * PATIENCE_MS }, async () => {
    const visitor = await browser.newContext({ viewport, reducedMotion: 'reduce', ...context });
    visitor.setDefaultTimeout(PATIENCE_MS);
    const page = await visitor.newPage();
    const complaints = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(`console: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack}`));
    page.on('requestfailed', (request) => calledOff(request) ||
      complaints.push(`failed: ${request.method()} ${request.url()} ${request.failure().errorText}`));
    page.on('response', (response) => response.status() >= 400 &&
      complaints.push(`${response.status()}: ${response.request().method()} ${response.url()}`));
    try {
      const shop = new Shop(page);
      await body(shop);
      await shop.told();
      assert.deepEqual(complaints, []);
    } catch (error) {
      if (complaints.length) error.message += `\n${complaints.join('\n')}`;
      throw error;
    } finally {
      await visitor.close();
    }
  });
}

/** A shop in a tab. */
class Shop {
  constructor(page) {
    this.page = page;
  }

  /** The section of a placement. */
  row(placement) {
    return this.page.locator(`[data-placement="${placement}"]`);
  }

  /** Does something, and gives the answer of a placement that it brings about, once its cards are on the page. */
  async answer(placement, doing) {
    const [response] = await Promise.all([
      this.page.waitForResponse((r) => new URL(r.url()).pathname === `/v1/recommendations/${placement}` && r.ok()),
      doing(),
    ]);
    return this.stands(await response.json(), response.request());
  }

  /** Does something, and gives the answers of all rows of the page that it opens, once their cards stand there. */
  async answers(doing, first = 'home') {
    const [response] = await Promise.all([
      this.page.waitForResponse((r) => new URL(r.url()).pathname === '/v1/recommendations' && r.ok() && r.request().postDataJSON().placements[0].placement === first),
      doing(),
    ]);
    const { placements } = await response.json();
    const filled = placements.filter(({ items }) => items.length);
    return Object.fromEntries(await Promise.all(filled.map(async (answer) => [answer.placement, await this.stands(answer, response.request())])));
  }

  async stands(answer, request) {
    await this.page.locator(`[data-placement="${answer.placement}"] [data-decision-id="${answer.decision_id}"]`).first().waitFor();
    return { ...answer, request };
  }

  /** Loads the home page afresh and gives the answers of its rows. */
  wholeHome() {
    return this.answers(() => this.page.goto(`${BASE}/`));
  }

  /** Loads the home page afresh and gives the answer of its first row. */
  async home() {
    return (await this.wholeHome()).home;
  }

  /** Waits until the API has every event that was told to it. */
  async told() {
    await this.page.waitForFunction(() => !Object.keys(localStorage).some((key) => key.startsWith('vitrine.event.')));
  }

  anonymousId() {
    return this.page.evaluate(() => JSON.parse(localStorage.getItem('vitrine.anonymous')));
  }

  /** Product ids of a section, in the order they stand in. */
  cards(placement) {
    return this.row(placement).locator('article').evaluateAll((cards) => cards.map((card) => card.dataset.productId));
  }

  /** Waits for the heading and the details of a product page. */
  async productPage(id) {
    await this.page.locator(`.detail[data-product-id="${id}"]`).waitFor();
  }

  async screenshot(name) {
    const folder = fileURLToPath(new URL('screenshots/', import.meta.url));
    mkdirSync(folder, { recursive: true });
    await this.page.screenshot({ path: `${folder}${name}.png` });
  }
}

/** What the server holds on a visitor, asked again until `enough` says so. */
export async function profile(id, enough) {
  const deadline = Date.now() + PATIENCE_MS;
  const headers = { Authorization: `Basic ${btoa(`${process.env.SERVER_KEY}:`)}` };
  for (let last; ; ) {
    const response = await fetch(`${BASE}/v1/visitors/${encodeURIComponent(id)}`, { headers });
    last = await response.json();
    if (response.ok && enough(last)) return last;
    assert.ok(Date.now() < deadline, `the profile of ${id} is not as it should be: ${JSON.stringify(last)}`);
    await new Promise((again) => setTimeout(again, 200));
  }
}
