// The live model survives kills: the stack is killed while it trains, publishes and swaps. After every restart the shop's
// page is answered by a whole version, every training that was accepted comes to its end, and nothing half is left.

import { existsSync, readdirSync, renameSync, watch, writeFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';

import { Crowd, ask, insist } from './client.mjs';
import { Random, pause } from './random.mjs';
import { Stack, createShop } from './stack.mjs';
import { PRODUCTS, batches, productId, workload } from './workload.mjs';

const FILES = ['artifact.bin', 'card.json', 'catalogue.ndjson.zst', 'seen.json'];
const CATEGORIES = ['Pasta', 'Coffee', 'Cheese', 'Apples', 'Bread', 'Tea', 'Jam', 'Rice'];
const json = { 'content-type': 'application/json' };

export const name = 'artifact';

const files = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : []);

export async function run({ seed, folder, long, say, scale }) {
  const kills = long ? 100 : 10;
  // Of each moment half of its kills at least: a look at the folder may come too late.
  const met = Math.floor(kills / 6);
  const random = new Random(`${seed} artifact`);
  const stack = await Stack.on(folder('artifact'));
  const keys = createShop('chaos', stack.data);
  const models = path.join(stack.data, 'objects', 'shops', 'chaos', 'models');
  await stack.start();
  const server = { key: keys.server };

  const products = Array.from({ length: PRODUCTS }, (_, n) => ({
    id: productId(n),
    title: `${CATEGORIES[n % 8]} number ${n}`,
    category: ['Food', CATEGORIES[n % 8]],
    brand: `Brand ${n % 20}`,
    price: (n % 50) + 0.99,
    currency: 'EUR',
    availability: 'in_stock',
  }));
  await insist(`${stack.url}/v1/products`, { method: 'PUT', ...server, body: products, headers: json });
  // Every training that learns something new is to be published, so that versions come and go.
  await insist(`${stack.url}/v1/settings/training`, { method: 'PUT', ...server, body: { gate: false, keep: 3, version: 0 }, headers: json });
  const tell = async (count, tag) => {
    const load = workload(seed, count, { tag });
    const crowd = new Crowd({ url: stack.url, key: keys.browser, batches: batches(seed, load.events, { tag }), clients: 4, seed });
    await crowd.send();
  };
  const jobs = [];
  const train = async () => {
    const asked = await insist(`${stack.url}/v1/retrain`, { method: 'POST', ...server, statuses: [202] });
    jobs.push(asked.json.job_id);
    return asked.json.job_id;
  };
  const ended = async (job, patience = 600_000) => {
    const start = Date.now();
    for (;;) {
      const told = await insist(`${stack.url}/v1/jobs/${job}`, server);
      if (['done', 'failed'].includes(told.json.state)) return told.json;
      if (Date.now() - start > patience) return told.json;
      await pause(50);
    }
  };
  const recommended = () => ask(`${stack.url}/v1/recommendations/home?anonymous_id=somebody&limit=5`, { key: keys.browser });

  await tell(scale(1500), 'a-first');
  await stack.idle();
  const began = Date.now();
  const first = await ended(await train());
  const takes = Date.now() - began;
  if (first.result?.outcome !== 'published') throw new Error(`the first training: ${JSON.stringify(first)}`);
  say(`a training takes ${takes} ms`);

  const wrong = [];
  const versions = new Set();
  // Kills by the moment that was met; a training that came to its end without it is killed after it.
  const where = { training: 0, publishing: 0, swapping: 0, after: 0 };
  for (let n = 0; n < kills; n++) {
    // What a kill cut off is done again first: it would take what is told now with it, and leave nothing to publish.
    await ended(jobs.at(-1));
    await tell(40, `a-${n}`);
    await stack.idle({ quiet: 300 });
    const before = new Set(existsSync(models) ? readdirSync(models) : []);
    const live = (await insist(`${stack.url}/v1/models`, server)).json.live;
    const job = await train();
    const over = async () => ['done', 'failed'].includes((await ask(`${stack.url}/v1/jobs/${job}`, server)).json?.state);
    let moment = ['training', 'publishing', 'swapping'][n % 3];
    if (moment === 'training') {
      await pause(random.next() * takes);
    } else if (moment === 'publishing') {
      // When the folder of a new version appears, its files are being written.
      if (!(await appears(models, before, over))) moment = 'after';
      await pause(random.chance(0.5) ? 0 : random.between(1, 25));
    } else {
      // When the pointer has moved, answers are about to come from the new version, and old ones are being deleted.
      if (!(await moves(async () => (await ask(`${stack.url}/v1/models`, server)).json.live !== live, over))) moment = 'after';
      await pause(random.chance(0.5) ? 0 : random.between(1, 60));
    }
    where[moment]++;
    await stack.kill();
    await stack.start();

    // The first answer after the restart.
    const answer = await recommended();
    const told = (await insist(`${stack.url}/v1/models`, server)).json;
    const known = told.versions.map((version) => version.version);
    if (answer.status !== 200 || !answer.json.items.length || !answer.json.model) {
      wrong.push(`kill ${n} (${moment}): the page was answered ${answer.status} ${answer.text.slice(0, 200)}`);
    } else {
      versions.add(answer.json.model);
      // A training that was cut off begins again at once and may have published in between.
      if (!known.includes(answer.json.model)) wrong.push(`kill ${n} (${moment}): ${answer.json.model} answers and is not kept`);
      if (answer.json.degraded) wrong.push(`kill ${n} (${moment}): degraded ${JSON.stringify(answer.json.degraded)}`);
    }
    for (const file of FILES) {
      if (!existsSync(path.join(models, told.live, file))) wrong.push(`kill ${n} (${moment}): the live version has no ${file}`);
    }
  }
  const states = [];
  for (const job of jobs) states.push(await ended(job));
  const open = states.filter((job) => job.state !== 'done');
  for (const job of open.slice(0, 3)) say(`a training is ${job.state}: ${JSON.stringify(job.result)}`);

  // Leftovers of killed trainings are kept for a day, because one under way looks the same. So they are made two days
  // older, and a half-written file is laid among them, as a kill in the middle of a write leaves it; the stack is killed
  // and started again, as it would have been, and trains once more.
  const kept = new Set((await insist(`${stack.url}/v1/models`, server)).json.versions.map((version) => version.version));
  const leftovers = readdirSync(models).filter((version) => !kept.has(version));
  const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  for (const version of leftovers) renameSync(path.join(models, version), path.join(models, `${day}${version.slice(8)}`));
  const planted = path.join(models, `${day}T010203-0badc0de`);
  mkdirSync(planted, { recursive: true });
  writeFileSync(path.join(planted, 'artifact.bin#1'), 'half');
  writeFileSync(path.join(planted, 'catalogue.ndjson.zst'), 'half');
  await stack.kill();
  await stack.start();
  await tell(40, 'a-last');
  await stack.idle({ quiet: 300 });
  await ended(await train());
  const last = (await insist(`${stack.url}/v1/models`, server)).json;
  // A folder without a file is no object: a kill between the two calls of a write leaves one.
  const folders = readdirSync(models).filter((version) => files(path.join(models, version)).length);
  const unknown = folders.filter((version) => !last.versions.some((kept) => kept.version === version));
  const missing = last.versions.filter((kept) => FILES.some((file) => !existsSync(path.join(models, kept.version, file))));
  const halves = files(stack.data).filter((file) => /#\d+$|\.part$/.test(file));
  const waiting = files(path.join(stack.data, 'objects', 'shops', 'chaos', 'jobs', 'retrain'));
  for (const what of [...unknown, ...halves, ...waiting]) say(`left over: ${what}`);
  for (const how of wrong.slice(0, 10)) say(how);
  say(`killed while ${JSON.stringify(where)}; ${versions.size} versions answered; ${leftovers.length} trainings had left files behind`);
  await stack.kill();
  const left = unknown.length + halves.length + waiting.length;
  return [
    {
      promise: `the live model survives kills while it is trained, published, swapped: ${kills} kills`,
      figure: `${wrong.length} answers or versions wrong, ${open.length} of ${jobs.length} trainings not done; ${where.training}, ${where.publishing}, ${where.swapping} kills met their moment`,
      bar: `0, 0; at least ${met} each`,
      holds: !wrong.length && !open.length && [where.training, where.publishing, where.swapping].every((count) => count >= met),
    },
    {
      promise: 'nothing half is left after the next training',
      figure: `${left} left over, ${missing.length} of ${last.versions.length} kept versions not whole`,
      bar: '0, 0',
      holds: !left && !missing.length,
    },
  ];
}

/** Waits until something is so; false if all was over before. */
async function moves(holds, over) {
  for (;;) {
    // Asked in this order: what was over and is not so will not become so.
    const ended = await over();
    if (await holds()) return true;
    if (ended) return false;
    await pause(1);
  }
}

/** Waits until a folder has an entry that it had not; false if all was over before. */
async function appears(folder, before, over) {
  const there = () => readdirSync(folder).some((name) => !before.has(name));
  let seen = false;
  const watcher = watch(folder, () => (seen ||= there()));
  try {
    return await moves(async () => seen || there(), over);
  } finally {
    watcher.close();
  }
}
