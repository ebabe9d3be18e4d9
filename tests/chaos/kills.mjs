// Acknowledged is durable and counted once: the stack is killed under load, over and over, and clients send again until
// they are answered.

import { Crowd, ask } from './client.mjs';
import { compare, told } from './compare.mjs';
import { Random, pause } from './random.mjs';
import { Stack, createShop } from './stack.mjs';
import { batches, workload } from './workload.mjs';

const CLIENTS = 32;

export const name = 'kills';

export async function run({ seed, folder, long, say, scale }) {
  const count = scale(long ? 200_000 : 20_000);
  const kills = long ? 100 : 10;
  const random = new Random(`${seed} kills`);
  const stack = await Stack.on(folder('kills'));
  const keys = createShop('chaos', stack.data);
  const load = workload(seed, count, { tag: 'k' });
  await stack.start();
  const crowd = new Crowd({ url: stack.url, key: keys.browser, batches: batches(seed, load.events, { tag: 'k' }), clients: CLIENTS, seed });

  const start = Date.now();
  const sending = crowd.send();
  let failed;
  sending.catch((error) => (failed = error));
  const restarts = [];
  // One kill in five is followed by another while the stack starts; the last in five come when everything is answered and
  // the readers of the stream are still at work.
  const moments = Array.from({ length: kills }, (_, n) => ({
    share: n < kills * 0.8 ? (n + random.next()) / (kills * 0.8) : 1,
    delay: random.between(0, 60),
    early: random.chance(0.2) ? random.between(1, 250) : undefined,
    rest: random.between(0, 200),
  }));
  let done = 0;
  for (const { share, delay, early, rest } of moments) {
    while (crowd.answered < crowd.total * share && !failed) await pause(2);
    if (failed) throw failed;
    await pause(share === 1 ? delay * 5 : delay);
    await stack.kill();
    done++;
    await pause(rest);
    if (early !== undefined && done < kills) {
      const starting = stack.start();
      await pause(early);
      await stack.kill();
      await starting;
      done++;
    }
    const again = Date.now();
    await stack.start();
    restarts.push(Date.now() - again);
    if (done >= kills) break;
  }
  await sending;
  const answered = (Date.now() - start) / 1000;
  say(`${count} events in ${crowd.total} batches answered after ${answered.toFixed(0)} s and ${done} kills; answers ${JSON.stringify(crowd.statuses)}`);
  say(`restarts took ${Math.min(...restarts)} to ${Math.max(...restarts)} ms`);
  await stack.idle();
  const found = await compare(stack, keys, load);
  say(`the lake has ${found.lines} lines of ${count} events; readers drop repetitions`);
  for (const example of found.examples) say(example);
  const health = await ask(`${stack.url}/health`);
  await stack.kill();
  return [
    {
      promise: `acknowledged is durable and counts once: ${count} events, ${CLIENTS} clients, ${done} kills`,
      figure: told(found),
      bar: '0 lost, 0 double, 0 phantom, 0 wrong',
      holds: found.holds && health.status === 200,
    },
  ];
}
