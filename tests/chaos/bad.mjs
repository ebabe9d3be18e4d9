// One bad record harms nobody: malformed and oversized events among good ones, requests that are too large, records in the
// table that no reader can read, and those of a shop whose files cannot be written, which land when they are done again
// after that is mended.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { Crowd, ask } from './client.mjs';
import { compare } from './compare.mjs';
import { Random, pause } from './random.mjs';
import { Stack, command, createShop } from './stack.mjs';
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
  const began = Date.now();
  const count = scale(long ? 100_000 : 20_000);
  const random = new Random(`${seed} bad`);
  const stack = await Stack.on(folder('bad'));
  const keys = createShop('chaos', stack.data);
  const load = workload(seed, count, { tag: 'b' });
  // A file lies where the folder of another shop's events would be.
  const blocked = createShop('blocked', stack.data);
  const stopped = Math.max(1, Math.round(count / 1000));
  const aside = workload(seed, stopped, { tag: 'x' });
  const barrier = path.join(stack.data, 'objects', 'shops', 'blocked', 'events');
  mkdirSync(path.dirname(barrier), { recursive: true });
  writeFileSync(barrier, 'no folder');
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
  const beside = new Crowd({ url: stack.url, key: blocked.browser, batches: batches(seed, aside.events, { tag: 'x' }), clients: 1, seed });
  const sending = Promise.all([crowd.send(), beside.send()]);

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
  // A record is tried again for a while before it is a dead letter.
  const due = 2 * planted + stopped;
  while (readdirSync(path.join(stack.data, 'dead-letters')).length < due && Date.now() - start < 120_000) await pause(100);
  await stack.idle({ quiet: 8000 });
  say(`${bad} malformed or oversized events among ${count}, ${planted} unreadable records, ${stopped} of a shop whose files cannot be written; the readers were through ${((Date.now() - start) / 1000 - 8).toFixed(0)} s after the last answer`);

  const letters = new Map();
  const stranded = new Map();
  for (const { function: reader, reason, failed_at: when, record } of deadLetters(stack)) {
    const keys = record.dynamodb.Keys;
    const id = /^E#\d+#(.*)$/.exec(keys.SK.S)?.[1] ?? keys.SK.S;
    const told = reason && Date.parse(when) >= began;
    const of = keys.PK.S.startsWith('S#blocked#') ? stranded : letters;
    const name = `${reader} ${id}`;
    of.set(name, (of.get(name) ?? 0) + (told ? 1 : 100));
  }
  let once = 0;
  for (let n = 0; n < planted; n++) for (const reader of ['fold', 'archive']) once += letters.get(`${reader} planted-${n}`) === 1 ? 1 : 0;
  const alone = aside.events.filter((event) => stranded.get(`archive ${event.id}`) === 1).length;
  const others = letters.size - once + stranded.size - alone;
  if (others) say(`other dead letters: ${[...letters.keys(), ...stranded.keys()].slice(0, 5).join(', ')}`);

  // Done again at once it fails again; done again after the cause is gone it lands, and the unreadable ones stay.
  const before = command(stack, 'dead-letters', 'redrive');
  const kept = deadLetters(stack).length;
  rmSync(barrier);
  const after = command(stack, 'dead-letters', 'redrive');
  const left = deadLetters(stack);
  const staying = left.filter(({ record }) => JSON.stringify(record.dynamodb.Keys).includes('planted-')).length;
  say(`done again before: ${before.told.split('\n').pop()}; after: ${after.told.split('\n').pop()}`);
  const mended = await compare(stack, blocked, aside);
  for (const example of mended.examples) say(example);
  const lands = before.status !== 0 && kept === 2 * planted + stopped && staying === 2 * planted && left.length === staying;
  const whole = !(mended.lost + mended.double + mended.phantom + mended.wrong);

  // What was planted is known; everything else must be there.
  const found = await compare(stack, keys, load, new Set(Array.from({ length: planted }, (_, n) => `a:planted-${n} planted-${n}`)));
  for (const example of found.examples) say(example);
  await stack.kill();
  return [
    {
      promise: `one bad event harms nobody: ${bad} malformed or oversized among ${count}, ${WHOLE.length} whole requests`,
      figure: `${wrongly.length + wholly.length} answers wrong; of the others ${found.lost} lost, ${found.double} double, ${found.phantom} phantom, ${found.wrong} of ${found.profiles} profiles wrong`,
      bar: '0 of each',
      holds: !(wrongly.length + wholly.length + found.lost + found.double + found.phantom + found.wrong) && found.planted === planted,
    },
    {
      promise: `a record that cannot be read is a dead letter of each reader, once, with its reason: ${planted} records`,
      figure: `${once} of ${2 * planted}, ${others} others`,
      bar: `${2 * planted} of ${2 * planted}, 0 others`,
      holds: once === 2 * planted && others === 0,
    },
    {
      promise: `what could not be archived is a dead letter with its reason, and lands when it is done again after the cause is gone: ${stopped} events`,
      figure: `${alone} of ${stopped} letters, ${left.length - staying} left; ${mended.lost} lost, ${mended.double} double, ${mended.phantom} phantom, ${mended.wrong} of ${mended.profiles} profiles wrong`,
      bar: `${stopped} of ${stopped}, 0 of each`,
      holds: alone === stopped && lands && whole,
    },
  ];
}

function deadLetters(stack) {
  const folder = path.join(stack.data, 'dead-letters');
  return readdirSync(folder).map((file) => JSON.parse(readFileSync(path.join(folder, file))));
}
