// Throttling, conflicts, answers lost after the write, silence: the table stands behind a proxy that does all of it, to every
// call of those who take events, fold and archive them. Nothing is lost or counted twice. Lists, exports and erasures meet it
// too, and are answered or say when to ask again.

import { readFileSync } from 'node:fs';

import { Crowd, ask, insist } from './client.mjs';
import { compare, told } from './compare.mjs';
import { FaultProxy } from './fault-proxy.mjs';
import { Random, pause } from './random.mjs';
import { Stack, TableAlone, createShop } from './stack.mjs';
import { items } from './table.mjs';
import { batches, workload } from './workload.mjs';

const SHARES = { throttled: 0.3, conflicts: 0.05, lost: 0.05, silent: 0.02 };
/** What the gateway waits for the intake. */
const DEADLINE = 11_000;
/** The same for what is asked beside it. */
const WAITS = { list: 11_000, export: 29_000, erasure: 29_000 };
/** Visitors of the shop beside the crowd, how many events each has, and how many of them are erased. */
const [VISITORS, EVENTS, ERASED] = [24, 4, 12];
const READERS = { fold: 'Fold', archive: 'Archive' };

export const name = 'faults';

export async function run({ seed, folder, long, say, scale }) {
  const count = scale(long ? 50_000 : 5_000);
  const table = new TableAlone(folder('faults-table'));
  const endpoint = await table.start();
  const proxy = new FaultProxy(endpoint, seed, SHARES);
  const stack = await Stack.on(folder('faults'), { table: await proxy.start() });
  const keys = createShop('chaos', stack.data, endpoint);
  await stack.start();
  const load = workload(seed, count, { tag: 'f' });
  const beside = new Beside(stack.url, createShop('beside', stack.data, endpoint), seed);
  await beside.settle();
  proxy.on = true;
  // One or two events a request, as browsers send them: a request is answered 200 when all of its events went in, so larger
  // ones take very many requests at these shares. See README.md.
  const list = batches(seed, load.events, { tag: 'f', largest: 2 });
  const crowd = new Crowd({ url: stack.url, key: keys.browser, batches: list, clients: 32, seed, timeout: 20_000, wait: [50, 500] });
  const start = Date.now();
  const meanwhile = beside.ask();
  await crowd.send();
  const seconds = (Date.now() - start) / 1000;
  say(`${count} events answered after ${seconds.toFixed(0)} s, ${(crowd.attempts / crowd.total).toFixed(2)} requests a batch; answers ${JSON.stringify(crowd.statuses)}`);
  say(`a request took p50 ${crowd.percentile(0.5)} ms, p99 ${crowd.percentile(0.99)} ms, at most ${crowd.longest} ms`);
  beside.over = true;
  await meanwhile;
  await stack.idle({ quiet: 15_000 });
  say(`the readers were through ${((Date.now() - start) / 1000 - seconds - 15).toFixed(0)} s after the last answer; faults ${JSON.stringify(proxy.tally)}`);
  proxy.on = false;
  const runs = await longestRuns(stack);
  const found = await compare(stack, keys, load);
  const erased = await beside.erased(endpoint);
  for (const example of [...found.examples, ...beside.faults.slice(0, 5)]) say(example);
  await stack.kill();
  await table.kill();
  proxy.stop();
  const { calls, throttled, conflicts, lost, silent } = proxy.tally;
  return [
    {
      promise: `throttles, conflicts, lost answers, silence: ${count} events, ${calls} calls, of which ${throttled}, ${conflicts}, ${lost}, ${silent}`,
      figure: told(found),
      bar: '0 lost, 0 double, 0 phantom, 0 wrong',
      holds: found.holds,
    },
    {
      promise: 'no request past the gateway\'s deadline meanwhile',
      figure: `longest ${(crowd.longest / 1000).toFixed(1)} s, ${crowd.timeouts} unanswered`,
      bar: `${DEADLINE / 1000} s, 0`,
      holds: crowd.longest <= DEADLINE && crowd.timeouts === 0,
    },
    {
      promise: `lists, exports, erasures of visitors meanwhile: ${Object.values(beside.done).join(', ')}`,
      figure: `${beside.again} asked again after a 503 that named a retry, ${beside.faults.length} other faults; longest ${Object.values(beside.longest).map((ms) => (ms / 1000).toFixed(1)).join(', ')} s`,
      bar: `0 other faults; ${Object.values(WAITS).map((ms) => ms / 1000).join(', ')} s`,
      holds: beside.faults.length === 0 && Object.entries(WAITS).every(([kind, ms]) => beside.done[kind] > 0 && beside.longest[kind] <= ms),
    },
    {
      promise: 'erasures asked for meanwhile, after the next training',
      figure: `${erased.complete} of ${ERASED} complete, ${erased.traces} traces in the table`,
      bar: 'all, 0 traces',
      holds: erased.complete === ERASED && erased.traces === 0,
    },
    {
      promise: 'no run of a reader of the stream past its deadline meanwhile',
      figure: `longest ${runs.map(({ name, longest }) => `${name} ${longest.toFixed(1)} s`).join(', ')}`,
      bar: runs.map(({ deadline }) => `${deadline} s`).join(', '),
      holds: runs.every(({ longest, deadline }) => longest > 0 && longest < deadline),
    },
  ];
}

