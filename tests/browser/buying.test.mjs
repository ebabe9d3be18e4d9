// From a recommendation to an order: what is bought, and which recommendation led to it, is what the server knows.

import assert from 'node:assert/strict';

import { profile, visit } from './shop.mjs';

visit('an order names the recommendations that led to it', {}, async (shop) => {
  const { page } = shop;
  const home = await shop.home();
  const [{ product: first }] = home.items;
  const { 'product-bought-together': together, 'product-similar': alike } = await shop.answers(() =>
    shop.row('home').locator(`article[data-product-id="${first.id}"] h3 a`).click(), 'product-bought-together');
  await shop.productPage(first.id);
  assert.equal(together.basis, 'context');
  assert.deepEqual(await shop.cards('product-bought-together'), together.items.map((item) => item.product_id));
  const all = [...together.items, ...alike.items].map((item) => item.product_id);
  assert.equal(new Set(all).size, all.length, 'a product stands in both rows');
  assert.notEqual(alike.decision_id, together.decision_id);
  for (const answer of [together, alike]) {
    const ids = answer.items.map((item) => item.product_id);
    assert.ok(ids.length >= 3, `${answer.placement} has only ${ids.length}`);
    assert.ok(!ids.includes(first.id), `${answer.placement} holds the product itself`);
    assert.equal(new Set(ids).size, ids.length, `${answer.placement} repeats a product`);
    assert.ok(answer.items.every((item) => item.reasons.length > 0), `${answer.placement} has a product without a reason`);
  }

  // One from the page, one straight from the row below it.
  const { product: second } = together.items[0];
  await page.locator('[data-action=add-to-basket]').click();
  await shop.row('product-bought-together').locator(`article[data-product-id="${second.id}"] [data-action=add]`).click();
  await page.locator('#basket-button[data-count="2"]').waitFor();

  const basket = await shop.answer('basket', () => page.locator('#basket-button').click());
  assert.equal(basket.basis, 'context');
  assert.deepEqual(new URL(basket.request.url()).searchParams.get('basket').split(',').sort(), [first.id, second.id].sort());
  const offered = basket.items.map((item) => item.product_id);
  assert.ok(offered.length >= 3 && !offered.includes(first.id) && !offered.includes(second.id));

  const line = page.locator(`.line[data-product-id="${second.id}"]`);
  await line.locator('[data-action=more]').click();
  await page.locator('#basket-button[data-count="3"]').waitFor();
  const price = (product) => Math.min(product.price, product.sale_price ?? product.price);
  const total = Math.round(100 * (price(first) + 2 * price(second))) / 100;
  assert.equal(await page.locator('aside dd.total').textContent(), `$${total.toFixed(2)}`);

  const ordered = page.waitForRequest((r) => r.method() === 'POST' && r.postDataJSON()?.event === 'Order Completed');
  await page.locator('[data-action=order]').click();
  await page.locator('[data-order-id]').waitFor();
  const request = await ordered;
  const { properties } = request.postDataJSON();
  assert.deepEqual(await (await request.response()).json(), { success: true });
  assert.equal(properties.order_id, await page.locator('[data-order-id]').getAttribute('data-order-id'));
  assert.deepEqual(properties.products.map(({ product_id, quantity, decision_id, list_id }) => ({ product_id, quantity, decision_id, list_id })), [
    { product_id: first.id, quantity: 1, decision_id: home.decision_id, list_id: 'home' },
    { product_id: second.id, quantity: 2, decision_id: together.decision_id, list_id: 'product-bought-together' },
  ]);
  await page.locator('#basket-button[data-count="0"]').waitFor();

  const { profile: { state } } = await profile(`a:${await shop.anonymousId()}`, ({ profile: { state } }) => state.counts.order > 0);
  assert.equal(state.counts.order, 1);
  assert.equal(state.units, 3);
  assert.ok(Math.abs(state.value.USD - total) < 0.005, `${state.value.USD} is not ${total}`);
  const bought = state.actions.filter(([, action]) => action === 'order').map(([id]) => id);
  assert.deepEqual(bought.sort(), [first.id, second.id].sort());
});

visit('a basket can be emptied', {}, async (shop) => {
  const { page } = shop;
  await shop.home();
  await shop.row('home').locator('[data-action=add]').first().click();
  await page.locator('#basket-button').click();
  await page.locator('.line [data-action=remove]').click();
  await page.locator('[data-state=empty-basket]').waitFor();
  await page.locator('#basket-button[data-count="0"]').waitFor();
  await shop.row('trending').locator('article').first().waitFor();
  await shop.told();
  const held = await profile(`a:${await shop.anonymousId()}`, ({ profile: { state } }) => state.counts.remove > 0);
  assert.equal(held.profile.state.counts.add, 1);
});
