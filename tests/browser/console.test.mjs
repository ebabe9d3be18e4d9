// What the people who run the sample shop see and do in the console.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { api, BASE, desk, DESKTOP, DOOR, faults, furnish, OF_ADMINS, PAGES, removeExperiments, routes, RUN, screenshot, TABLET } from './console.mjs';

const MADE = { placements: ['console-teaser'], rules: ['console-banner', 'console-hides', 'console-varied', 'console-first', 'console-second'], segments: ['console-spenders', 'like-deal-hunters-5'] };

/** As the shop was: what a run made is removed, also what an interrupted one left. */
async function clean() {
  for (const [kind, ids] of Object.entries(MADE)) {
    for (const id of ids) {
      // Of placements there is only the list.
      const { status } = kind === 'placements' ? { status: 200 } : await api('GET', `/v1/${kind}/${id}`);
      if (status === 200) await api('DELETE', `/v1/${kind}/${id}`);
    }
  }
  await removeExperiments('console-');
}
await clean();
after(clean);
await furnish();

const pages = (role) => Object.entries(role === 'admin' ? { ...PAGES, ...OF_ADMINS } : PAGES)
  .filter(([name]) => role !== 'viewer' || !/^(new|edit)-/.test(name));

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

test('every page of the console is among those that are opened', () => {
  const opened = Object.values({ ...PAGES, ...OF_ADMINS, ...DOOR }).map((path) => path.split('?')[0]);
  const of = (address) => new RegExp(`^${address.replace(/\{\w+\}/g, '[^/]+')}$`);
  const all = routes();
  assert.ok(all.length > 18, all.join());
  // A name may be that of another page: `new` is no rule.
  const fixed = new Set(all.filter((address) => !address.includes('{')));
  const unseen = all.filter((address) => !opened.some((path) => of(address).test(path) && (path === address || !fixed.has(path))));
  assert.deepEqual(unseen, []);
});

/** What has to hold of a page as it stands. */
async function fits(page, name) {
  assert.deepEqual(await faults(page), [], name);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, page.viewportSize().width, name);
}

for (const [locale, language] of [['en-GB', 'en'], ['fr-FR', 'fr']]) {
  for (const colorScheme of ['light', 'dark']) {
    const looks = { locale, colorScheme };
    const inLanguage = language === 'en' ? '' : `-${language}`;
    desk(`nobody is shut out and nothing sticks out, ${language}, ${colorScheme}`, { role: 'admin', ...looks }, async (page) => {
      for (const [name, path] of pages('admin')) {
        for (const [device, viewport] of Object.entries({ desktop: DESKTOP, tablet: TABLET })) {
          await page.setViewportSize(viewport);
          if (device === 'desktop') await page.goto(`${BASE}${path}`, { waitUntil: 'networkidle' });
          await screenshot(page, `${name}-${colorScheme}-${device}${inLanguage}`);
          await fits(page, `${name}, ${device}`);
        }
      }
    });
    desk(`nobody is shut out at the door, ${language}, ${colorScheme}`, { role: null, ...looks, refusals: true }, async (page) => {
      for (const [name, path] of Object.entries(DOOR)) {
        await page.goto(`${BASE}${path}`);
        await screenshot(page, `${name}-${colorScheme}${inLanguage}`);
        await fits(page, name);
      }
      // Nothing is tried: without a password there is nothing to try.
      await page.locator('#name').fill('nobody');
      await page.evaluate(() => document.querySelector('form').setAttribute('novalidate', ''));
      await page.getByRole('button', { name: language === 'en' ? 'Sign in' : 'Se connecter' }).click();
      await page.locator('.notice.bad').waitFor();
      await fits(page, 'a refusal at the door');
    });
  }
}

/** Everything on a page that a keyboard has to reach, one of each group of radio buttons. */
const reachable = () => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter((one) => one.tabIndex >= 0 && !one.matches(':disabled') && one.checkVisibility({ visibilityProperty: true }))
  .map((one, place) => { one.dataset.stop = place; return place; });

