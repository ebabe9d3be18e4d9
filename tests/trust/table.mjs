// Puts the rows of all parts into one table: table.mjs FOLDER SET SEED SECONDS. The seconds are those since the programs were built.

import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const [folder, set, seed, seconds] = process.argv.slice(2);
const parts = ['order', 'fold', 'panics', 'vectors', 'erasure', 'consent', 'retention', 'robots', 'visitor', 'corpus', 'memory', 'chaos', 'hostile'];
const must = set === 'short' ? parts.filter((part) => !['fold', 'memory'].includes(part)) : parts;
const rows = parts.flatMap((part) => {
  const file = path.join(folder, `${part}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).map((row) => ({ part, ...row }));
  return must.includes(part) ? [{ part, promise: 'runs to its end', figure: 'broke off', bar: 'a table', holds: false }] : [];
});
const missed = rows.filter((row) => !row.holds).length;
const cell = (text) => String(text).replaceAll('|', '\\|');
console.log(`\n${new Date().toISOString().slice(0, 16)}Z, ${set.replace('--', '')} set, seed ${seed}, ${(seconds / 60).toFixed(1)} minutes, ${os.cpus().length} cores (${os.cpus()[0]?.model}), load ${os.loadavg()[0].toFixed(1)}\n`);
console.log('| part | promise | figure | bar | |\n|---|---|---|---|---|');
for (const row of rows) console.log(`| ${[row.part, row.promise, row.figure, row.bar, row.holds ? 'kept' : '**missed**'].map(cell).join(' | ')} |`);
if (missed) console.log(`\n${missed} missed`);
process.exit(missed ? 1 : 0);
