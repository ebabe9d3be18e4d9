// Visitors: the next answer knows the last event, a device and a customer become one, a profile comes together from
// shop floor, web and back office, and a product that is gone is gone within a second.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { FRESH_MS, RUN, asking, call, catalogue, eventually, expected, feed, ids, ok, recommend, stock, track, upload, view } from './shop.mjs';

const visitor = (id) => call('GET', `/v1/visitors/${encodeURIComponent(id)}`);
const state = ({ value }) => value?.profile?.state ?? {};

test('the answer after an event knows the event', async () => {
  await stock(catalogue(['tea', 'coffee', 'cups'], 8));
  const device = `${RUN}-newcomer`;
  for (const n of [1, 4, 6]) {
    await view(device, `${RUN}-tea-${n}`);
    // Asked once, at once: there is nothing to wait for.
    assert.equal(ids(await recommend('recently-viewed', { anonymous_id: device }))[0], `${RUN}-tea-${n}`);
  }
  const seen = ids(await recommend('recently-viewed', { anonymous_id: device }));
  assert.deepEqual(seen, [6, 4, 1].map((n) => `${RUN}-tea-${n}`));
  assert.equal((await recommend('home', { anonymous_id: device, limit: 4 })).basis, 'history');
});

test('a repeated event counts once', async () => {
  const device = `${RUN}-again`;
  const same = { messageId: `${RUN}-same`, timestamp: new Date().toISOString() };
  for (let n = 0; n < 3; n++) await track(device, 'Product Viewed', { product_id: `${RUN}-tea-2` }, same);
  await track(device, 'Product Added', { product_id: `${RUN}-tea-2`, price: 3, quantity: 1 });
  const found = await eventually(() => visitor(device), (answer) => state(answer).counts?.add === 1, 'the profile');
  assert.equal(state(found).counts.view, 1, JSON.stringify(found.value));
});

test('a batch is taken packed, whatever it calls itself', async () => {
  const device = `${RUN}-batch`;
  const batch = Array.from({ length: 50 }, (_, n) => ({
    type: 'track', event: 'Product Viewed', anonymousId: device, messageId: `${RUN}-b${n}`, timestamp: new Date(Date.now() - n * 1000).toISOString(),
    properties: { product_id: `${RUN}-coffee-${n % 8}` },
  }));
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
    const body = gzipSync(JSON.stringify({ batch, sentAt: new Date().toISOString() }));
    const answer = await ok('POST', '/v1/batch', { key: 'browser', body, headers: { 'content-type': type, 'content-encoding': 'gzip' } });
    assert.equal(answer.success, true, JSON.stringify(answer));
  }
  const found = await eventually(() => visitor(device), (answer) => state(answer).counts?.view >= 50, 'the profile');
  assert.equal(state(found).counts.view, 50);
});

test('a history of hundreds of events, weeks old, is one profile', async () => {
  const device = `${RUN}-regular`;
  const old = (n) => new Date(Date.now() - 20 * 86_400_000 - n * 60_000).toISOString();
  const batch = Array.from({ length: 250 }, (_, n) => ({
    type: 'track', event: 'Product Viewed', anonymousId: device, messageId: `${RUN}-o${n}`, timestamp: old(n), properties: { product_id: `${RUN}-cups-${n % 8}` },
  }));
  await ok('POST', '/v1/batch', { key: 'browser', body: { batch } });
  await eventually(() => visitor(device), (answer) => state(answer).counts?.view === 250, 'the profile');
  await view(device, `${RUN}-tea-1`);
  await eventually(() => visitor(device), (answer) => state(answer).counts?.view === 251, 'the profile with one more');
});

