// The description of the API against the running stack: schemathesis in a process of its own, its report read.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The operations of the description, without those that `schemathesis.toml` leaves out and the one that serves the description, which schemathesis does. */
function due() {
  const config = fs.readFileSync(path.join(here, 'schemathesis.toml'), 'utf8');
  const left = [...config.matchAll(/\[\[operations\]\]\ninclude-path = "(.*)"\nenabled = false/g)].map(([, address]) => address).concat('/openapi.json');
  const { paths } = JSON.parse(fs.readFileSync(path.join(here, '../../functions/manage/openapi.json'), 'utf8'));
  return Object.entries(paths).filter(([address]) => !left.includes(address))
    .flatMap(([address, methods]) => Object.keys(methods).filter((name) => name !== 'parameters').map((method) => `${method.toUpperCase()} ${address}`));
}

/** Runs schemathesis with `schemathesis.toml`; what it counted, altogether and in each phase, the operations it never asked, and the failures it names. */
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
  const failures = [...out.matchAll(/❌ (ST\d+ .*?): (\d+)/g)].map(([, name, count]) => ({ name, count: Number(count) }));
  const phases = { examples: 0, coverage: 0, fuzzing: 0, stateful: 0 };
  const asked = new Set();
  for await (const line of lines(report)) {
    if (!line.startsWith('{"ScenarioFinished"')) continue;
    const { phase, recorder } = JSON.parse(line).ScenarioFinished;
    if (Object.keys(recorder.interactions ?? {}).length) asked.add(recorder.label);
    phases[phase] = (phases[phase] ?? 0) + Object.keys(recorder.cases ?? {}).length;
  }
  const operations = due();
  const untested = operations.filter((one) => !asked.has(one));
  const begins = out.indexOf('= FAILURES =');
  return { code, cases, phases, operations: operations.length, untested, failures, shown: begins < 0 ? out.slice(-3000) : out.slice(begins, begins + 6000) };
}

/** The lines of its reports; none if it wrote none. */
async function* lines(folder) {
  if (!fs.existsSync(folder)) return;
  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith('.ndjson'))) {
    yield* readline.createInterface({ input: fs.createReadStream(path.join(folder, file)) });
  }
}
