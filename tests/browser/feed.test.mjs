// The inspirational feed: it goes on without repeating itself, learns from where somebody stops, and says why.

import assert from 'node:assert/strict';

import axe from 'axe-core';

import { BASE, DESKTOP, PHONE, profile, visit } from './shop.mjs';

const open = (shop) => shop.answer('feed', () => shop.page.goto(`${BASE}/#/inspiration`));
const next = (shop) => shop.answer('feed', () => shop.page.locator('.mark').scrollIntoViewIfNeeded());
const ids = ({ items }) => items.map((item) => item.product_id);
const leaf = ({ product }) => product.category.at(-1);

visit('the feed shows nothing twice in six pages, and stories between the products', {}, async (shop) => {
  const pages = [await open(shop)];
  while (pages.length < 6) {
    const page = await next(shop);
    assert.equal(new URL(page.request.url()).searchParams.get('cursor'), pages.at(-1).cursor);
    pages.push(page);
  }
  const all = pages.flatMap(ids);
  assert.equal(new Set(all).size, all.length, 'a product came twice');
  assert.deepEqual((await shop.cards('feed')).slice(0, all.length), all);
  for (const { items } of pages) assert.ok(items.some(({ product }) => product.kind === 'content'), 'a page has no story');
  const story = shop.row('feed').locator('article[data-kind=content]').first();
  assert.match(await story.innerText(), /\d+ min/i);
  assert.equal(await story.locator('[data-action=add]').count(), 0, 'a story is not for sale');
  // The other lists of the shop have none.
  const home = await shop.wholeHome();
  for (const { placement, items } of Object.values(home).filter((list) => list.placement !== 'feed')) {
    assert.deepEqual(items.filter(({ product }) => product.kind === 'content'), [], placement);
  }
});

visit('what somebody stops at is told before the next page, and that page knows it', {}, async (shop) => {
  const { page } = shop;
  const first = await open(shop);
  assert.equal(first.basis, 'popularity');
  // Somebody stops at a product for as long as a dwell takes: what is in the middle of the window then, and nothing else.
  const tile = shop.row('feed').locator('article').nth(8);
  const id = await tile.getAttribute('data-product-id');
  await tile.evaluate((one) => one.scrollIntoView({ block: 'center' }));
  await page.waitForTimeout(2_300);
  const told = page.waitForRequest((request) => request.postData()?.includes('Product Dwelled'));
  const second = await next(shop);
  const { properties } = (await told).postDataJSON();
  const dwelled = properties.products.find(({ product_id }) => product_id === id);
  assert.ok(dwelled?.dwell_ms >= 2_000 && properties.decision_id === first.decision_id, JSON.stringify(properties));
  assert.equal(second.basis, 'history', 'the next page knows nothing of it');
  const named = second.items.flatMap(({ reasons }) => reasons).filter(({ action }) => action === 'dwell');
  const stopped = new Set(properties.products.map(({ product_id }) => product_id));
  assert.ok(named.length > 0 && named.every(({ product_id }) => stopped.has(product_id)), 'no reason names what was stopped at');
  assert.ok(named.some(({ text }) => /paused/.test(text)));
  const held = await profile(`a:${await shop.anonymousId()}`, ({ affinities }) => affinities.category.length > 0);
  const at = first.items.find(({ product_id }) => product_id === id);
  assert.ok(held.affinities.category.some(({ name }) => name === leaf(at)), `${leaf(at)} is no preference`);
});

visit('every tile says why when it is asked, by keyboard too', {}, async (shop) => {
  const { page } = shop;
  const { items } = await open(shop);
  const tile = shop.row('feed').locator('article').first();
  const why = tile.locator('[data-action=why]');
  assert.equal(await tile.locator('.because').isVisible(), false);
  await why.focus();
  await page.keyboard.press('Enter');
  const [strongest] = [...items[0].reasons].sort((a, b) => b.share - a.share);
  assert.equal(await tile.locator('.because span').innerText(), strongest.text);
  assert.equal(await why.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('Enter');
  assert.equal(await tile.locator('.because').isVisible(), false);
  // From tile to tile with Page Down, and into one with Tab and Enter.
  await page.keyboard.press('PageDown');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.position), '2');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await shop.productPage(items[1].product_id);
});

for (const [name, options] of Object.entries({ 'a phone': { viewport: PHONE }, 'a desktop': { viewport: DESKTOP }, 'the dark': { colorScheme: 'dark' } })) {
  visit(`the feed fits ${name} and shuts nobody out`, options, async (shop) => {
    const { page } = shop;
    await open(shop);
    await shop.row('feed').locator('[data-action=why]').nth(1).click();
    await shop.screenshot(`feed-${name.split(' ')[1]}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), page.viewportSize().width);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => window.axe.run());
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map((node) => node.html)]), []);
  });
}