/** The longest call of each reader since the stack's start, and what the template lets it take, in seconds. */
async function longestRuns(stack) {
  const template = readFileSync(new URL('../../infra/template.yaml', import.meta.url), 'utf8');
  const figures = (await insist(`${stack.url}/metrics`)).text;
  return Object.entries(READERS).map(([name, resource]) => {
    const deadline = new RegExp(`^  ${resource}:\\n(?:    .*\\n)*?      Timeout: (\\d+)$`, 'm').exec(template)?.[1];
    const longest = new RegExp(`^longest_run\\{function="${name}"\\} (\\S+)$`, 'm').exec(figures)?.[1];
    if (!deadline || !longest) throw new Error(`no longest run or deadline of ${name}`);
    return { name, longest: Number(longest) / 1000, deadline: Number(deadline) };
  });
}

/** A shop beside the crowd, whose visitors are shown lists, exported and erased meanwhile. */
class Beside {
  constructor(url, keys, seed) {
    Object.assign(this, { url, keys, random: new Random(`${seed} beside`), over: false, again: 0, faults: [] });
    this.done = { list: 0, export: 0, erasure: 0 };
    this.longest = { ...this.done };
    this.receipts = [];
  }

  /** Products, and visitors with a few events, while the table is well. */
  async settle() {
    const products = Array.from({ length: 40 }, (_, n) => ({ id: `p-${n}`, title: `Tea ${n}`, category: ['Tea'], price: n + 1, currency: 'EUR' }));
    await insist(`${this.url}/v1/products`, { method: 'PUT', key: this.keys.server, body: products });
    const event = (n) => ({ type: 'track', event: 'Product Viewed', anonymousId: `beside-${n % VISITORS}-`, messageId: `beside-${n}`, properties: { product_id: `p-${n % 40}` } });
    await insist(`${this.url}/v1/batch`, { method: 'POST', key: this.keys.browser, body: { batch: Array.from({ length: VISITORS * EVENTS }, (_, n) => event(n)) } });
  }

  /** Asks until it is answered; what is answered instead has to be a 503 that names a retry. */
  async insist(kind, path, status, { key = this.keys.server, method = 'GET' } = {}) {
    for (let tries = 0; tries < 100; tries++) {
      const start = Date.now();
      const answer = await ask(`${this.url}${path}`, { key, method, timeout: WAITS[kind] + 1000 }).catch((error) => ({ status: error.message, headers: {} }));
      this.longest[kind] = Math.max(this.longest[kind], Date.now() - start);
      if (answer.status === status) {
        this.done[kind]++;
        return answer.json;
      }
      if (answer.status === 503 && answer.headers['retry-after']) this.again++;
      else this.faults.push(`${method} ${path}: ${answer.status} ${answer.text?.slice(0, 300)}`);
      await pause(this.random.between(100, 500));
    }
    this.faults.push(`${method} ${path} was never answered ${status}`);
    return undefined;
  }

  /** Until the crowd is through. Those with low numbers are erased, the others exported. */
  async ask() {
    const meanwhile = async (low, high, act) => {
      for (; !this.over; await pause(this.random.between(low, high))) await act();
    };
    const list = async () => {
      const told = await this.insist('list', `/v1/recommendations/home?anonymous_id=beside-${this.random.between(0, VISITORS - 1)}-&limit=5`, 200, { key: this.keys.browser });
      if (told && !told.items.length) this.faults.push('an empty list');
    };
    const exported = async () => {
      const told = await this.insist('export', `/v1/visitors/a:beside-${this.random.between(ERASED, VISITORS - 1)}-/export`, 200);
      if (told && told.events.length !== EVENTS) this.faults.push(`an export of ${told.events.length} events`);
    };
    const erase = async () => {
      for (let n = 0; n < ERASED; n++) {
        this.receipts.push(await this.insist('erasure', `/v1/visitors/a:beside-${n}-`, 202, { method: 'DELETE' }));
        await pause(this.random.between(500, 2000));
      }
    };
    await Promise.all([meanwhile(50, 250, list), meanwhile(50, 250, list), meanwhile(100, 400, exported), erase()]);
  }

  /** What became of the erasures once the table is well: how many are complete, and items that still name somebody. */
  async erased(endpoint) {
    const server = { key: this.keys.server };
    const { json: asked } = await insist(`${this.url}/v1/retrain`, { method: 'POST', ...server, statuses: [202] });
    const ended = async () => ['done', 'failed'].includes((await insist(`${this.url}/v1/jobs/${asked.job_id}`, server)).json.state);
    for (let tries = 0; tries < 600 && !(await ended()); tries++) await pause(200);
    const receipts = await Promise.all(this.receipts.filter(Boolean).map(({ erasure_id: id }) => insist(`${this.url}/v1/erasures/${id}`, server)));
    let traces = 0;
    for await (const item of items(endpoint)) if (this.receipts.some((_, n) => JSON.stringify(item).includes(`beside-${n}-`))) traces++;
    return { complete: receipts.filter(({ json }) => json.completed).length, traces };
  }
}
