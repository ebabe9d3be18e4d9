// A marketer's week in some minutes: finds groups that nobody defined, saves one, gives it a rule, looks at it before and after,
// tries another order of the home page with some visitors held out, visitors come who buy as is known here, and the result page
// shows the truth inside its interval.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { api, BASE, desk, faults, screenshot } from './console.mjs';

const ID = 'story-trends';
const VISITORS = 700;
/** How many of a hundred visitors order, by what they see: what the shop is not told. */
const ORDERS = { control: 20, trending: 45, 'held out': 20 };
const HOLD_OUT = 0.25;

async function clean() {
  const { status, body } = await api('GET', `/v1/experiments/${ID}`);
  if (status === 200) {
    if (body.status === 'running') await api('PUT', `/v1/experiments/${ID}`, { ...body, status: 'stopped' });
    await api('DELETE', `/v1/experiments/${ID}`);
  }
  for (const path of ['/v1/rules/story-rule', '/v1/segments/story-group']) await api('DELETE', path);
  await holdOut({ share: 0 });
}

async function holdOut(wanted) {
  const { body } = await api('GET', '/v1/settings/hold-out');
  const answer = await api('PUT', '/v1/settings/hold-out', { ...wanted, version: body.version });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}

await clean();
after(clean);

/** The same for the same visitor, evenly spread over 0 to 100. */
function lot(visitor) {
  let hash = 2166136261;
  for (const letter of visitor) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  return ((hash ^ (hash >>> 13)) >>> 0) % 10_000 / 100;
}

