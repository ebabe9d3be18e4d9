// What the people who run the sample shop see and do in the console.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { api, BASE, desk, DESKTOP, faults, OF_ADMINS, PAGES, screenshot, TABLET } from './console.mjs';

const MADE = { placements: ['console-teaser'], rules: ['console-banner', 'console-hides', 'console-first', 'console-second'], segments: ['console-spenders', 'like-deal-hunters-5'], experiments: ['console-trends', 'console-both'] };

/** As the shop was: what a run made is removed, also what an interrupted one left. */
async function clean() {
  for (const [kind, ids] of Object.entries(MADE)) {
    for (const id of ids) {
      // Of placements there is only the list.
      const { status, body } = kind === 'placements' ? { status: 200, body: {} } : await api('GET', `/v1/${kind}/${id}`);
      if (status !== 200) continue;
      if (body.status === 'running') await api('PUT', `/v1/experiments/${id}`, { ...body, status: 'stopped' });
      await api('DELETE', `/v1/${kind}/${id}`);
    }
  }
}
await clean();
after(clean);

const pages = (role) => Object.entries(role === 'admin' ? { ...PAGES, ...OF_ADMINS } : PAGES)
  .filter(([name]) => role !== 'viewer' || !name.startsWith('new-'));

for (const role of ['viewer', 'marketer', 'admin']) {
  for (const [locale, language] of [['en-GB', 'en'], ['fr-FR', 'fr']]) {
    desk(`every page opens, ${role}, ${language}`, { role, locale }, async (page) => {
      for (const [name, path] of pages(role)) {
        const response = await page.goto(`${BASE}${path}`);
        assert.equal(response.status(), 200, name);
        assert.equal(await page.locator('html').getAttribute('lang'), language, name);
        assert.equal(await page.locator('h1').count(), 1, name);
        const text = await page.locator('main').innerText();
        assert.ok(!/undefined|\bnull\b|NaN|\{[a-z]+\}/.test(text), `${name}: ${text}`);
        if (role === 'viewer') assert.equal(await page.locator('main form[method=post] button:visible:not([disabled])').count(), 0, `${name} offers a viewer a change`);
      }
    });
  }
}

for (const colorScheme of ['light', 'dark']) {
  for (const [device, viewport] of Object.entries({ desktop: DESKTOP, tablet: TABLET })) {
    desk(`nobody is shut out and nothing sticks out, ${colorScheme}, ${device}`, { role: 'admin', colorScheme, viewport }, async (page) => {
      for (const [name, path] of pages('admin')) {
        await page.goto(`${BASE}${path}`, { waitUntil: 'networkidle' });
        await screenshot(page, `${name}-${colorScheme}-${device}`);
        assert.deepEqual(await faults(page), [], name);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(width, viewport.width, name);
      }
    });
  }
}

desk('look-alikes of a segment are told by size, and one click makes a segment of them', {}, async (page) => {
  await page.goto(`${BASE}/console/segments/deal-hunters`);
  const rows = page.locator('section[aria-labelledby=alike] tbody tr');
  assert.equal(await rows.count(), 5);
  await screenshot(page, 'look-alikes');
  const found = (await rows.locator('td:nth-of-type(3)').allInnerTexts()).map((text) => parseInt(text, 10));
  // Hidden deal hunters are found more often than chance would.
  assert.ok(found[4] > 20 && found.every((share, at) => at === 0 || share >= found[at - 1]), found.join());
  await rows.nth(2).getByRole('link', { name: 'Make a segment of it' }).click();
  assert.equal(await page.getByLabel('Condition', { exact: true }).inputValue(), 'alike = "deal-hunters-5"');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForURL(/said=saved/);
  assert.match(page.url(), /\/segments\/like-deal-hunters-5\?/);
});

desk('an experiment tries two placements together, in a group', { refusals: true }, async (page) => {
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill('Console both');
  await page.locator('summary', { hasText: 'More ways' }).click();
  await page.getByLabel('At the same time, in').selectOption('basket');
  await page.getByLabel(/^Group of experiments/).fill('Home page');
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.waitForURL(/said=saved/);
  const { body } = await api('GET', '/v1/experiments/console-both');
  assert.deepEqual(body.design.factors.map(({ id, levels }) => [id, levels.map((level) => level.id)]),
    [['home', ['control', 'trending']], ['basket', ['control', 'trending']]]);
  assert.deepEqual(body.exclusive, { group: 'home-page', from: 0, to: 0.5 });
  // Of two factors no traffic is shifted: it is said where, and what was typed stays.
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill('Console never');
  await page.locator('summary', { hasText: 'More ways' }).click();
  await page.getByLabel('At the same time, in').selectOption('basket');
  await page.getByLabel('Shift visitors to what is best').check();
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.locator('.notice.bad').waitFor();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Console never');
});