desk('every page is gone through by keyboard, and it shows where one is', { role: 'admin' }, async (page) => {
  for (const [name, path] of pages('admin')) {
    await page.goto(`${BASE}${path}`, { waitUntil: 'networkidle' });
    const stops = await page.evaluate(reachable);
    const seen = new Set();
    // A field of a date and time has several stops of its own.
    for (let n = 0; n < stops.length + 30 && seen.size < stops.length; n += 1) {
      await page.keyboard.press('Tab');
      const { stop, shown } = await page.evaluate(() => {
        const at = document.activeElement;
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
        // Of a date the browser marks the part that one is in.
        const inside = at.matches('[type=date], [type=datetime-local]');
        return { stop: at.dataset.stop, shown: inside || (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none' };
      });
      if (stop === undefined) continue;
      assert.ok(shown, `${name}: nothing shows that stop ${stop} has the focus`);
      seen.add(Number(stop));
    }
    const missed = stops.filter((stop) => !seen.has(stop));
    const told = await page.evaluate((all) => all.map((stop) => document.querySelector(`[data-stop="${stop}"]`)?.outerHTML.slice(0, 120)), missed);
    assert.deepEqual(told, [], name);
  }
});

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
  await page.getByLabel('Name', { exact: true }).fill(`Console both ${RUN}`);
  await page.getByRole('button', { name: 'Add a part' }).click();
  // The keyboard is where something was added.
  await page.locator('#p1-w0:focus').waitFor();
  await page.locator('#p1-w0-c0-placement').selectOption('basket');
  await page.locator('summary', { hasText: 'Group of experiments' }).click();
  await page.getByLabel(/^Group of experiments of which/).fill('Home page');
  await screenshot(page, 'experiment-two-parts');
  assert.deepEqual(await faults(page), []);
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.waitForURL(/said=saved/);
  const { body } = await api('GET', `/v1/experiments/console-both-${RUN}`);
  assert.deepEqual(body.design.factors.map(({ id, levels }) => [id, levels.map((level) => level.id)]),
    [['home', ['control', 'trending']], ['basket', ['control', 'trending']]]);
  assert.deepEqual(body.exclusive, { group: 'home-page', from: 0, to: 0.5 });
  // Of two factors no traffic is shifted: it is said where, and what was typed stays.
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill('Console never');
  await page.getByRole('button', { name: 'Add a part' }).click();
  await page.locator('#p1-w0').waitFor();
  await page.getByLabel('Shift visitors to what is best').check();
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.locator('.notice.bad').waitFor();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Console never');
  assert.equal(await page.locator('.part').count(), 2);
});

