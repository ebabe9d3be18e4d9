// A page is asked for in one call, lists are narrowed by what is chosen, and reasons are told in the language one reads.

import assert from 'node:assert/strict';

import { BASE, visit } from './shop.mjs';

const priceOf = ({ price, sale_price: sale }) => Math.min(price, sale ?? price);

/** A visitor who has opened two products of a category by their addresses. */
async function looked(shop, category) {
  const { page } = shop;
  await page.goto(`${BASE}/#/category/${category}`);
  const cards = page.locator('[data-list=browse] article');
  await cards.nth(1).waitFor();
  for (const id of (await cards.evaluateAll((all) => all.map((card) => card.dataset.productId))).slice(0, 2)) {
    await page.goto(`${BASE}/#/product/${id}`);
    await shop.productPage(id);
    await shop.told();
  }
}

visit('the home page is one call, and no product stands on it twice', {}, async (shop) => {
  await looked(shop, 'Yogurt');
  const asked = [];
  shop.page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (/^\/v1\/(page|recommendations|rank)/.test(pathname)) asked.push([request.method(), pathname]);
  });
  const rows = await shop.wholeHome();
  assert.deepEqual(Object.keys(rows), ['home', 'recently-viewed', 'trending', 'feed']);
  const decisions = Object.values(rows).map((row) => row.decision_id);
  assert.equal(new Set(decisions).size, 4, 'rows share a decision');

  const shown = await Promise.all(Object.keys(rows).map((placement) => shop.cards(placement)));
  assert.deepEqual(shown, Object.values(rows).map((row) => row.items.map((item) => item.product_id)));
  assert.equal(new Set(shown.flat()).size, shown.flat().length, 'a product stands there twice');
  assert.deepEqual(asked, [['POST', '/v1/recommendations']]);

  // A click names the decision of its own row.
  const trending = shop.row('trending').locator('article').first();
  const clicked = shop.page.waitForRequest((r) => r.method() === 'POST' && r.postDataJSON()?.event === 'Product Clicked');
  await trending.getByRole('heading').getByRole('link').click();
  const { properties } = (await clicked).postDataJSON();
  assert.deepEqual([properties.list_id, properties.decision_id], ['trending', rows.trending.decision_id]);
  await shop.productPage(properties.product_id);
});

visit('brand and price narrow both lists of a category, and what is asked is said', {}, async (shop) => {
  const { page } = shop;
  await page.goto(`${BASE}/#/category/Grocery`);
  const pick = page.locator('[data-filter=brand] label').first();
  const brand = await pick.getAttribute('data-brand');
  const asked = page.locator('.asked p code');
  assert.equal(await asked.textContent(), 'category = "Grocery"');

  // By keyboard alone.
  await pick.locator('input').focus();
  await page.keyboard.press('Space');
  await page.getByLabel('From').fill('1.5');
  const wanted = `category = "Grocery" and brand in ["${brand}"] and price >= 1.5 and price <= 4`;
  const [list, row] = await Promise.all([
    page.waitForResponse((r) => new URL(r.url()).pathname === '/v1/products' && !r.url().includes('facets') && new URL(r.url()).searchParams.get('filter') === wanted),
    page.waitForResponse((r) => new URL(r.url()).pathname === '/v1/recommendations/category' && new URL(r.url()).searchParams.get('filter') === wanted),
    page.getByLabel('Up to').fill('4').then(() => page.keyboard.press('Tab')),
  ]);
  const fits = (product) => product.brand === brand && priceOf(product) >= 1.5 && priceOf(product) <= 4;
  const [{ products, total }, { items }] = [await list.json(), await row.json()];
  assert.ok(products.length > 0 && items.length > 0, 'nothing is found');
  assert.ok(products.every(fits) && items.every(({ product }) => fits(product)), 'something else is found');
  assert.equal(await asked.textContent(), wanted);

  await page.locator(`[data-total="${total}"]`).waitFor();
  await page.locator('[data-list=browse][data-state=ready]').waitFor();
  await page.locator('[data-placement=category][data-state=ready]').waitFor();
  for (const section of ['[data-list=browse]', '[data-placement=category]']) {
    const cards = await page.locator(`${section} article`).evaluateAll((all) => all.map((card) =>
      [card.querySelector('.brand')?.textContent, Number(card.querySelector('.price')?.dataset.price)]));
    assert.ok(cards.length > 0 && cards.every(([name, price]) => name === brand && price >= 1.5 && price <= 4), `${section}: ${cards}`);
  }

  // The choice is in the address, said, and taken away bit by bit.
  assert.match(page.url(), /brand=.*min=1\.5&max=4$/);
  const said = page.locator('[data-action=remove-filter]');
  assert.deepEqual(await said.allTextContents(), [brand, 'from $1.50', 'up to $4.00']);
  await said.last().click();
  assert.equal(await asked.textContent(), wanted.replace(' and price <= 4', ''));
  assert.equal(await page.getByLabel('Up to').inputValue(), '');
  await page.locator('.said [data-action=clear-filters]').click();
  assert.equal(await asked.textContent(), 'category = "Grocery"');
  assert.equal(await said.count(), 0);
  await page.locator('[data-list=browse][data-state=ready]').waitFor();
});

