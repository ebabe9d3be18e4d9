// Models: a training on demand, the swap to a new version while questions come, back to the old one and forth again,
// and what was decided, made again.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FRESH_MS, RUN, asking, call, catalogue, eventually, ids, ok, recommend, retrain, stock, upload, view } from './shop.mjs';

const CATEGORIES = ['tea', 'coffee', 'cups', 'plates'];
const trending = () => recommend('trending', { limit: 10 });
let first;
let second;

test('a training on demand learns from what visitors did and goes live', async () => {
  await stock(catalogue(CATEGORIES, 12));
  const told = [];
  for (let visitor = 0; visitor < 24; visitor++) {
    told.push((async () => {
      for (let step = 0; step < 6; step++) {
        await view(`${RUN}-learner-${visitor}`, `${RUN}-${CATEGORIES[visitor % 4]}-${(visitor + step * 5) % 12}`);
      }
    })());
    if (told.length % 4 === 0) await Promise.all(told);
  }
  await Promise.all(told);
  await eventually(() => call('GET', `/v1/visitors/${RUN}-learner-23`), ({ value }) => value?.profile?.state?.counts?.view === 6, 'the last profile');
  // A training reads what the stream has brought to the lake by then, which may be a minute behind.
  for (const end = Date.now() + 180_000; !first; ) {
    const result = await retrain();
    assert.ok(result.version, JSON.stringify(result));
    if (result.counts?.people >= 24 && result.counts.actions >= 24 * 6) first = result;
    assert.ok(first || Date.now() < end, `no training has seen what was told: ${JSON.stringify(result)}`);
  }
  assert.equal((await ok('GET', '/v1/models')).live, first.version);
  const answer = await eventually(trending, ({ model }) => model === first.version, 'an answer of the new model', 5 * FRESH_MS);
  assert.equal(ids(answer).length, 10);
});

test('another version swaps in while questions come: none fails, and none is of another model', async () => {
  await stock(catalogue(['kettles'], 6));
  // The shop's own vectors are a part of the next model.
  const vectors = catalogue(['tea', 'coffee'], 12).map(({ id }, n) => JSON.stringify({ product_id: id, vector: [n % 5, n % 3, 1] })).join('\n');
  await ok('PUT', '/v1/vectors/acceptance', { body: vectors });
  for (let n = 0; n < 6; n++) await view(`${RUN}-boiler`, `${RUN}-kettles-${n}`);
  const questions = [0, 1].map(() => asking(() => call('POST', '/v1/recommendations/home', { key: 'browser', body: { anonymous_id: `${RUN}-boiler`, limit: 10 } })));
  second = await retrain();
  assert.notEqual(second.version, first.version);
  await eventually(trending, ({ model }) => model === second.version, 'an answer of the second model', 10 * FRESH_MS);
  const answers = (await Promise.all(questions.map((asked) => asked.stop()))).flat();
  const failed = answers.filter(({ answer }) => answer.status !== 200);
  assert.equal(failed.length, 0, `${failed.length} of ${answers.length} failed: ${JSON.stringify(failed[0]?.answer)}`);
  const models = new Set(answers.map(({ answer }) => answer.value.model));
  assert.ok([...models].every((model) => [first.version, second.version].includes(model)), [...models].join());
});

test('one step back, and forth again, is one call each, and holds within a second', async () => {
  for (const [version, other] of [[first.version, second.version], [second.version, first.version]]) {
    const went = await ok('POST', `/v1/models/${version}/activate`);
    assert.deepEqual([went.live, went.before], [version, other]);
    const activated = Date.now();
    const questions = asking(trending);
    await eventually(async () => questions.answers.at(-1)?.asked > activated + 2 * FRESH_MS, Boolean, 'questions');
    const answers = await questions.stop();
    // Who asks first after the second may still be the one that fetches the version; nobody gets the old one after that.
    const late = answers.filter(({ asked, answer }) => asked > activated + FRESH_MS && answer.model !== version);
    assert.equal(late.length, 0, `${late.length} of ${answers.length} answers were of ${late[0]?.answer.model}`);
  }
  assert.equal((await call('POST', '/v1/models/19700101T000000-00000000/activate')).status, 404);
});

test('a decision is kept and made again, byte for byte', async () => {
  const answer = await recommend('home', { anonymous_id: `${RUN}-boiler`, limit: 5 });
  const kept = await eventually(() => call('GET', `/v1/decisions/${answer.decision_id}`), ({ status }) => status === 200, 'the decision');
  assert.ok(JSON.stringify(kept.value).includes(ids(answer)[0]));
  const replayed = await call('POST', `/v1/decisions/${answer.decision_id}/replay`);
  assert.equal(replayed.headers.get('vitrine-replay'), 'identical', JSON.stringify(replayed.value).slice(0, 500));
  assert.deepEqual(ids(replayed.value), ids(answer));
});

test('a rule holds within a second or two, and is gone with it', async () => {
  const product = `${RUN}-plates-7`;
  const path = `/v1/rules/acceptance-${RUN}`;
  await ok('PUT', path, { body: { when: { placements: ['trending'] }, effect: { kind: 'pin', product, slot: 1 } } });
  await eventually(trending, (answer) => ids(answer)[0] === product, 'the pinned product', 5 * FRESH_MS);
  assert.ok((await call('DELETE', path)).status < 300);
  await eventually(() => ok('GET', '/v1/rules'), (rules) => !JSON.stringify(rules).includes(RUN), 'the rule to be gone', 5 * FRESH_MS);
});

test('a complete feed withdraws from a catalogue that a model was made of', async () => {
  const kept = catalogue(CATEGORIES, 12);
  const direct = await ok('POST', '/v1/products/import?format=json&complete=true', { body: kept });
  assert.ok(direct.withdrawn >= 6, JSON.stringify(direct).slice(0, 500));
  const uploaded = await upload('products', 'format=json&complete=true', JSON.stringify(kept.slice(0, -2)));
  assert.equal(uploaded.withdrawn, 2, JSON.stringify(uploaded).slice(0, 500));
});

test('old versions go when fewer are to be kept', async () => {
  const change = async (keep) => {
    const { value } = await call('GET', '/v1/settings/training');
    return ok('PUT', '/v1/settings/training', { body: { ...value, keep } });
  };
  assert.ok((await ok('GET', '/v1/models')).versions.length >= 2);
  await change(1);
  await ok('DELETE', '/v1/vectors/acceptance');
  await retrain();
  assert.equal((await ok('GET', '/v1/models')).versions.length, 1);
  await change(3);
});

test('settings are read and written', async () => {
  for (const name of ['training', 'privacy']) {
    const { value, headers } = await call('GET', `/v1/settings/${name}`);
    const version = headers.get('etag');
    const written = await call('PUT', `/v1/settings/${name}`, { body: value, headers: version ? { 'if-match': version } : {} });
    assert.ok(written.status < 300, `${name}: ${written.status} ${JSON.stringify(written.value)}`);
  }
  assert.ok((await ok('GET', '/v1/placements')).placements.length >= 8);
});