desk('an experiment varies a score, a rule, a layout and a banner, and a draft is changed as it was made', {}, async (page) => {
  await api('PUT', '/v1/rules/console-varied', { name: 'Console varied', enabled: false, effect: { kind: 'hide', filter: 'price > 100' } });
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill(`Console many ${RUN}`);
  const change = (way, at, kind) => page.locator(`#p0-w${way}-c${at}-change`).selectOption(kind);
  await change(0, 0, 'blend');
  // Only what the kind asks for is shown.
  assert.equal(await page.locator('#p0-w0-c0-other_strategy').isVisible(), false);
  await page.locator('#p0-w0-c0-times').fill('3');
  const part = await page.locator('#p0-w0-c0-part').inputValue();
  await page.locator('#p0-w0').getByRole('button', { name: 'Add a change' }).click();
  await page.locator('#p0-w0-c1:focus').waitFor();
  await change(0, 1, 'layout');
  await page.locator('#p0-w0-c1-layout').fill('{"columns": 2}');
  await page.getByRole('button', { name: 'Add a way' }).click();
  await page.locator('#p0-w1:focus').waitFor();
  await change(1, 0, 'rule_on');
  await page.locator('#p0-w1-c0-rule').selectOption('console-varied');
  await page.locator('#p0-w1').getByRole('button', { name: 'Add a change' }).click();
  await page.locator('#p0-w1-c1:focus').waitFor();
  await change(1, 1, 'content');
  await page.locator('#p0-w1-c1-place').fill('hero');
  await page.locator('#p0-w1-c1-payload').fill('{"title": "Fresh fish"}');
  await page.locator('#p0-w1-way_name').fill('With fish');
  await page.getByLabel('Judged by').selectOption('revenue_per_visitor');
  await page.locator('fieldset.for-secondary').getByLabel('Repeat rate').check();
  await page.locator('#g0-guard').selectOption('return_rate');
  await page.locator('#g0-margin_of_guard').fill('10');
  await screenshot(page, 'experiment-many');
  assert.deepEqual(await faults(page), []);
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.waitForURL(/said=saved/);
  const stored = async () => (await api('GET', `/v1/experiments/console-many-${RUN}`)).body;
  const made = await stored();
  assert.deepEqual(made.cells.map(({ id }) => id), ['control', 'blend', 'with-fish']);
  assert.deepEqual(made.design.variants[1].changes, [
    { kind: 'blend', placement: 'home', factors: { [part]: 3 } }, { kind: 'layout', placement: 'home', payload: { columns: 2 } }]);
  const [rule, banner] = made.design.variants[2].changes;
  assert.deepEqual([rule.rule.id, rule.rule.enabled, rule.rule.effect.kind], ['console-varied', true, 'hide']);
  assert.deepEqual(banner, { kind: 'content', slot: 'hero', payload: { title: 'Fresh fish' } });
  assert.deepEqual(made.metrics, { primary: 'revenue_per_visitor', secondary: ['repeat_rate'], guardrails: [{ metric: 'return_rate', margin: 0.1 }] });
  await page.getByText('The rule “Console varied” acts.').waitFor();
  await screenshot(page, 'experiment-draft');

  // The draft again, as it was typed; what is not touched stays.
  await page.getByRole('link', { name: 'Change the draft' }).click();
  assert.equal(await page.locator('#p0-w1-c0-rule').inputValue(), 'console-varied');
  assert.equal(await page.locator('#g0-guard').inputValue(), 'return_rate');
  await page.locator('#p0-w0').getByRole('button', { name: 'Take the way out' }).click();
  await page.locator('#p0-w1').waitFor({ state: 'detached' });
  await page.getByLabel('Share that takes part, in %').fill('40');
  await page.getByRole('button', { name: 'Save as a draft' }).click();
  await page.waitForURL(/said=saved/);
  const changed = await stored();
  assert.deepEqual([changed.version, changed.traffic, changed.metrics], [made.version + 1, 0.4, made.metrics]);
  assert.deepEqual(changed.design.variants.slice(1), made.design.variants.slice(2));
  // The shop does what a variant says: of those who take part about half get the banner.
  await page.getByRole('button', { name: 'Start the experiment' }).click();
  await page.getByText('The experiment runs.').waitFor();
  assert.equal(await page.getByRole('link', { name: 'Change the draft' }).count(), 0);
  const seen = {};
  for (const deadline = Date.now() + 20_000; !seen['with-fish'] || !seen.control;) {
    const answer = await api('POST', '/v1/recommendations/home', { anonymous_id: `console-many-${Date.now()}-${Math.random()}` });
    const variant = answer.body.experiments?.find(({ id }) => id === `console-many-${RUN}`)?.variant;
    if (variant) {
      seen[variant] = true;
      assert.equal(answer.body.content?.hero?.title, variant === 'with-fish' ? 'Fresh fish' : undefined);
    }
    assert.ok(Date.now() < deadline, JSON.stringify([seen, answer.body]).slice(0, 500));
  }
  // What comes after it sees the shop without it.
  await removeExperiments(`console-many-${RUN}`);
  await api('DELETE', '/v1/rules/console-varied');
});

desk('an experiment is made without scripts', { javaScriptEnabled: false }, async (page) => {
  await page.goto(`${BASE}/console/experiments/new`);
  await page.getByLabel('Name', { exact: true }).fill(`Console plain ${RUN}`);
  await page.getByRole('button', { name: 'Add a way' }).click();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), `Console plain ${RUN}`);
  await page.locator('#p0-w1-c0-other_strategy').selectOption('similar');
  // Enter saves, whatever buttons stand before.
  await page.getByLabel('Name', { exact: true }).press('Enter');
  await page.getByText('Saved.').waitFor();
  const { body } = await api('GET', `/v1/experiments/console-plain-${RUN}`);
  assert.deepEqual(body.cells.map(({ id }) => id), ['control', 'trending', 'similar']);
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
  await page.waitForURL(/console-teaser\?said=removed/);
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
  // What was done can be had back: a change is undone, the rule is removed, and that is undone.
  await page.getByRole('link', { name: 'Console hides' }).click();
  assert.match(await page.locator('.history').innerText(), /test-marketer/);
  await page.getByLabel('Priority').fill('7');
  await page.getByRole('button', { name: 'Publish' }).click();
  await page.getByText('Saved.').waitFor();
  assert.equal((await api('GET', '/v1/rules/console-hides')).body.priority, 7);
  await page.getByRole('link', { name: 'Console hides' }).click();
  await page.getByRole('button', { name: 'Go back to this' }).first().click();
  await page.getByText('It is again what it was.').waitFor();
  assert.equal((await api('GET', '/v1/rules/console-hides')).body.priority, 0);
  await page.locator('summary', { hasText: 'Remove the rule' }).click();
  await page.getByRole('button', { name: 'Remove the rule' }).click();
  await page.getByText('Removed.', { exact: true }).waitFor();
  await screenshot(page, 'rule-removed');
  assert.equal((await api('GET', '/v1/rules/console-hides')).status, 404);
  await page.getByRole('button', { name: 'Have it back' }).click();
  await page.getByText('It is again what it was.').waitFor();
  await page.getByRole('link', { name: 'Rules', exact: true }).first().click();
  await page.getByRole('link', { name: 'Console hides' }).waitFor();
  const { body: back } = await api('GET', '/v1/rules/console-hides');
  assert.deepEqual([back.effect, back.author], [{ kind: 'hide', filter: `id = "${first.id}"` }, 'test-marketer']);
  // A day later it is found in the list of what was removed.
  await api('DELETE', '/v1/rules/console-hides');
  await page.goto(`${BASE}/console/rules`);
  await page.locator('summary', { hasText: 'Removed' }).click();
  const gone = page.locator('.past li', { hasText: 'Console hides' }).first();
  await gone.getByRole('button', { name: 'Have it back' }).click();
  await page.getByText('It is again what it was.').waitFor();
  assert.equal((await api('GET', '/v1/rules/console-hides')).status, 200);
  await api('DELETE', '/v1/rules/console-hides');
});