desk('a placement is made, asked for by the shop, and removed', { refusals: true }, async (page) => {
  await page.goto(`${BASE}/console/placements`);
  await page.getByRole('link', { name: 'New placement' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Home');
  await page.getByLabel('Strategy').selectOption('trending');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('.notice.bad').waitFor();
  // One that is there is not replaced, and what was typed stays.
  assert.equal(await page.getByLabel('Strategy').inputValue(), 'trending');
  await page.getByLabel('Name', { exact: true }).fill('Console teaser');
  await page.getByLabel('Products shown').fill('3');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForURL(/console-teaser\?said=saved/);
  const asked = () => api('POST', '/v1/recommendations/console-teaser', { history: [] });
  const within = async (status) => {
    for (const deadline = Date.now() + 10_000; ; await new Promise((again) => setTimeout(again, 200))) {
      const answer = await asked();
      if (answer.status === status) return answer.body;
      assert.ok(Date.now() < deadline, `the shop answers ${answer.status}`);
    }
  };
  assert.equal((await within(200)).items.length, 3);
  await page.locator('details.confirm summary').click();
  await page.locator('details.confirm button').click();
  await page.waitForURL(/placements\?said=removed/);
  await within(404);
});

desk('a segment is made, with its size as it is typed', {}, async (page) => {
  await page.goto(`${BASE}/console/segments`);
  await page.getByRole('link', { name: 'New segment' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('Console spenders');
  await page.getByLabel('Condition').fill('orders >= 2 and');
  await page.locator('#size .fault').waitFor();
  await page.getByLabel('Condition').fill('orders >= 2');
  await page.locator('#size .value').waitFor();
  assert.match(await page.locator('#size').innerText(), /Between [\d,]+ and [\d,]+ of [\d,]+ visitors/);
  await screenshot(page, 'segment-size');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const { body } = await api('GET', '/v1/segments/console-spenders');
  assert.deepEqual([body.name, body.filter, body.author], ['Console spenders', 'orders >= 2', 'test-marketer']);
});

desk('a rule is made by keyboard, previewed before and after, and the shop changes', {}, async (page) => {
  const shown = async () => {
    const { body } = await api('POST', '/v1/recommendations/trending', { history: [], limit: 10 });
    return body.items.map((item) => item.product);
  };
  const [first] = await shown();
  await page.goto(`${BASE}/console/rules`);
  // The first stop of the keyboard leads past the navigation.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await page.locator('a.button', { hasText: 'New rule' }).focus();
  await page.keyboard.press('Enter');
  await page.getByLabel('Name', { exact: true }).focus();
  await page.keyboard.type('Console hides');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Hide');
  await page.getByLabel('Condition').focus();
  await page.keyboard.type(`id = "${first.id}"`);
  await page.locator('#at_placement').selectOption('trending');
  await page.getByRole('button', { name: 'Show before and after' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('#preview .before-after').waitFor();
  const sides = page.locator('#preview .before-after > section');
  assert.ok((await sides.nth(0).innerText()).includes(first.title));
  assert.ok(!(await sides.nth(1).innerText()).includes(first.title));
  await screenshot(page, 'rule-preview');
  assert.deepEqual(await faults(page), []);
  assert.ok((await shown()).some(({ id }) => id === first.id), 'a preview changes nothing');
  await page.getByRole('button', { name: 'Publish' }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('Saved.').waitFor();
  await page.getByRole('link', { name: 'Console hides' }).waitFor();
  for (const deadline = Date.now() + 10_000; ;) {
    if (!(await shown()).some(({ id }) => id === first.id)) break;
    assert.ok(Date.now() < deadline, 'the shop still shows it');
    await new Promise((again) => setTimeout(again, 200));
  }
  // What was done can be had back: the rule is removed, and then undone.
  await page.getByRole('link', { name: 'Console hides' }).click();
  assert.match(await page.locator('.history').innerText(), /test-marketer/);
  await page.locator('summary', { hasText: 'Remove the rule' }).click();
  await page.getByRole('button', { name: 'Remove the rule' }).click();
  await page.getByText('Removed.').waitFor();
  assert.equal((await api('GET', '/v1/rules/console-hides')).status, 404);
});

desk('a banner is written for a segment, and the shop shows it to nobody else', {}, async (page) => {
  await page.goto(`${BASE}/console/rules/new?kind=content&segment=new-visitors`);
  await page.getByLabel('Name', { exact: true }).fill('Console banner');
  await page.getByLabel('Place in the shop').fill('hero');
  await page.getByLabel('Content').fill('{"title": "Fresh fish", "text": "Caught this morning.", "link": "#/search?q=fish"}');
  await page.locator('#at_placement').selectOption('home');
  await page.getByRole('button', { name: 'Show before and after' }).click();
  await page.locator('#preview .before-after').waitFor();
  await screenshot(page, 'rule-content');
  assert.deepEqual(await faults(page), []);
  // A draft acts on nobody until it is published.
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await api('GET', '/v1/rules/console-banner')).body.enabled, false);
  await page.getByRole('link', { name: 'Console banner' }).click();
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByText('Shows at “hero”: Fresh fish').waitFor();
  const { body } = await api('GET', '/v1/rules/console-banner');
  assert.deepEqual([body.when.segments, body.effect.payload.title], [['new-visitors'], 'Fresh fish']);
  // By its own name a headless browser is a robot, and robots are in no segment.
  const userAgent = (await page.evaluate(() => navigator.userAgent)).replace('Headless', '');
  const shop = await page.context().browser().newPage({ userAgent });
  for (const deadline = Date.now() + 15_000; ;) {
    await shop.goto(`${BASE}/?again=${Date.now()}`);
    await shop.locator('[data-placement=home][data-state=ready]').waitFor();
    if (await shop.locator('h1').innerText() === 'Fresh fish') break;
    assert.ok(Date.now() < deadline, 'a new visitor does not see the banner');
    await new Promise((again) => setTimeout(again, 500));
  }
  await screenshot(shop, 'shop-content');
  const old = await api('POST', '/v1/recommendations/home', { visitor_id: '853' });
  assert.deepEqual([old.status, old.body.content], [200, undefined], 'a customer of a year sees it too');
  await shop.close();
});

desk('what a change of a placement would do is shown before it is saved', {}, async (page) => {
  await page.goto(`${BASE}/console/placements/feed`);
  await page.getByLabel('Standing kept after being passed over').fill('0.5');
  await page.getByRole('button', { name: 'Show before and after' }).click();
  await page.locator('#preview .before-after').waitFor();
  assert.deepEqual(await faults(page), []);
});

desk('rules are put in order by button and by dragging', {}, async (page) => {
  for (const id of ['console-first', 'console-second']) {
    await api('PUT', `/v1/rules/${id}`, { name: id, enabled: false, effect: { kind: 'at_most', attribute: 'brand', count: 3 } });
  }
  const order = async () => (await api('GET', '/v1/rules')).body.rules.map((rule) => rule.id).filter((id) => /^console-(first|second)$/.test(id));
  await page.goto(`${BASE}/console/rules`);
  assert.deepEqual(await order(), ['console-first', 'console-second']);
  await page.getByRole('button', { name: 'Move up : console-second' }).press('Enter');
  await page.getByText('The order is changed.').waitFor();
  assert.deepEqual(await order(), ['console-second', 'console-first']);
  await screenshot(page, 'rules-order');
  await page.locator('[data-id=console-first]').dragTo(page.locator('[data-id=console-second]'), { sourcePosition: { x: 200, y: 12 }, targetPosition: { x: 200, y: 4 } });
  await page.waitForLoadState('networkidle');
  assert.deepEqual(await order(), ['console-first', 'console-second']);
});

desk('an experiment is planned, made, started and stopped', {}, async (page) => {
  await page.goto(`${BASE}/console/experiments`);
  await page.getByRole('link', { name: 'New experiment' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill('Console trends');
  await page.getByLabel('What is expected, and why').fill('Trends sell better to strangers.');
  await page.getByLabel('Visitors a day').fill('5000');
  await page.getByRole('button', { name: 'Work it out' }).click();
  await page.getByText(/About [\d,]+ days and [\d,]+ visitors/).waitFor();
  await screenshot(page, 'experiment-plan');
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.getByText('Saved.').waitFor();
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await page.getByText('The experiment runs.').waitFor();
  await screenshot(page, 'experiment-running');
  assert.deepEqual(await faults(page), []);
  assert.equal((await api('GET', '/v1/experiments/console-trends')).body.status, 'running');
  await page.locator('summary', { hasText: 'Stop the experiment' }).click();
  await page.getByRole('button', { name: 'Stop the experiment' }).click();
  await page.getByText('The experiment has ended.').waitFor();
});

desk('what cannot be saved says why beside its field', { refusals: true }, async (page) => {
  await page.goto(`${BASE}/console/rules/new`);
  await page.getByLabel('Name', { exact: true }).fill('Console hides');
  await page.getByLabel('Condition').fill('brand >');
  await page.getByRole('button', { name: 'Save' }).click();
  const field = page.getByLabel('Condition');
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  const described = (await field.getAttribute('aria-describedby')).split(' ').at(-1);
  assert.ok((await page.locator(`#${described}`).innerText()).length > 5);
  assert.deepEqual(await faults(page), []);
  await screenshot(page, 'rule-refused');
});

desk('the console works without scripts', { javaScriptEnabled: false }, async (page) => {
  await page.goto(`${BASE}/console/rules/new`);
  await page.getByLabel('Name', { exact: true }).fill('Console hides');
  await page.locator('#kind').selectOption('hide');
  await page.getByLabel('Condition').fill('brand = "Larkdale"');
  await page.getByRole('button', { name: 'Show before and after' }).click();
  await page.locator('.before-after').waitFor();
  assert.equal(await page.getByLabel('Condition').inputValue(), 'brand = "Larkdale"');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
});

desk('a viewer is told what their role does not allow', { role: 'viewer', refusals: true }, async (page) => {
  for (const path of ['/console/rules/new', '/console/visitors?id=u%3A853', '/console/staff']) {
    assert.equal((await page.goto(`${BASE}${path}`)).status(), 403, path);
    await page.getByText('Your role does not allow this').waitFor();
    assert.deepEqual(await faults(page), []);
  }
});
