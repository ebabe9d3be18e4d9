// Throttling, conflicts, answers lost after the write, silence: the table stands behind a proxy that does all of it, to
// every call of every function, and nothing is lost or counted twice.

import { Crowd } from './client.mjs';
import { compare, told } from './compare.mjs';
import { FaultProxy } from './fault-proxy.mjs';
import { Stack, TableAlone, createShop } from './stack.mjs';
import { batches, workload } from './workload.mjs';

const SHARES = { throttled: 0.3, conflicts: 0.05, lost: 0.05, silent: 0.02 };
/** What the gateway waits for the intake. */
const DEADLINE = 11_000;

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
  proxy.on = true;
  // One or two events a request, as browsers send them: a request is answered 200 when all of its events went in, so larger
  // ones take very many requests at these shares. See README.md.
  const list = batches(seed, load.events, { tag: 'f', largest: 2 });
  const crowd = new Crowd({ url: stack.url, key: keys.browser, batches: list, clients: 32, seed, timeout: 20_000, wait: [50, 500] });
  const start = Date.now();
  await crowd.send();
  const seconds = (Date.now() - start) / 1000;
  say(`${count} events answered after ${seconds.toFixed(0)} s, ${(crowd.attempts / crowd.total).toFixed(2)} requests a batch; answers ${JSON.stringify(crowd.statuses)}`);
  say(`a request took p50 ${crowd.percentile(0.5)} ms, p99 ${crowd.percentile(0.99)} ms, at most ${crowd.longest} ms`);
  await stack.idle({ quiet: 15_000 });
  say(`the readers were through ${((Date.now() - start) / 1000 - seconds - 15).toFixed(0)} s after the last answer; faults ${JSON.stringify(proxy.tally)}`);
  proxy.on = false;
  const found = await compare(stack, keys, load);
  for (const example of found.examples) say(example);
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
  ];
}