desk('settings of the shop have a past, and the last change is undone', {}, async (page) => {
  const stored = async () => (await api('GET', '/v1/settings/attribution')).body;
  const before = await stored();
  for (const days of ['11', '12']) {
    await page.goto(`${BASE}/console/settings`);
    const card = page.locator('section[aria-labelledby=attribution]');
    await card.getByLabel('Days after a click').fill(days);
    await card.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved.').waitFor();
  }
  assert.equal((await stored()).click_days, 12);
  const past = page.locator('section[aria-labelledby=attribution] details');
  await past.locator('summary').click();
  assert.match(await past.locator('li').first().innerText(), /Days after a click: 12.*test-marketer/s);
  await screenshot(page, 'settings-past');
  assert.deepEqual(await faults(page), []);
  await past.locator('li', { hasText: 'Days after a click: 11' }).first().getByRole('button').click();
  await page.getByText('It is again what it was.').waitFor();
  const { click_days: days, author } = await stored();
  assert.deepEqual([days, author], [11, 'test-marketer']);
  assert.equal((await api('PUT', '/v1/settings/attribution', { ...before, version: (await stored()).version })).status, 200);
});

desk('a banner is written for a segment, and the shop shows it to nobody else', {}, async (page) => {
  await page.goto(`${BASE}/console/rules/new?kind=content&segment=new-visitors`);
  await page.getByLabel('Name', { exact: true }).fill('Console banner');
  await page.getByLabel('Place in the shop').fill('hero');
  await page.getByLabel('Content').fill('{"title": "Fresh fish", "text": "Caught this morning.", "link": "#/search?q=fish"}');
  await page.locator('#at_placement').selectOption('home');
  // Somebody of the segment was seen once; of a stranger it is not known since when.
  const device = `console-${RUN}`;
  const seen = await fetch(`${BASE}/v1/batch`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo:')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ batch: [{
      type: 'track', event: 'Product Viewed', anonymousId: device, messageId: device, timestamp: new Date().toISOString(), properties: { product_id: '1127831' },
    }] }),
  });
  assert.equal(seen.status, 200);
  await page.locator('#as_visitor').fill(`a:${device}`);
  const sides = page.locator('#preview .before-after > section');
  for (const deadline = Date.now() + 10_000; ;) {
    await Promise.all([page.waitForResponse(/\/console\/rules\/preview$/), page.getByRole('button', { name: 'Show before and after' }).click()]);
    await sides.nth(1).waitFor();
    if ((await sides.nth(1).innerText()).includes('Fresh fish')) break;
    assert.ok(Date.now() < deadline, await page.locator('#preview').innerText());
    await new Promise((again) => setTimeout(again, 300));
  }
  assert.match(await sides.nth(1).innerText(), /hero\s+Fresh fish/);
  assert.ok(!(await sides.nth(0).innerText()).includes('Fresh fish'));
  assert.equal(await page.locator('#preview > .told').innerText(), 'The products stay; the content is another.');
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
  const promotions = [];
  shop.on('request', (request) => {
    const { event, properties } = request.url().endsWith('/v1/t') ? request.postDataJSON() : {};
    if (event === 'Promotion Viewed' && properties.decision_id) promotions.push(properties.promotion_id);
  });
  for (const deadline = Date.now() + 15_000; ;) {
    await shop.goto(`${BASE}/?again=${Date.now()}`);
    await shop.locator('[data-placement=home][data-state=ready]').waitFor();
    if (await shop.locator('h1').innerText() === 'Fresh fish') break;
    assert.ok(Date.now() < deadline, 'a new visitor does not see the banner');
    await new Promise((again) => setTimeout(again, 500));
  }
  for (const deadline = Date.now() + 5_000; !promotions.length;) {
    assert.ok(Date.now() < deadline, 'nobody is told that the banner was seen');
    await new Promise((again) => setTimeout(again, 100));
  }
  assert.equal(promotions[0], 'hero');
  await screenshot(shop, 'shop-content');
  const old = await api('POST', '/v1/recommendations/home', { visitor_id: '853' });
  assert.deepEqual([old.status, old.body.content], [200, undefined], 'a customer of a year sees it too');
  await shop.close();
});

