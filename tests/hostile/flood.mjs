// A flood with one key beside a shop that asks as always: what becomes of the others' latency. The flood has a thread of its own;
// windows with and without it take turns, so that whatever else the machine does meets both.

import { Worker, isMainThread, workerData, parentPort } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';

import { Connection, basic } from './wire.mjs';

/** What a key may ask here, and how much more the flood asks. */
export const RATE = 30;
const TIMES = 15;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const question = (n) => Buffer.from(JSON.stringify({ anonymous_id: `v${n % 500}`, limit: 10 }));
const home = (key, n) => ({ method: 'POST', path: '/v1/recommendations/home', headers: [basic(key), ['content-type', 'application/json']], body: question(n) });

/** Asks so often a second over some connections, whether or not it was answered, until it is told to stop. */
async function pour({ port, key, perSecond, connections }) {
  const statuses = {};
  let over = false;
  parentPort.once('message', () => (over = true));
  const began = performance.now();
  let asked = 0;
  const worker = async () => {
    const connection = new Connection(port);
    while (!over) {
      if (asked > ((performance.now() - began) / 1000) * perSecond) {
        await sleep(2);
        continue;
      }
      const answer = await connection.ask(home(key, asked++));
      const status = answer.status ?? 'none';
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  parentPort.postMessage({ statuses, seconds: (performance.now() - began) / 1000 });
}

if (!isMainThread && workerData?.flood) pour(workerData.flood);

/** Floods with the key of one shop, asks with that of another; times of both kinds of windows in milliseconds. */
export async function aside({ stack, flooded, other, rounds = 4, seconds = 3, perSecond = 30 }) {
  const times = { quiet: [], flooded: [] };
  const statuses = {};
  let wrong = 0;
  let poured = 0;
  const connection = new Connection(stack.port);
  const window = async (into) => {
    const began = performance.now();
    // A stack that is slower than it is asked answers fewer, and the window still ends.
    for (let n = 0; n < seconds * perSecond && performance.now() - began < 2000 * seconds; n++) {
      const due = began + (n * 1000) / perSecond;
      await sleep(Math.max(0, due - performance.now()));
      const sent = performance.now();
      const answer = await connection.ask(home(other.browser, n));
      into.push(performance.now() - sent);
      if (answer.status !== 200) wrong++;
    }
  };
  await window([]);
  for (let round = 0; round < rounds; round++) {
    await window(times.quiet);
    const flood = new Worker(fileURLToPath(import.meta.url), { workerData: { flood: { port: stack.port, key: flooded.browser, perSecond: RATE * TIMES, connections: 16 } } });
    // What the bucket held goes first: from then on the flood is one.
    await sleep(1000);
    await window(times.flooded);
    const told = new Promise((resolve, reject) => flood.once('message', resolve).once('error', reject));
    flood.postMessage('stop');
    const result = await told;
    await flood.terminate();
    for (const [status, count] of Object.entries(result.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
    poured += result.seconds;
  }
  connection.close();
  const at = (list, share) => [...list].sort((a, b) => a - b)[Math.floor(list.length * share)];
  const told = (list) => ({ p50: at(list, 0.5), p99: at(list, 0.99), count: list.length });
  const asked = Object.values(statuses).reduce((sum, count) => sum + count, 0);
  return { quiet: told(times.quiet), flooded: told(times.flooded), wrong, statuses, perSecond: asked / poured, refused: (statuses[429] ?? 0) / asked, good: (statuses[200] ?? 0) / poured };
}