test('who signs in keeps what the device did', async () => {
  const [device, user] = [`${RUN}-phone`, `${RUN}-anna`];
  await view(device, `${RUN}-cups-1`);
  await ok('POST', '/v1/i', { key: 'browser', body: { type: 'identify', anonymousId: device, userId: user, traits: { plan: 'gold' }, messageId: `${RUN}-i` } });
  const recent = await ok('POST', '/v1/recommendations/recently-viewed', { body: { visitor_id: user, anonymous_id: device } });
  assert.deepEqual(ids(recent), [`${RUN}-cups-1`]);
  // A browser key reads nothing from a customer's profile without a token of the shop's server.
  const refused = await call('POST', '/v1/recommendations/home', { key: 'browser', body: { visitor_id: user } });
  assert.ok([401, 403, 404].includes(refused.status), `answered ${refused.status}`);
  await eventually(() => visitor(user), (answer) => state(answer).counts?.view === 1, 'the joined profile');
});

test('orders and customers of other systems land in the profile', async () => {
  for (const [kind, name] of [['orders', 'orders.csv'], ['customers', 'customers.csv']]) {
    const report = await ok('POST', `/v1/${kind}/import?filename=${name}&currency=USD`, { body: feed(name) });
    assert.deepEqual([report.read, report.refused], [expected[name].rows, expected[name].refused], JSON.stringify(report).slice(0, 500));
  }
  const whole = (answer) => state(answer).counts?.order > 0 && Object.keys(state(answer).traits ?? {}).length > 0;
  const found = await eventually(() => visitor('7'), whole, 'the profile');
  assert.equal(state(found).traits.loyalty_tier, 'silver', JSON.stringify(found.value).slice(0, 500));
});

test('orders and customers come by upload too', async () => {
  for (const [kind, name] of [['orders', 'orders.ndjson'], ['customers', 'customers.ndjson']]) {
    const result = await upload(kind, `filename=${name}&currency=USD`, feed(name));
    assert.deepEqual([result.read, result.refused], [expected[name].rows, expected[name].refused], JSON.stringify(result).slice(0, 500));
  }
});

test('a product set out of stock is gone within a second, under questions', async () => {
  const [product, device] = [`${RUN}-tea-3`, `${RUN}-shopper`];
  await view(device, `${RUN}-tea-1`);
  const ask = () => recommend('home', { anonymous_id: device, limit: 20, filter: 'category = "tea"' });
  await eventually(ask, (answer) => ids(answer).includes(product), 'the product on the home page');
  const questions = asking(ask);
  await ok('PATCH', `/v1/products/${product}`, { body: { availability: 'out_of_stock' } });
  const patched = Date.now();
  await eventually(async () => questions.answers.at(-1)?.asked > patched + 2 * FRESH_MS, Boolean, 'questions');
  const answers = await questions.stop();
  const late = answers.filter(({ asked, answer }) => asked > patched + FRESH_MS && ids(answer).includes(product));
  assert.equal(late.length, 0, `${late.length} of ${answers.length} answers still had it`);
  assert.ok(answers.filter(({ asked }) => asked > patched + FRESH_MS).length >= 3, `${answers.length} answers are too few to tell`);
  await ok('PATCH', `/v1/products/${product}`, { body: { availability: 'in_stock' } });
  await eventually(ask, (answer) => ids(answer).includes(product), 'the product back on the home page', 3 * FRESH_MS);
});

test('a page, a list of the shop\'s own, categories', async () => {
  const page = await ok('POST', '/v1/recommendations', {
    key: 'browser', body: { anonymous_id: `${RUN}-shopper`, placements: [{ placement: 'home', limit: 3 }, { placement: 'trending', limit: 3 }] },
  });
  const shown = page.placements.flatMap(ids);
  assert.ok(shown.length >= 4 && new Set(shown).size === shown.length, JSON.stringify(shown));
  const list = [0, 1, 2, 3].map((n) => `${RUN}-cups-${n}`);
  const ranked = await ok('POST', '/v1/rank', { key: 'browser', body: { anonymous_id: `${RUN}-shopper`, items: list } });
  assert.deepEqual(ids(ranked).sort(), list, JSON.stringify(ranked));
  assert.ok(JSON.stringify(await ok('GET', '/v1/categories', { key: 'browser' })).includes('cups'));
  assert.ok((await ok('GET', '/v1/products?limit=5', { key: 'browser' })).products.length > 0);
});
