// The description of the API against the running stack: schemathesis in a process of its own, its report read.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** Runs schemathesis with `schemathesis.toml`; what it counted, and the failures it names. */
export async function contract({ stack, shop, schemathesis, seed, examples, seconds }) {
  const report = path.join(stack.folder, 'schemathesis');
  const args = ['--config-file', path.join(here, 'schemathesis.toml'), 'run', `${stack.url}/openapi.json`, '--auth', `${shop.server}:`,
    '--seed', String(seed), '--max-examples', String(examples), '--max-time', String(seconds), '--report', 'ndjson', '--report-dir', report];
  let out = '';
  const child = spawn(schemathesis, args, { cwd: stack.folder, env: { ...process.env, NO_COLOR: '1', COLUMNS: '160' } });
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (out += data));
  const code = await new Promise((resolve) => child.once('close', resolve));
  fs.writeFileSync(path.join(stack.folder, 'schemathesis.txt'), out);
  const cases = Number(/(\d+) generated/.exec(out)?.[1] ?? 0);
  const tested = Number(/Tested: +(\d+)/.exec(out)?.[1] ?? 0);
  const failures = [...out.matchAll(/❌ (ST\d+ .*?): (\d+)/g)].map(([, name, count]) => ({ name, count: Number(count) }));
  const begins = out.indexOf('= FAILURES =');
  return { code, cases, tested, failures, shown: begins < 0 ? out.slice(-3000) : out.slice(begins, begins + 6000) };
}
