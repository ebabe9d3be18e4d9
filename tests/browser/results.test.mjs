// What the people who run the sample shop read of what it earned: in a period, by day, channel, segment and placement, what is
// attributed to personalization beside what it caused, and what it costs.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { api, BASE, desk, faults, screenshot } from './console.mjs';

const ATTRIBUTION = '/v1/settings/attribution';
const { version: _, ...before } = (await api('GET', ATTRIBUTION)).body;

async function attribute(wanted) {
  const { body } = await api('GET', ATTRIBUTION);
  const answer = await api('PUT', ATTRIBUTION, { ...body, ...wanted });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}
after(() => attribute(before));

/** The value beside a name in the figures at a glance. */
const figure = (page, name) => page.locator('main > .figures .figure').filter({ has: page.getByText(name, { exact: true }) }).locator('.value').innerText();
const whole = (number) => Math.round(number).toLocaleString('en-GB');
const share = (number) => `${(number * 100).toFixed(1)}%`;

desk('a period is chosen, and its figures are those of the API', {}, async (page) => {
  await page.goto(`${BASE}/console`);
  await page.getByRole('link', { name: 'All results' }).click();
  await page.waitForURL(/console\/results$/);
  const month = (await api('GET', '/v1/results?last=28')).body;
  assert.equal(await figure(page, 'Visitors'), whole(month.total.visitors));
  assert.equal(await figure(page, 'Visits each'), month.total.visit_frequency.toFixed(2));
  await page.getByText('Everybody counts once').waitFor();
  for (const days of [7, 90]) {
    await page.getByRole('link', { name: `${days} days`, exact: true }).click();
    await page.waitForURL(new RegExp(`last=${days}`));
    assert.equal(await page.locator('.period [aria-current]').innerText(), `${days} days`);
    const { total, channels } = (await api('GET', `/v1/results?last=${days}`)).body;
    for (const [name, told] of [['Visitors', whole(total.visitors)], ['Orders', whole(total.orders)], ['Conversion', share(total.conversion)],
      ['Orders each', total.purchase_frequency.toFixed(2)], ['Had ordered before', share(total.repeat_rate)], ['Return rate', share(total.return_rate)]]) {
      assert.equal(await figure(page, name), told, name);
    }
    const web = page.locator('section[aria-labelledby=by-channels] tbody tr').filter({ has: page.getByRole('rowheader', { name: 'Web', exact: true }) });
    assert.equal(await web.locator('td').first().innerText(), whole(channels.web.visitors));
  }
  // People are told apart from days: of a year everybody would come on many.
  const { total } = (await api('GET', '/v1/results?last=90')).body;
  const { days } = (await api('GET', '/v1/results?last=90')).body;
  assert.ok(total.visitors < days.reduce((sum, day) => sum + day.visitors, 0), 'somebody came on two days');

  await page.getByLabel('From', { exact: true }).fill(days[0].day);
  await page.getByLabel('To', { exact: true }).fill(days[1].day);
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.waitForURL(/from=/);
  await page.getByText('counts on each of them').waitFor();
  const two = (await api('GET', `/v1/results?from=${days[0].day}&to=${days[1].day}`)).body;
  assert.equal(await figure(page, 'Visitors'), whole(two.total.visitors));
  await page.locator('summary', { hasText: 'Day by day' }).click();
  assert.equal(await page.locator('details[open] tbody tr').filter({ visible: true }).count(), two.days.length);

  await page.goto(`${BASE}/console/results?from=2026-11-02&to=2026-11-01`);
  await page.getByText('The first day has to come before the last one').waitFor();
  assert.deepEqual(await faults(page), []);
});

desk('what is attributed stands beside what is caused, each with its days', {}, async (page) => {
  await page.goto(`${BASE}/console/results?last=28`);
  const { attributed, personalization } = (await api('GET', '/v1/results?last=28')).body;
  const card = page.locator('section[aria-labelledby=worth]');
  const [left, right] = [card.locator('section[aria-labelledby=attributed]'), card.locator('section[aria-labelledby=caused]')];
  assert.equal(await left.locator('.value').innerText(), attributed.share_of_revenue === null ? '–' : share(attributed.share_of_revenue));
  assert.match(await left.innerText(), /within 7 days[\s\S]*more \([\s\S]*within 1 day\./);
  // Nobody is held out of the sample shop: that is said, and no figure is made up.
  if (personalization === null) assert.match(await right.innerText(), /is not known/);
});

desk('the cost is what the cloud takes for what was measured', {}, async (page) => {
  const prices = { region: 'eu-west-3', as_of: '2026-11-01', verified: false, sources: ['https://aws.amazon.com/lambda/pricing/'],
    recorded: 'the browser tests', million_decisions: 6.5, million_events: 4, month: 2.25 };
  assert.equal((await api('PUT', '/v1/settings/cloud-prices', prices)).status, 200);
  await attribute({ margin: 0.3, cost_per_month: 100, per_dollar: 0.8 });
  const { business_case: made, placements } = (await api('GET', '/v1/results?last=28')).body;
  assert.ok(Math.abs(made.cloud.dollars - 2.25 - (made.cloud.decisions * 6.5 + made.cloud.events * 4) / 1e6) < 1e-6, JSON.stringify(made));
  assert.ok(Math.abs(made.cost - 100 - made.cloud.dollars * 0.8) < 1e-6, JSON.stringify(made));
  assert.ok(made.cloud.events > 0 && Object.values(placements).every(({ cost, decisions }) => Math.abs(cost - decisions * 6.5e-6 * 0.8) < 1e-9));
  await page.goto(`${BASE}/console/results?last=28`);
  const card = page.locator('section[aria-labelledby=case]');
  const told = await card.innerText();
  assert.match(told, /the cloud takes/);
  assert.match(told, /1 Nov 2026, eu-west-3/);
  assert.match(told, /not compared with their pages/);
  await card.locator('summary').click();
  assert.equal(await card.getByRole('link', { name: 'https://aws.amazon.com/lambda/pricing/' }).count(), 1);
  await page.goto(`${BASE}/console/settings`);
  await page.getByText('The cloud takes 6.50 dollars for a million lists').waitFor();
  assert.equal(await page.getByLabel('A dollar in this currency').inputValue(), '0.8');
  // What the form sends keeps all of it.
  await page.locator('section[aria-labelledby=attribution]').getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { version, ...kept } = (await api('GET', ATTRIBUTION)).body;
  assert.deepEqual([kept.margin, kept.cost_per_month, kept.per_dollar], [0.3, 100, 0.8]);
  await screenshot(page, 'settings-cloud');
});

desk('a period is chosen without scripts', { javaScriptEnabled: false }, async (page) => {
  await page.goto(`${BASE}/console/results`);
  await page.getByRole('link', { name: '7 days', exact: true }).click();
  await page.waitForURL(/last=7/);
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await page.waitForURL(/from=/);
});
