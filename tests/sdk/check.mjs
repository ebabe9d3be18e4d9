// Reads the profiles back and compares: every event that was told is counted, and none twice.
//
// check.mjs FOLDER BASE_URL SERVER_KEY PROXY

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { wait } from './modules.mjs';

const [folder, base, key, proxy] = process.argv.slice(2);
const PATIENCE_MS = 60_000;
/** An event that counts double may do so a little later. */
const SETTLE_MS = 3_000;
const AT_ONCE = 8;

const plans = readdirSync(folder)
  .filter((name) => name.startsWith('plan-'))
  .map((name) => JSON.parse(readFileSync(path.join(folder, name))));
const users = plans.flatMap((plan) => plan.users.map((user) => ({ ...user, sdk: plan.name })));

async function state(user) {
  const headers = { Authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` };
  const response = await fetch(`${base}/v1/visitors/${encodeURIComponent(user)}`, { headers });
  if (response.status === 404) return { counts: {}, value: {} };
  if (!response.ok) throw new Error(`GET /v1/visitors answered ${response.status}: ${await response.text()}`);
  const { profile } = await response.json();
  return { counts: profile?.state?.counts ?? {}, value: profile?.state?.value ?? {} };
}

/** How the counts of a user differ: events missing and events too many. */
function difference(expected, found) {
  let lost = 0;
  let double = 0;
  for (const action of new Set([...Object.keys(expected.counts), ...Object.keys(found.counts)])) {
    const more = (found.counts[action] ?? 0) - (expected.counts[action] ?? 0);
    if (more < 0) lost -= more;
    if (more > 0) double += more;
  }
  const cents = Math.round((found.value.EUR ?? 0) * 100);
  return { lost, double, wrongValue: cents === expected.cents ? 0 : 1, found };
}

async function compare(some) {
  const waiting = [...some];
  const worker = async () => {
    for (let user = waiting.shift(); user; user = waiting.shift()) user.is = difference(user.expected, await state(user.user));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return some.filter((user) => user.is.lost || user.is.double || user.is.wrongValue);
}

const start = Date.now();
let open = users;
while (open.length && Date.now() - start < PATIENCE_MS) {
  open = await compare(open);
  if (open.length) await wait(250);
}
const seconds = ((Date.now() - start) / 1000).toFixed(1);
await wait(SETTLE_MS);
const wrong = await compare(users);

const sum = (list, of) => list.reduce((total, item) => total + of(item), 0);
console.log('sdk                           told   lost double  users with a wrong order value');
for (const plan of plans) {
  const mine = users.filter((user) => user.sdk === plan.name);
  const row = [plan.events, sum(mine, (u) => u.is.lost), sum(mine, (u) => u.is.double), sum(mine, (u) => u.is.wrongValue)];
  console.log(`${plan.name.padEnd(28)}${row.map((n) => String(n).padStart(6)).join(' ')}`);
}
const faults = await (await fetch(`${proxy}/__faults`)).json();
console.log(`${faults.requests} requests, of which failed on purpose: ${JSON.stringify(faults.faults)}`);
const late = open.length ? `${open.length} profiles were still not as told` : 'all profiles were complete';
console.log(`${late} ${seconds} s after the last SDK had finished`);

const problems = [];
for (const user of wrong.slice(0, 5)) {
  problems.push(`${user.user}: expected ${JSON.stringify(user.expected)}, found ${JSON.stringify(user.is.found)}`);
}
if (faults.refusedByStack) problems.push(`the stack refused ${faults.refusedByStack} requests`);
// A run in which nothing failed has tested nothing.
for (const kind of ['taken, then 503', 'taken, then cut', 'refused']) {
  if (!faults.faults[kind]) problems.push(`no request was ${kind}; take another seed`);
}
if (problems.length) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`${sum(plans, (p) => p.events)} events: none lost, none double`);