visit('a filter that nothing fits says so, and can be taken away', {}, async (shop) => {
  const { page } = shop;
  await page.goto(`${BASE}/#/search?q=yogurt&min=900`);
  const nothing = page.locator('[data-state=nothing-fits]');
  await nothing.getByText('from $900.00').waitFor();
  assert.equal(await page.locator('#main article').count(), 0);

  // Prices that cross are not even asked for.
  await page.getByLabel('Up to').fill('3');
  await page.keyboard.press('Enter');
  await page.getByText('The lowest price is above the highest.').waitFor();
  await nothing.waitFor();

  await nothing.getByRole('button').click();
  const found = page.locator('[data-list=search] article');
  await found.first().waitFor();
  await shop.row('rank').locator('article').first().waitFor();
  const listed = await found.locator('h3').allTextContents();
  assert.ok(listed.every((title) => /yogurt/i.test(title)), `found ${listed}`);
  assert.ok((await shop.row('rank').locator('h3').allTextContents()).every((title) => /yogurt/i.test(title)));
});

visit('the reasons of a product add up to its score', {}, async (shop) => {
  await looked(shop, 'Beef');
  const { decision_id, items } = await shop.home();
  const panel = shop.page.getByRole('dialog', { name: 'Why you see this' });
  const amount = (text) => Number(text.replace('−', '-').replace('+', ''));
  for (const nth of [0, 1, 2]) {
    const { score, reasons, product_id } = items[nth];
    await shop.row('home').locator(`article[data-product-id="${product_id}"] [data-action=why]`).click();
    await panel.locator('summary').click();
    const amounts = (await panel.locator('tbody td').allTextContents()).map(amount);
    const shown = amount(await panel.locator('tfoot td').textContent());
    assert.equal(shown, Number(score.toFixed(4)));
    const sum = amounts.reduce((all, one) => all + one, 0);
    assert.ok(amounts.length >= reasons.length && Math.abs(sum - shown) < 0.00006 * (amounts.length + 1), `${amounts} are not ${shown}`);
    const named = reasons.find((reason) => reason.product_id);
    if (named) assert.equal(await panel.locator('li a').first().getAttribute('href'), `#/product/${named.product_id}`);
    assert.equal(await panel.locator('pre').textContent(), `cargo run --release -- replay ${decision_id}`);
    await shop.page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
  }
  assert.ok(items.slice(0, 3).some(({ reasons }) => reasons.some(({ action, product_id }) => action === 'view' && product_id)), 'no reason names a look');
});

visit('reasons are told in French to whoever chooses it, also the next time', {}, async (shop) => {
  const { page } = shop;
  await looked(shop, 'Beef');
  const english = await shop.home();
  assert.equal(english.request.postDataJSON().language, 'en');
  const { home: french } = await shop.answers(() => page.getByLabel('Language of the reasons').selectOption('fr'));
  assert.equal(french.request.postDataJSON().language, 'fr');
  const spoken = shop.row('home').locator('.reason span');
  const said = await spoken.allTextContents();
  assert.deepEqual(said, french.items.map(({ reasons }) => [...reasons].sort((a, b) => b.share - a.share)[0].text));
  assert.ok(said.some((text) => /^(Parce que vous|D’|Apprécié|Correspond|Choisi|Ressemble|Vous)/.test(text)), `said ${said}`);
  assert.equal(await spoken.first().getAttribute('lang'), 'fr');
  const again = await shop.home();
  assert.equal(again.request.postDataJSON().language, 'fr');
  assert.equal(await page.getByLabel('Language of the reasons').inputValue(), 'fr');
});
