// The shop arranges itself: for a visitor who clicks, for a customer who signs in, and without end.

import assert from 'node:assert/strict';

import { profile, visit } from './shop.mjs';

const share = ({ items }, category) => items.filter(({ product }) => product.category.includes(category)).length / items.length;

for (const [department, category] of [['Grocery', 'Yogurt'], ['Fresh meat', 'Beef']]) {
  visit(`three clicks on ${category} change the home page at its next load`, {}, async (shop) => {
    const { page } = shop;
    const before = await shop.home();
    assert.equal(before.basis, 'popularity');
    assert.equal(await shop.row('home').getByRole('heading', { level: 2 }).textContent(), 'A good place to start');

    await page.locator('.shelves').getByRole('link', { name: department, exact: true }).click();
    await page.locator('.chips').getByRole('link', { name: category, exact: true }).click();
    const shelf = page.locator('[data-list=browse][data-state=ready] article');
    const clicked = [];
    for (const nth of [0, 1, 2]) {
      const card = shelf.nth(nth);
      clicked.unshift(await card.getAttribute('data-product-id'));
      await card.getByRole('heading').getByRole('link').click();
      await shop.productPage(clicked[0]);
      await shop.told();
      await page.goBack();
      await shelf.nth(2).waitFor();
    }

    const after = await shop.home();
    assert.equal(after.basis, 'history');
    assert.equal(await shop.row('home').getByRole('heading', { level: 2 }).textContent(), 'Picked for you');
    assert.ok(share(after, category) >= share(before, category) + 0.25,
      `${category} had ${share(before, category)} of the row and has ${share(after, category)}`);

    // What the API answered is what stands there, and everything says why.
    assert.deepEqual(await shop.cards('home'), after.items.map((item) => item.product_id));
    const reasons = await shop.row('home').locator('article').evaluateAll((cards) =>
      cards.map((card) => card.querySelector('.reason span')?.textContent));
    assert.deepEqual(reasons, after.items.map((item) => [...item.reasons].sort((a, b) => b.share - a.share)[0].text));
    assert.ok(reasons.every((text) => text.length > 5), `reasons: ${reasons}`);
    const named = after.items.flatMap((item) => item.reasons).map((reason) => reason.product_id);
    assert.ok(clicked.some((id) => named.includes(id)), 'no reason names a product that was clicked');
    assert.deepEqual(await shop.cards('recently-viewed'), clicked);
  });
}

visit('the reasons of a product open, with shares and the decision', {}, async (shop) => {
  const { decision_id, items: [{ product, reasons }] } = await shop.home();
  await shop.row('home').locator('[data-action=why]').first().click();
  const panel = shop.page.getByRole('dialog', { name: 'Why you see this' });
  assert.match(await panel.textContent(), new RegExp(product.title.replace(/[^\w ]/g, '.')));
  assert.deepEqual(
    await panel.locator('li').evaluateAll((rows) => rows.map((row) => [row.dataset.reason, row.querySelector('b').textContent])),
    [...reasons].sort((a, b) => b.share - a.share).map((reason) => [reason.kind, `${Math.round(reason.share * 100)}%`]));
  assert.ok((await panel.textContent()).includes(decision_id));
  await shop.page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
});

visit('a customer signs in and sees their own shop, and is nobody again after signing out', {}, async (shop) => {
  const { page } = shop;
  const stranger = await shop.home();
  const before = await shop.anonymousId();

  await page.locator('#account-button').click();
  const tokens = page.waitForResponse((response) => response.url().endsWith('/demo/token'));
  const { home: own } = await shop.answers(() => page.locator('[data-customer="853"]').click());
  const { token } = await (await tokens).json();
  assert.equal(own.request.postDataJSON().visitor_id, '853');
  assert.equal(own.request.headers()['x-vitrine-user'], token);
  assert.equal(own.basis, 'history');
  await page.getByRole('heading', { name: 'Welcome back, customer 853' }).waitFor();
  assert.equal(await page.locator('#account-button').getAttribute('data-user'), '853');
  assert.notDeepEqual(own.items.map((item) => item.product_id), stranger.items.map((item) => item.product_id));

  // The row leans to what this customer's orders are made of.
  await shop.told();
  const held = await profile('u:853', ({ links }) => links.some(({ visitor }) => visitor === `a:${before}`));
  const weights = new Map(held.affinities.category.map(({ name, weight }) => [name, weight]));
  const leaning = ({ items }) => items.reduce((sum, { product }) => sum + (weights.get(product.category.at(-1)) ?? 0), 0);
  assert.ok(leaning(own) > 1.5 * leaning(stranger), `${leaning(own)} is not far from ${leaning(stranger)}`);
  const why = own.items.flatMap((item) => item.reasons);
  assert.ok(why.some(({ kind, product_id }) => kind === 'bought' && product_id), 'no reason names an order');

  await page.locator('#account-button').click();
  const { home: next } = await shop.answers(() => page.locator('[data-action=sign-out]').click());
  const now = await shop.anonymousId();
  assert.notEqual(now, before);
  const asking = next.request.postDataJSON();
  assert.equal(asking.anonymous_id, now);
  assert.equal(asking.visitor_id, undefined);
  assert.equal(next.request.headers()['x-vitrine-user'], undefined);
  assert.equal(next.basis, 'popularity');
  assert.equal(await page.locator('#account-button').getAttribute('data-user'), null);
});

visit('the endless feed does not repeat a product in five pages', {}, async (shop) => {
  const { page } = shop;
  const { feed, ...above } = await shop.wholeHome();
  const pages = [feed.items.map((item) => item.product_id)];
  let { cursor } = feed;
  while (pages.length < 5) {
    const answer = await shop.answer('feed', () => page.locator('#foot').scrollIntoViewIfNeeded());
    assert.equal(new URL(answer.request.url()).searchParams.get('cursor'), cursor);
    assert.equal(answer.items.length, 12);
    pages.push(answer.items.map((item) => item.product_id));
    cursor = answer.cursor;
    assert.ok(cursor, 'the feed ends early');
  }
  const ids = pages.flat();
  assert.equal(new Set(ids).size, ids.length, 'a product came twice');
  const rows = Object.values(above).flatMap((row) => row.items.map((item) => item.product_id));
  assert.deepEqual(ids.filter((id) => rows.includes(id)), [], 'the feed repeats a row above it');
  const shown = await shop.cards('feed');
  assert.deepEqual(shown.slice(0, ids.length), ids);
  assert.equal(new Set(shown).size, shown.length, 'a product stands there twice');
});
