// The page fits a phone, can be used by everybody, and stays light.

import assert from 'node:assert/strict';

import axe from 'axe-core';

import { BASE, DESKTOP, PHONE, visit } from './shop.mjs';

/** Product, basket, a narrowed category, home and the reasons of a product, one after the other, as somebody who has looked at something. */
async function walk(shop, each) {
  const { page } = shop;
  const { items: [{ product }] } = await shop.home();
  await shop.answers(() => shop.row('home').locator('h3 a').first().click(), 'product-bought-together');
  await shop.row('product-similar').locator('article').first().waitFor();
  await shop.told();
  await each('product');
  await page.locator('[data-action=add-to-basket]').click();
  await shop.answer('basket', () => page.locator('#basket-button').click());
  await shop.told();
  await each('basket');
  await page.goto(`${BASE}/#/${['category', ...product.category.slice(0, 1)].map(encodeURIComponent).join('/')}`);
  await page.locator('[data-list=browse] article').first().waitFor();
  await shop.told();
  await page.locator('[data-filter=brand] input').first().waitFor({ state: 'attached' });
  const panel = page.locator('.filters');
  if (!await panel.evaluate((one) => one.open)) await panel.locator('summary').click();
  await page.locator('[data-filter=brand] input').first().check();
  await page.locator('[data-action=remove-filter]').waitFor();
  await page.locator('[data-list=browse][data-state=ready] article').first().waitFor();
  await each('category');
  await shop.home();
  await shop.row('trending').locator('article').first().waitFor();
  await each('home');
  await shop.row('home').locator('[data-action=why]').first().click();
  await page.getByRole('dialog').locator('summary').click();
  await each('reasons');
}

for (const [name, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
  visit(`nothing sticks out sideways on a ${name}`, { viewport }, (shop) => walk(shop, async (view) => {
    await shop.screenshot(`${view}-${name}`);
    const width = await shop.page.evaluate(() => {
      scrollTo(10_000, scrollY);
      return { page: document.documentElement.scrollWidth, moved: scrollX };
    });
    assert.deepEqual(width, { page: viewport.width, moved: 0 }, view);
  }));
}

for (const colorScheme of ['light', 'dark']) {
  visit(`nobody is shut out, ${colorScheme}`, { colorScheme }, (shop) => walk(shop, async (view) => {
    await shop.page.evaluate(axe.source);
    const { violations, passes } = await shop.page.evaluate(() => window.axe.run());
    assert.ok(passes.length > 20, 'the checks did not run');
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    assert.deepEqual(serious.map(({ id, nodes }) => [id, ...nodes.slice(0, 3).map((node) => node.html)]), [], view);
  }));
}

visit('the page weighs less than 100 KB', {}, async (shop) => {
  const parts = new Map();
  shop.page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (!pathname.startsWith('/v1/')) parts.set(pathname, response.body().then((body) => body.length));
  });
  await shop.home();
  const weights = await Promise.all(parts.values());
  assert.ok(parts.size > 10, `seen only ${[...parts.keys()]}`);
  const weight = weights.reduce((sum, part) => sum + part, 0);
  assert.ok(weight < 100_000, `${weight} bytes`);
});
