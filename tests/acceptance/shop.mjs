// A shop as its own programs see it: calls with its keys, and waiting for a condition, never for a time.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export const URL_OF_STACK = process.env.VITRINE_URL;
const KEYS = { browser: process.env.VITRINE_BROWSER_KEY, server: process.env.VITRINE_SERVER_KEY };
/** How long anything behind the table may take: a cold start, a stream, a training of a few hundred products. */
const PATIENCE_MS = 120_000;
/** The promise for the catalogue and the live model. */
export const FRESH_MS = 1_000;
/** Sets this run's products and visitors apart from those of an earlier one in the same shop. */
export const RUN = Date.now().toString(36);

export const feed = (name) => readFileSync(new URL(`../../samples/feeds/${name}`, import.meta.url));
export const expected = JSON.parse(feed('expected.json'));

/** Sends a request; status, headers and the JSON of the answer. */
export async function call(method, path, { key = 'server', body, headers = {} } = {}) {
  const authorization = `Basic ${btoa(`${KEYS[key] ?? key}:`)}`;
  const json = body !== undefined && !(typeof body === 'string' || body instanceof Uint8Array);
  const type = json ? { 'content-type': 'application/json' } : body === undefined ? {} : { 'content-type': 'application/octet-stream' };
  const response = await fetch(URL_OF_STACK + path, {
    method, body: json ? JSON.stringify(body) : body, headers: { authorization, ...type, ...headers },
  });
  const text = await response.text();
  let value = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    assert.fail(`${method} ${path} answered ${response.status} and no JSON: ${text.slice(0, 300)}`);
  }
  return { status: response.status, headers: response.headers, value };
}

/** As `call`, for a call that must succeed; the JSON alone. */
export async function ok(method, path, options) {
  const { status, value } = await call(method, path, options);
  assert.ok(status >= 200 && status < 300, `${method} ${path} answered ${status}: ${JSON.stringify(value)}`);
  return value;
}

/** Asks until the answer is as it should be. */
export async function eventually(ask, is, what, patience = PATIENCE_MS) {
  const end = Date.now() + patience;
  for (let last; ; ) {
    last = await ask();
    if (is(last)) return last;
    assert.ok(Date.now() < end, `${what}: not after ${patience / 1000} s; it was ${JSON.stringify(last)?.slice(0, 2000)}`);
    await new Promise((again) => setTimeout(again, 100));
  }
}

/** An event, sent as a browser sends it. */
export async function track(anonymousId, event, properties, more = {}) {
  const body = { type: 'track', event, anonymousId, properties, messageId: `${RUN}-${crypto.randomUUID()}`, timestamp: new Date().toISOString(), ...more };
  assert.deepEqual(await ok('POST', '/v1/t', { key: 'browser', body: JSON.stringify(body), headers: { 'content-type': 'text/plain' } }), { success: true });
}

export const view = (anonymousId, product) => track(anonymousId, 'Product Viewed', { product_id: product });

/** An answer of a placement, for the browser key. */
export const recommend = (placement, body = {}) => ok('POST', `/v1/recommendations/${placement}`, { key: 'browser', body });

export const ids = (answer) => answer.items.map((item) => item.product_id);

/** Waits for a job and gives its result. */
export async function done(asked) {
  const job = await eventually(() => ok('GET', asked.location ?? `/v1/jobs/${asked.job_id}`),
    ({ state }) => state === 'done' || state === 'failed', `job ${asked.job_id}`);
  assert.equal(job.state, 'done', JSON.stringify(job.result));
  return job.result;
}

/** Sends a file to an upload address and gives what its import said. */
export async function upload(kind, query, body) {
  const asked = await ok('POST', `/v1/imports/${kind}?${query}`);
  assert.equal(asked.upload.method, 'PUT');
  const sent = await fetch(asked.upload.url, { method: 'PUT', body });
  assert.ok(sent.ok, `${new URL(asked.upload.url).host} answered ${sent.status}: ${await sent.text()}`);
  return done(asked);
}

/** Trains the shop and gives what came of it. */
export const retrain = async () => done(await ok('POST', '/v1/retrain'));

/** A small catalogue: so many products in each category, named `<run>-<category>-<n>`. */
export function catalogue(categories, per) {
  return categories.flatMap((category) => Array.from({ length: per }, (_, n) => ({
    id: `${RUN}-${category}-${n}`, title: `${category} number ${n}`, category: ['All', category], brand: `Brand ${n % 3}`,
    price: 1 + n, currency: 'EUR', attributes: { colour: n % 2 ? 'blue' : 'red' },
  })));
}

/** Writes products and waits until answers know them, which takes up to the promised second. */
export async function stock(products) {
  await ok('PUT', '/v1/products', { body: products });
  const items = products.map(({ id }) => id);
  await eventually(() => ok('POST', '/v1/rank', { key: 'browser', body: { items } }), (answer) => !answer.left_out?.length, 'the new products', 10 * FRESH_MS);
}

/** Asks again and again from now on; tells of every question when it was asked and what was answered. */
export function asking(ask) {
  const answers = [];
  let stopped = false;
  const going = (async () => {
    while (!stopped) {
      const asked = Date.now();
      answers.push({ asked, answer: await ask() });
    }
  })();
  return {
    answers,
    async stop() {
      stopped = true;
      await going;
      return answers;
    },
  };
}
