// A backlog drains: events wait while nobody reads the stream, then the readers start, and it is measured how long it
// takes until the profiles know them all.

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { Crowd } from './client.mjs';
import { compare, told } from './compare.mjs';
import { FaultProxy } from './fault-proxy.mjs';
import { Stack, TableAlone, createShop } from './stack.mjs';
import * as table from './table.mjs';
import { batches, workload } from './workload.mjs';

export const name = 'backlog';

export async function run({ seed, folder, long, say, scale }) {
  const count = scale(long ? 100_000 : 10_000);
  const alone = new TableAlone(folder('backlog-table'));
  const endpoint = await alone.start();
  const gate = new FaultProxy(endpoint, seed, {});
  const first = await Stack.on(folder('backlog'), { table: await gate.start() });
  const keys = createShop('chaos', first.data, endpoint);
  gate.held = new Promise(() => {});
  await first.start();
  const load = workload(seed, count, { tag: 'l' });
  const crowd = new Crowd({ url: first.url, key: keys.browser, batches: batches(seed, load.events, { tag: 'l', largest: 100 }), clients: 8, seed });
  const start = Date.now();
  await crowd.send();
  const loaded = (Date.now() - start) / 1000;
  // A reader that had read meanwhile would have left little to drain.
  let folded = 0;
  for await (const { sk } of table.items(endpoint)) if (sk === table.PROFILE) folded++;
  const archived = lakeFiles(first.data);
  await first.kill();
  gate.stop();

  // The same folder and table, with nothing between them.
  const stack = await Stack.on(first.data, { table: endpoint });
  const opened = Date.now();
  await stack.start();
  const quiet = 1500;
  await stack.idle({ quiet, patience: 3_600_000 });
  const seconds = (Date.now() - opened - quiet) / 1000;
  say(`${count} events were loaded in ${loaded.toFixed(0)} s while nobody read the stream`);
  const found = await compare(stack, keys, load);
  for (const example of found.examples) say(example);
  await stack.kill();
  await alone.kill();
  return [
    {
      promise: `a backlog of ${count} events drains`,
      figure: `${seconds.toFixed(1)} s, ${Math.round(count / seconds)} events a second; ${folded} profiles and ${archived} files before; ${told(found)}`,
      bar: 'a figure; 0 before; 0 lost, 0 double, 0 phantom, 0 wrong',
      holds: found.holds && !folded && !archived,
    },
  ];
}

/** How many files of the lake a folder has. */
function lakeFiles(data) {
  const folder = path.join(data, 'objects', 'shops', 'chaos', 'events');
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.zst')).length : 0;
}
