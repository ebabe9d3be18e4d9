// Privacy: nothing is kept of whom it was refused, and whoever is erased is gone from the stores and from the next model.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RUN, call, catalogue, eventually, ok, recommend, retrain, stock, track, view } from './shop.mjs';

const held = (id) => call('GET', `/v1/visitors/${encodeURIComponent(id)}`);
const views = (count) => ({ value }) => value?.profile?.state?.counts?.view === count;
const refusal = { context: { consent: { categoryPreferences: { personalise: false } } } };
const product = (n) => `${RUN}-lamps-${n}`;

test('who refuses is counted and not kept, also before, until they agree again', async () => {
  await stock(catalogue(['lamps'], 6));
  const device = `${RUN}-refuses`;
  const counted = async () => Object.values((await ok('GET', '/v1/counts')).days).reduce((sum, { view = 0 }) => sum + view, 0);
  const before = await counted();
  for (const n of [0, 1, 2]) await view(device, product(n));
  await eventually(() => held(`a:${device}`), views(3), 'the profile');
  await track(device, 'Product Viewed', { product_id: product(3) }, refusal);
  await eventually(() => held(`a:${device}`), ({ status }) => status === 404, 'nothing held');
  // What says nothing is bound by it.
  await view(device, product(4));
  assert.equal((await recommend('home', { anonymous_id: device })).basis, 'popularity');
  assert.equal((await held(`a:${device}`)).status, 404);
  assert.ok(await counted() >= before + 2, 'what was done is counted');
  await track(device, 'Product Viewed', { product_id: product(5) }, { context: { consent: { categoryPreferences: { personalise: true } } } });
  await eventually(() => held(`a:${device}`), views(1), 'the profile of who agreed again');
});

test('who is erased is gone, and the receipt is complete and signed after the next training', async () => {
  const device = `${RUN}-erased`;
  for (const n of [0, 1, 2, 3]) await view(device, product(n));
  await recommend('home', { anonymous_id: device });
  await ok('PUT', '/v1/vectors/erased', { body: [JSON.stringify({ product_id: product(0), vector: [1, 0] }), JSON.stringify({ visitor_id: `a:${device}`, vector: [0, 1] })].join('\n') });
  await eventually(() => held(`a:${device}`), views(4), 'the profile');
  const exported = await ok('GET', `/v1/visitors/a:${device}/export`);
  assert.equal(exported.events.length, 4);

  const { erasure_id } = await ok('DELETE', `/v1/visitors/a:${device}`);
  assert.equal((await held(`a:${device}`)).status, 404);
  // Late events of the erased are dropped.
  await view(device, product(0));
  assert.equal((await held(`a:${device}`)).status, 404);

  const receipt = await eventually(async () => {
    await retrain();
    return ok('GET', `/v1/erasures/${erasure_id}`);
  }, ({ completed }) => completed, 'a complete receipt');
  assert.ok(receipt.places.find(({ place }) => place === 'event').count >= 4, JSON.stringify(receipt));
  assert.equal((await ok('POST', '/v1/erasures/check', { body: receipt })).genuine, true);
  assert.equal((await ok('POST', '/v1/erasures/check', { body: { ...receipt, barred: receipt.barred + 1 } })).genuine, false);
  await ok('DELETE', '/v1/vectors/erased');
});
