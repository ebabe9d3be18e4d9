// One bad record harms nobody: malformed and oversized events among good ones, requests that are too large, and records
// in the table that no reader can read.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { Crowd, ask } from './client.mjs';
import { compare } from './compare.mjs';
import { Random } from './random.mjs';
import { Stack, createShop } from './stack.mjs';
import * as table from './table.mjs';
import { batches, workload } from './workload.mjs';

/** Events that cannot be taken, and the reason that the answer must give. */
const MALFORMED = [
  ['missing-identity', (id) => ({ type: 'track', event: 'Product Viewed', messageId: id })],
  ['unknown-type', (id) => ({ type: 'odd', anonymousId: 'bad', messageId: id })],
  ['missing-event-name', (id) => ({ type: 'track', anonymousId: 'bad', messageId: id })],
  ['incomplete-alias', (id) => ({ type: 'alias', anonymousId: 'bad', messageId: id })],
  ['invalid-identifier', (id) => ({ type: 'page', anonymousId: 'x'.repeat(5000), messageId: id })],
  ['event-unreadable', () => 7],
  ['event-unreadable', () => null],
];
const LARGE = ['event-too-large', (id) => ({ type: 'page', anonymousId: 'bad', messageId: id, properties: { x: 'x'.repeat(33 * 1024) } })];

/** Requests that are refused whole, and how. */
const WHOLE = [
  [413, 'too-large', JSON.stringify({ batch: [{ type: 'page', anonymousId: 'bad', properties: { x: 'x'.repeat(600 * 1024) } }] })],
  [413, 'too-many-events', JSON.stringify({ batch: Array.from({ length: 2501 }, () => ({ type: 'page', anonymousId: 'bad' })) })],
  [400, 'invalid-json', '{"batch":[{"type":"page","anonymousId":"bad"}'],
  [400, 'invalid-json', '{"batch":7}'],
  [422, 'missing-identity', JSON.stringify({ type: 'page' })],
  [413, 'event-too-large', JSON.stringify(LARGE[1]('bad-whole'))],
];

export const name = 'bad';

export async function run({ seed, folder, long, say, scale }) {
  const count = scale(long ? 100_000 : 20_000);
  const random = new Random(`${seed} bad`);
  const stack = await Stack.on(folder('bad'));
  const keys = createShop('chaos', stack.data);
  const load = workload(seed, count, { tag: 'b' });
  await stack.start();

  // The bad ones stand anywhere in the batches; what a batch must answer is written beside it.
  let bad = 0;
  const list = batches(seed, load.events, { tag: 'b' });
  for (const batch of list) {
    batch.rejected = [];
    const mixed = [];
    for (const event of batch.events) {
      const kind = random.chance(0.01) ? random.of(MALFORMED) : random.chance(0.001) ? LARGE : undefined;
      if (kind) {
        batch.rejected.push({ index: mixed.length, code: kind[0] });
        mixed.push({ sent: kind[1](`bad-${bad++}`) });
      }
      mixed.push(event);
    }
    batch.events = mixed;
  }

  const crowd = new Crowd({ url: stack.url, key: keys.browser, batches: list, clients: 32, seed });
  const sending = crowd.send();

  // Records that no reader can read, one event in a thousand, written beside the load into the table itself.
  const planted = Math.max(1, Math.round(count / 1000));
  for (let n = 0; n < planted; n++) {
    const time = String(Date.now() - n).padStart(13, '0');
    await table.put(stack.endpoint(), `S#chaos#V#a:planted-${n}`, `E#${time}#planted-${n}`, random.of(['{"a":"view"', '[]', '{"a":7}']));
  }
  const wholly = [];
  for (const [status, code, body] of WHOLE) {
    const answer = await ask(`${stack.url}/v1/batch`, { method: 'POST', key: keys.browser, body, headers: { 'content-type': 'application/json' } });
    const asked = answer.status === status && answer.json?.code === code && answer.headers['content-type'] === 'application/problem+json' && answer.json.request_id;
    if (!asked) wholly.push(`expected ${status} ${code}, was answered ${answer.status} ${answer.text.slice(0, 200)}`);
  }
  await sending;
  const wrongly = list.filter((batch) => {
    const told = (batch.answer.rejected ?? []).map(({ index, code }) => ({ index, code }));
    return JSON.stringify(told) !== JSON.stringify(batch.rejected);
  });
  for (const batch of wrongly.slice(0, 3)) say(`expected ${JSON.stringify(batch.rejected)}, was answered ${JSON.stringify(batch.answer)}`);
  for (const how of wholly) say(how);
  const start = Date.now();
  await stack.idle({ quiet: 8000 });
  say(`${bad} malformed or oversized events among ${count}, ${planted} unreadable records; the readers were through ${((Date.now() - start) / 1000 - 8).toFixed(0)} s after the last answer`);

  const letters = new Map();
  for (const file of readdirSync(path.join(stack.data, 'dead-letters'))) {
    const letter = JSON.parse(readFileSync(path.join(stack.data, 'dead-letters', file)));
    const key = JSON.stringify(letter.record).match(/planted-\d+/)?.[0] ?? file;
    const name = `${letter.function} ${key}`;
    letters.set(name, (letters.get(name) ?? 0) + (letter.reason ? 1 : 100));
  }
  let once = 0;
  for (let n = 0; n < planted; n++) for (const reader of ['fold', 'archive']) once += letters.get(`${reader} planted-${n}`) === 1 ? 1 : 0;
  const others = letters.size - once;
  if (others) say(`other dead letters: ${[...letters.keys()].slice(0, 5).join(', ')}`);

  // What was planted is known; everything else must be there.
  const found = await compare(stack, keys, load);
  const phantom = Math.max(0, found.phantom - planted);
  for (const example of found.examples.filter((example) => !example.includes('planted-'))) say(example);
  await stack.kill();
  return [
    {
      promise: `one bad event harms nobody: ${bad} malformed or oversized among ${count}, ${WHOLE.length} whole requests`,
      figure: `${wrongly.length + wholly.length} answers wrong; of the others ${found.lost} lost, ${found.double} double, ${phantom} phantom, ${found.wrong} of ${found.profiles} profiles wrong`,
      bar: '0 of each',
      holds: !(wrongly.length + wholly.length + found.lost + found.double + phantom + found.wrong),
    },
    {
      promise: `a record that cannot be read is a dead letter of each reader, once, with its reason: ${planted} records`,
      figure: `${once} of ${2 * planted}, ${others} others`,
      bar: `${2 * planted} of ${2 * planted}, 0 others`,
      holds: once === 2 * planted && others === 0,
    },
  ];
}