async function ask(path, body) {
  const response = await fetch(`${BASE}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Basic ${btoa('demo:')}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** Somebody opens the home page, sees the list, and orders its first product or not. Answers what they saw. */
async function visit(visitor) {
  const answer = await ask(`/v1/recommendations/home?anonymous_id=${visitor}&limit=6`);
  const saw = answer.experiments?.find(({ id }) => id === ID)?.variant ?? 'held out';
  const products = answer.items.map(({ product_id }) => ({ product_id }));
  const event = (name, n, properties) => ({
    type: 'track', event: name, anonymousId: visitor, messageId: `${visitor}-${n}`,
    timestamp: new Date(Date.now() - 1000 + n).toISOString(), properties,
  });
  const batch = [event('Product List Viewed', 1, { list_id: 'home', decision_id: answer.decision_id, products })];
  const orders = lot(visitor) < ORDERS[saw];
  if (orders) {
    const bought = [{ ...products[0], price: 5, quantity: 1 }];
    batch.push(event('Order Completed', 2, { order_id: `${visitor}-order`, revenue: 5, currency: 'USD', products: bought }));
  }
  await ask('/v1/batch', { batch });
  return { saw, orders };
}

desk('a marketer finds a group, gives it a rule, tries something, and reads what it earned', { role: 'marketer' }, async (page) => {
  // Groups that nobody defined. Sizes are known once the visitors were counted, some seconds after a first start.
  while ((await api('GET', '/v1/segments')).body.visitors === null) await new Promise((again) => setTimeout(again, 200));
  await page.goto(`${BASE}/console/segments`);
  await page.getByRole('link', { name: 'Make a segment of it' }).first().click();
  const filter = await page.getByLabel('Condition').inputValue();
  assert.ok(filter.length > 5, filter);
  await page.getByLabel('Name', { exact: true }).fill('Story group');
  await page.locator('#size .value').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();

  // A rule for them, looked at before it acts.
  await page.getByRole('link', { name: 'Make a rule for it' }).click();
  assert.ok(await page.getByLabel('Story group').isChecked());
  await page.getByLabel('Name', { exact: true }).fill('Story rule');
  await page.locator('#kind').selectOption('boost');
  await page.getByLabel('Condition').fill('price < 3');
  await page.locator('#at_placement').selectOption('home');
  await page.getByRole('button', { name: 'Show before and after' }).click();
  await page.locator('#preview .before-after').waitFor();
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText('Saved.').waitFor();
  assert.deepEqual((await api('GET', '/v1/rules/story-rule')).body.when.segments, ['story-group']);
  assert.equal((await api('GET', '/v1/segments/story-group')).body.author, 'test-marketer');

  // A test, with a hold-out.
  await holdOut({ share: HOLD_OUT, personalization: true });
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill('Story trends');
  await page.getByLabel('What is expected, and why').fill('What everybody wants sells better here.');
  await page.locator('#baseline').fill('20');
  await page.locator('#effect').fill('100');
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await page.getByText('The experiment runs.').waitFor();
  // Settings reach every function within a second or two.
  await new Promise((done) => setTimeout(done, 2_500));

  // Visitors come.
  const seen = {};
  const visitors = Array.from({ length: VISITORS }, (_, n) => `story-${n}`);
  const queue = [...visitors];
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let visitor = queue.pop(); visitor; visitor = queue.pop()) {
      const { saw, orders } = await visit(visitor);
      seen[saw] ??= { people: 0, orders: 0 };
      seen[saw].people += 1;
      seen[saw].orders += Number(orders);
    }
  }));
  assert.deepEqual(Object.keys(seen).sort(), ['control', 'held out', 'trending'], JSON.stringify(seen));
  assert.ok(Math.abs(seen['held out'].people / VISITORS - HOLD_OUT) < 0.06, JSON.stringify(seen));

  // Trained, which reads the lake; the archive is some seconds behind.
  let results;
  for (const deadline = Date.now() + 150_000; ;) {
    await page.goto(`${BASE}/console/models`);
    await page.getByRole('button', { name: 'Train now' }).click();
    await page.locator('.notice').first().waitFor();
    for (const next = Date.now() + 25_000; Date.now() < next; await new Promise((again) => setTimeout(again, 500))) {
      results = (await api('GET', `/v1/experiments/${ID}/results`)).body;
      if (whole(results)) break;
    }
    if (whole(results)) break;
    assert.ok(Date.now() < deadline, `not everybody is in the results: ${JSON.stringify([seen, results.variants])}`);
  }
  function whole({ variants }) {
    return variants?.every(({ id, people }) => people === seen[id].people);
  }

  // What is read is what is true.
  const { effect, verdict } = results.report.metrics[0].variants[1];
  const truth = (ORDERS.trending - ORDERS.control) / 100;
  console.log(`# truth ${truth}, found ${effect.absolute.value.toFixed(3)}, ${effect.absolute.low.toFixed(3)} to ${effect.absolute.high.toFixed(3)}: ${verdict}; ${JSON.stringify(seen)}`);
  assert.equal(verdict, 'better');
  assert.ok(effect.absolute.low < truth && truth < effect.absolute.high, JSON.stringify(effect));
  await page.goto(`${BASE}/console/experiments/${ID}`);
  await page.locator('.verdict').first().waitFor();
  await screenshot(page, 'story-result');
  assert.deepEqual(await faults(page), []);
  const { body } = await api('GET', '/v1/results');
  // The hold-out began with the story: those who were there before count on no side.
  const { served, held_out: without, conversion } = body.personalization;
  assert.deepEqual([served, without], [seen.control.people + seen.trending.people, seen['held out'].people]);
  const caused = (seen.control.people * ORDERS.control + seen.trending.people * ORDERS.trending) / served / 100 - ORDERS['held out'] / 100;
  console.log(`# caused ${caused.toFixed(3)}, found ${conversion.value.toFixed(3)}, ${conversion.low.toFixed(3)} to ${conversion.high.toFixed(3)}`);
  assert.ok(conversion.low < caused && caused < conversion.high, JSON.stringify(conversion));
  await page.goto(`${BASE}/console`);
  await screenshot(page, 'story-overview');
  await page.goto(`${BASE}/console/segments`);
  await screenshot(page, 'story-segments');
});
