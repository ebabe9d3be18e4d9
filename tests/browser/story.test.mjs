// A marketer's week in some minutes: finds groups that nobody defined, saves one, gives it a rule, looks at it before and after,
// tries another order of the home page with some visitors held out, visitors come who buy as is known here, and the result page
// shows the truth inside its interval.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { api, BASE, desk, faults, removeExperiments, RUN, screenshot } from './console.mjs';

const ID = `story-trends-${RUN}`;
const VISITORS = 700;
/** How many of a hundred visitors order, by what they see: what the shop is not told. */
const ORDERS = { control: 20, trending: 45, 'held out': 20 };
const HOLD_OUT = 0.25;

async function clean() {
  await removeExperiments('story-trends-');
  for (const path of ['/v1/rules/story-rule', '/v1/segments/story-group']) await api('DELETE', path);
  const { body: held } = await api('GET', '/v1/settings/hold-out');
  const nobody = await api('PUT', '/v1/settings/hold-out', { share: 0, version: held.version });
  assert.equal(nobody.status, 200, JSON.stringify(nobody.body));
}

await clean();
after(clean);

const came = {};

/** Whether the next one who sees something orders: as evenly as its share allows, so that every run has its truth. */
function buys(saw) {
  came[saw] = (came[saw] ?? 0) + 1;
  const due = (visitors) => Math.floor(visitors * ORDERS[saw] / 100);
  return due(came[saw]) > due(came[saw] - 1);
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
  const orders = buys(saw);
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
  await page.getByText('As somebody in the segment Story group.').waitFor();
  await page.getByText(/products? would move/).waitFor();
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText('Saved.').waitFor();
  assert.deepEqual((await api('GET', '/v1/rules/story-rule')).body.when.segments, ['story-group']);
  assert.equal((await api('GET', '/v1/segments/story-group')).body.author, 'test-marketer');

  // A test, with a hold-out.
  await page.goto(`${BASE}/console/settings`);
  await page.getByLabel('Share of visitors, in %').fill(String(HOLD_OUT * 100));
  await page.getByLabel('They see the shop without personalization too').check();
  await page.locator('section[aria-labelledby=hold-out]').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { body: held } = await api('GET', '/v1/settings/hold-out');
  assert.deepEqual([held.share, held.personalization, held.author], [HOLD_OUT, true, 'test-marketer']);
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill(`Story trends ${RUN}`);
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
  const visitors = Array.from({ length: VISITORS }, (_, n) => `story-${RUN}-${n}`);
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
  const told = page.locator('section[aria-labelledby=result]');
  await told.locator('.verdict').first().waitFor();
  // The page's own numbers say it too: the change in per cent of the control, and in points.
  const figures = (text) => [...text.matchAll(/([+−]?)([\d,.]+)\s?(?:%|pp)/g)].map(([, sign, digits]) => Number(digits.replaceAll(',', '')) * (sign === '−' ? -1 : 1));
  const change = await told.locator('.verdict').first().innerText();
  const [low, high] = figures(change.match(/With 95% confidence the true change lies between (.*)\./)[1]);
  const relative = (ORDERS.trending / ORDERS.control - 1) * 100;
  assert.ok(low < relative && relative < high && low > 0, change);
  await told.locator('.comparison summary').first().click();
  const range = await told.locator('.comparison').first().locator('tbody tr').nth(1).locator('td').nth(2).innerText();
  const [least, most] = figures(range);
  assert.ok(least < truth * 100 && truth * 100 < most && least > 0, range);
  for (const variant of ['control', 'trending']) assert.ok((await told.innerText()).includes(`${seen[variant].people} people`), await told.innerText());
  await screenshot(page, 'story-result');
  assert.deepEqual(await faults(page), []);
  const { body } = await api('GET', '/v1/results');
  // The hold-out began with the story: those who were there before count on no side.
  const { served, held_out: without, conversion } = body.personalization;
  assert.deepEqual([served, without], [seen.control.people + seen.trending.people, seen['held out'].people]);
  const caused = (seen.control.people * ORDERS.control + seen.trending.people * ORDERS.trending) / served / 100 - ORDERS['held out'] / 100;
  console.log(`# caused ${caused.toFixed(3)}, found ${conversion.value.toFixed(3)}, ${conversion.low.toFixed(3)} to ${conversion.high.toFixed(3)}`);
  assert.ok(conversion.low < caused && caused < conversion.high, JSON.stringify(conversion));
  // Attributed beside caused, in words that say how sure it is.
  await page.goto(`${BASE}/console/results`);
  const caused_card = page.locator('section[aria-labelledby=worth] section[aria-labelledby=caused]');
  const part = body.personalization.share_of_revenue;
  const percent = (share) => `${share < 0 ? '−' : ''}${(Math.abs(share) * 100).toFixed(1)}%`;
  assert.ok((await caused_card.locator('.value').innerText()).startsWith(percent(part.value)));
  assert.ok((await caused_card.innerText()).includes(`between ${percent(part.low)} and ${percent(part.high)}`), await caused_card.innerText());
  // And by whom: those who were held out are on the page.
  assert.ok((await caused_card.innerText()).includes(`${served} people served, against ${without} who go without.`), await caused_card.innerText());
  assert.equal(await caused_card.locator('.tag').innerText(), part.low > 0 ? 'sure' : part.high < 0 ? 'sells less' : 'not sure yet');
  assert.deepEqual(await faults(page), []);
  await screenshot(page, 'story-results');
  await page.goto(`${BASE}/console`);
  await screenshot(page, 'story-overview');
  await page.goto(`${BASE}/console/segments`);
  await screenshot(page, 'story-segments');
});
