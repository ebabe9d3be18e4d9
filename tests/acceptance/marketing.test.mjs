// What marketing sets: a segment and a rule for it, an experiment, what they were before.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RUN, call, eventually, ok, track } from './shop.mjs';

const home = (visitor) => ok('POST', '/v1/recommendations/home', { key: 'browser', body: { anonymous_id: visitor, limit: 4 } });
const put = (path, body) => ok('PUT', path, { body, headers: { 'if-match': '"0"' } });
/** A name that no earlier run has left anything under, within what a name may be. */
const name = (what) => `${what}-${RUN}`.slice(0, 40);

test('the answer after an event knows the segment that it leads to, and acts for it', async () => {
  const { segments, features } = await ok('GET', '/v1/segments');
  for (const shipped of ['just-browsing', 'brand-loyal', 'deal-hunters']) assert.ok(segments.some(({ id }) => id === shipped), shipped);
  assert.ok(features.some((feature) => feature.name === 'brand_share'));
  const [segment, rule, visitor] = [name('seekers'), name('seekers-rule'), `${RUN}-seeker`];
  await put(`/v1/segments/${segment}`, { filter: 'searches >= 2' });
  await put(`/v1/rules/${rule}`, { when: { segments: [segment] }, effect: { kind: 'at_most', attribute: 'category', count: 2 } });
  const acts = ({ rules }) => rules.includes(rule);
  for (const query of ['tea', 'coffee']) {
    assert.ok(!acts(await home(visitor)));
    await track(visitor, 'Products Searched', { query });
  }
  // Settings reach every function within a second or two; the visitor's events are known at once.
  const answer = await eventually(() => home(visitor), acts, 'the rule of the segment');
  // A decision may be written a moment after its answer.
  await eventually(() => call('GET', `/v1/decisions/${answer.decision_id}`), ({ status }) => status === 200, 'the decision');
  const replayed = await call('POST', `/v1/decisions/${answer.decision_id}/replay`);
  assert.equal(replayed.headers.get('vitrine-replay'), 'identical', JSON.stringify(replayed.value).slice(0, 500));

  const history = await ok('GET', `/v1/segments/${segment}/history`);
  assert.deepEqual(history.states.map(({ version }) => version), [1, null]);
  assert.ok(history.states[0].author && history.states[0].written, JSON.stringify(history));
  for (const path of [`/v1/rules/${rule}`, `/v1/segments/${segment}`]) assert.equal((await ok('POST', `${path}/undo`)).version, null);
  assert.equal((await call('GET', `/v1/segments/${segment}`)).status, 404);
});

test('the size of a segment is told before it is saved, once visitors were counted', async () => {
  const answer = await call('POST', '/v1/segments/size', { body: { filter: 'visits > 0' } });
  assert.ok([200, 409].includes(answer.status), JSON.stringify(answer.value));
  if (answer.status === 200) assert.ok(answer.value.low <= answer.value.visitors && answer.value.visitors <= answer.value.high);
});

test('a running experiment divides visitors, the same way every time, until it is stopped', async () => {
  const id = name('banner');
  const design = { kind: 'variants', variants: [{ id: 'control' }, { id: 'sale', changes: [{ kind: 'content', slot: 'hero', payload: 'sale' }] }] };
  const body = { status: 'running', design, metrics: { primary: 'conversion' } };
  const made = await put(`/v1/experiments/${id}`, body);
  assert.ok(made.started, JSON.stringify(made));
  const variant = ({ experiments = [] }) => experiments.find((one) => one.id === id)?.variant;
  await eventually(() => home(`${RUN}-0`), variant, 'the experiment');
  const met = new Set();
  for (let n = 0; n < 24; n += 1) {
    const [once, twice] = [await home(`${RUN}-${n}`), await home(`${RUN}-${n}`)];
    met.add(variant(once));
    assert.equal(variant(once), variant(twice));
    assert.equal(once.content?.hero, variant(once) === 'sale' ? 'sale' : undefined);
  }
  assert.deepEqual([...met].sort(), ['control', 'sale']);
  assert.equal((await call('DELETE', `/v1/experiments/${id}`)).status, 422);
  await ok('PUT', `/v1/experiments/${id}`, { body: { ...made, status: 'stopped' } });
  await eventually(() => home(`${RUN}-0`), (answer) => !variant(answer), 'the end of the experiment');
  assert.equal((await call('DELETE', `/v1/experiments/${id}`)).status, 204);
  const plan = await ok('POST', '/v1/experiments/plan', { body: { kind: 'proportion', baseline: 0.03, effect: 0.1, visitors_per_day: 2000 } });
  assert.ok(plan.days > 0 && plan.visitors === 2 * plan.per_variant, JSON.stringify(plan));
});

test('somebody is taken in, signs in, stands beside what they change, and is let go', async () => {
  const [member, rule] = [name('anna').slice(0, 40), name('annas-rule')];
  const password = `acceptance ${RUN}`;
  const hired = await ok('PUT', `/v1/staff/${member}`, { body: { role: 'marketer', password } });
  assert.ok(!JSON.stringify(hired).includes('argon2'));
  const { shop } = await ok('GET', '/v1/models');
  const wrong = await call('POST', '/v1/sessions', { body: { shop, name: member, password: 'not the right one' } });
  assert.equal(wrong.status, 401);
  const { key } = await ok('POST', '/v1/sessions', { body: { shop, name: member, password } });
  await ok('PUT', `/v1/rules/${rule}`, { key, body: { enabled: false, effect: { kind: 'at_most', attribute: 'brand', count: 3 } } });
  assert.equal((await ok('GET', `/v1/rules/${rule}/history`)).states[0].author, member);
  assert.equal((await call('GET', '/v1/staff', { key })).status, 403);
  await ok('DELETE', `/v1/rules/${rule}`);
  await ok('DELETE', `/v1/staff/${member}`);
  // A copy of a function goes by what it read of a key for half a minute.
  await eventually(() => call('GET', '/v1/rules', { key }), ({ status }) => status === 401, 'the session ends with its owner');
});

test('the console has a door, and lets nobody past it', async () => {
  const door = await fetch(`${process.env.VITRINE_URL}/console/sign-in`);
  assert.equal(door.status, 200);
  assert.match(door.headers.get('content-security-policy'), /default-src 'none'/);
  const inside = await fetch(`${process.env.VITRINE_URL}/console/rules`, { redirect: 'manual' });
  assert.deepEqual([inside.status, inside.headers.get('location')], [303, '/console/sign-in']);
});

test('what the shop earned is told after a training, and which groups its visitors fall into', async () => {
  const results = await ok('GET', '/v1/results');
  assert.ok(results.people > 0 && results.total.visitors > 0 && results.days.length > 0, JSON.stringify(results.total));
  assert.equal(results.days.reduce((sum, day) => sum + day.orders, 0), results.total.orders);
  const { groups, visitors } = await ok('GET', '/v1/segments/unknown');
  assert.ok(visitors <= results.people, `${visitors} of ${results.people}`);
  for (const { filter, share } of groups) assert.ok(share > 0 && typeof filter === 'string');
});
