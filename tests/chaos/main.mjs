// Runs the tests and prints what was promised, what was found, and what was asked for.
//
// main.mjs [--long] [--seed N] [--only NAME,...] [--scale SHARE] [--keep] [--table FILE]

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import * as artifact from './artifact.mjs';
import * as backlog from './backlog.mjs';
import * as bad from './bad.mjs';
import * as faults from './faults.mjs';
import * as kills from './kills.mjs';

const TESTS = [kills, faults, artifact, bad, backlog];

const { values: wishes } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    seed: { type: 'string' },
    only: { type: 'string' },
    scale: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    table: { type: 'string' },
  },
});
const seed = wishes.seed ?? String(Math.floor(Date.now() / 1000));
const only = wishes.only?.split(',');
for (const name of only ?? []) if (!TESTS.some((test) => test.name === name)) fail(`there is no test ${name}; there are ${TESTS.map((test) => test.name).join(', ')}`);
const share = Number(wishes.scale);
if (!(share > 0 && share <= 1)) fail('--scale is a share of the events, over 0 and up to 1');

function fail(why) {
  console.error(why);
  process.exit(2);
}

const load = () => os.loadavg()[0].toFixed(1);
const top = mkdtempSync(path.join(os.tmpdir(), 'vitrine-chaos-'));
const folder = (name) => {
  const made = path.join(top, name);
  mkdirSync(made);
  return made;
};
console.log(`seed ${seed}, ${wishes.long ? 'long' : 'short'} set, ${os.cpus().length} cores, load ${load()}; folders in ${top}`);

const rows = [];
for (const test of TESTS) {
  if (only && !only.includes(test.name)) continue;
  const start = Date.now();
  const seconds = () => ((Date.now() - start) / 1000).toFixed(0);
  console.log(`\n== ${test.name}`);
  const say = (text) => console.log(`   ${seconds().padStart(4)} s  ${text}`);
  const scale = (count) => Math.max(100, Math.round(count * share));
  try {
    const found = await test.run({ seed, folder, long: wishes.long, say, scale });
    rows.push(...found);
  } catch (error) {
    console.error(error.stack);
    rows.push({ promise: test.name, figure: `broke off: ${error.message.slice(0, 200)}`, bar: 'runs to its end', holds: false });
  }
  say(`done, load ${load()}`);
}

if (wishes.table) writeFileSync(wishes.table, JSON.stringify(rows));
const missed = rows.filter((row) => !row.holds);
console.log(`\n${new Date().toISOString().slice(0, 16)}Z, seed ${seed}, load ${load()}\n`);
console.log('| promise | figure | bar |\n|---|---|---|');
for (const { promise, figure, bar, holds } of rows) console.log(`| ${promise} | ${holds ? '' : '**missed** '}${figure} | ${bar} |`);
if (missed.length || wishes.keep) console.log(`\nfolders and logs are kept in ${top}`);
else rmSync(top, { recursive: true, force: true });
if (missed.length) {
  console.log(`${missed.length} missed; again with: tests/chaos/run ${wishes.long ? '--long ' : ''}--seed ${seed}`);
  process.exit(1);
}
process.exit(0);