desk('what a change of a placement would do is shown before it is saved', {}, async (page) => {
  await page.goto(`${BASE}/console/placements/feed`);
  await page.getByLabel('Standing kept after being passed over').fill('0.5');
  await page.getByRole('button', { name: 'Show before and after' }).click();
  // A stranger has passed over nothing.
  await page.locator('#preview > .told', { hasText: 'Nothing would change for this visitor.' }).waitFor();
  const { body } = await api('GET', '/v1/placements');
  const { limit } = body.placements.find(({ name }) => name === 'feed');
  const many = async () => {
    const sides = page.locator('#preview .before-after > section');
    return [await sides.nth(0).locator('.shelf > li').count(), await sides.nth(1).locator('.shelf > li').count()];
  };
  assert.deepEqual(await many(), [limit, limit]);
  await page.getByLabel('Products shown').fill('3');
  await page.getByRole('button', { name: 'Show before and after' }).click();
  await page.locator('#preview > .told', { hasText: /^\d+ products would move$/ }).waitFor();
  assert.deepEqual(await many(), [limit, 3]);
  assert.ok(await page.locator('#preview .tag.bad', { hasText: 'gone' }).count() >= limit - 3);
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
  for (let tries = 0; tries < 100 && (await order())[0] !== 'console-first'; tries++) await new Promise((again) => setTimeout(again, 100));
  assert.deepEqual(await order(), ['console-first', 'console-second']);
});

desk('an experiment is planned, made, started and stopped', {}, async (page) => {
  await page.goto(`${BASE}/console/experiments`);
  await page.getByRole('link', { name: 'New experiment' }).first().click();
  await page.getByLabel('Name', { exact: true }).fill(`Console trends ${RUN}`);
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
  assert.equal((await api('GET', `/v1/experiments/console-trends-${RUN}`)).body.status, 'running');
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

desk('whoever reads French is told in French what cannot be saved', { locale: 'fr-FR', refusals: true }, async (page) => {
  const english = /\b(the|must|expected|cannot|at most|letters|is)\b/;
  const refused = async (path, fill) => {
    await page.goto(`${BASE}${path}`);
    await fill();
    await page.locator('#main form button:not([name=enabled][value=no])').first().click();
    await page.locator('.notice.bad').first().waitFor();
    const told = await page.locator('.notice.bad, .fault').allInnerTexts();
    for (const text of told) assert.ok(text.length > 5 && !english.test(text), `${path}: ${text}`);
    return told.join('\n');
  };
  const rule = await refused('/console/rules/new', async () => {
    await page.locator('#title').fill('Console hides');
    await page.locator('#filter').fill('brand >');
  });
  assert.match(rule, /la condition ne se lit pas au caractère 8 : il faut un nombre/);
  await screenshot(page, 'rule-refused-fr');
  await refused('/console/segments/new', async () => {
    await page.locator('#title').fill('Console spenders');
    await page.locator('#filter').fill('orders >= "many"');
  });
  await refused('/console/placements/new', async () => {
    await page.locator('#placement_name').fill('Console teaser');
    await page.locator('#limit').fill('');
    await page.locator('#filter').fill('brand in 5');
  });
  // What a browser would not send of itself is refused by the API.
  const wild = () => page.evaluate(() => document.querySelectorAll('form').forEach((form) => form.setAttribute('novalidate', '')));
  await page.goto(`${BASE}/console/settings`);
  await wild();
  await page.locator('#hold_share').fill('99');
  await page.locator('section[aria-labelledby=hold-out] button').first().click();
  await page.getByText('de 0 à 0,5').first().waitFor();
  await page.goto(`${BASE}/console/rules/pages-rule`);
  await wild();
  await page.locator('#slot').fill('900');
  await page.getByRole('button', { name: 'Publier' }).click();
  await page.getByText('de 1 à 100').first().waitFor();
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
