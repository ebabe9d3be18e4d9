// Starts the real program, throws everything at it, and prints one table: promise, figure, bar.
//
// Called by `run`, which finds the tools. What failed is told with the number that makes it again:
//   tests/hostile/run --seed N --only NUMBER     sends one request of the generator and shows what came back

import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';

import { Town, forgeries, isolation, strangers } from './access.mjs';
import { bomb } from './files.mjs';
import { Hostile } from './hostile.mjs';
import { limits } from './limits.mjs';
import { fault, pound, shown } from './pound.mjs';
import { contract } from './contract.mjs';
import { flood, slow } from './slow.mjs';
import { Stack } from './stack.mjs';
import { Connection, basic } from './wire.mjs';

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string' }, schemathesis: { type: 'string' }, seed: { type: 'string' }, long: { type: 'boolean', default: false }, only: { type: 'string' },
    requests: { type: 'string' }, calls: { type: 'string' }, tokens: { type: 'string' }, debugged: { type: 'string' }, stages: { type: 'string', default: 'limits,contract,hostile,access,logs' }, keep: { type: 'boolean', default: false }, table: { type: 'string' },
  },
});
const seed = Number(options.seed ?? Math.floor(Date.now() / 1000) % 1_000_000);
const counts = {
  requests: Number(options.requests ?? (options.long ? 1_000_000 : 50_000)),
  calls: Number(options.calls ?? (options.long ? 100_000 : 20_000)),
  tokens: Number(options.tokens ?? (options.long ? 1_000_000 : 100_000)),
  examples: options.long ? 200 : 10,
  contractSeconds: options.long ? 1800 : 60,
  debugged: Number(options.debugged ?? (options.long ? 100_000 : 5_000)),
};
const stages = options.stages.split(',');
/** How far memory may grow over what the stack has after a round of good requests. */
const RSS = 200;

const rows = [];
const row = (promise, figure, bar, kept) => rows.push({ promise, figure: String(figure), bar, kept });
const say = (text) => console.log(`   ${text}`);
const load = () => os.loadavg().map((l) => l.toFixed(1)).join(' ');

/** Prints the first of each kind of fault. */
function tell(faults, kind) {
  const kinds = new Map();
  for (const one of faults) kinds.set(kind(one), [...(kinds.get(kind(one)) ?? []), one]);
  for (const [name, list] of kinds) say(`${list.length} x ${name}, such as ${JSON.stringify(list[0], null, 1)}`);
}

/** Marks that must not be found where nobody may read them. */
const mark = `zq${seed}canary`;

/** A shop with products and a trained model, to be broken. */
async function stocked(stack, name) {
  const shop = stack.shop(name);
  const products = Array.from({ length: 60 }, (_, i) => ({ id: `p${i}`, title: `Tea ${i}`, category: ['All', `Kind ${i % 5}`], brand: i % 2 ? 'Acme' : 'Other', price: i + 0.5, currency: 'EUR', colour: ['red', 'blue'][i % 2] }));
  await shop.ok(shop.server, 'PUT', '/v1/products', products);
  const batch = Array.from({ length: 200 }, (_, i) => ({ type: 'track', event: 'Product Viewed', anonymousId: `${name}-${i % 20}`, messageId: `${name}-${i}`, properties: { product_id: `p${(i * 7) % 60}` } }));
  await shop.ok(shop.browser, 'POST', '/v1/batch', { batch });
  await shop.retrain();
  return shop;
}

/** What a shop needs of a healthy stack; a text says what does not work. */
async function healthy(shop) {
  try {
    const id = `after-${Math.random().toString(36).slice(2)}`;
    await shop.ok(shop.browser, 'POST', '/v1/t', { type: 'track', event: 'Product Viewed', anonymousId: id, messageId: id, properties: { product_id: 'p7' } });
    const list = await shop.ok(shop.browser, 'POST', '/v1/recommendations/recently-viewed', { anonymous_id: id });
    if (list.items[0]?.product?.id !== 'p7') return `the product just looked at is not there: ${JSON.stringify(list).slice(0, 300)}`;
    if (!(await shop.ok(shop.browser, 'POST', '/v1/recommendations/home', { anonymous_id: id })).items.length) return 'an empty home page';
    if ((await shop.ok(shop.browser, 'GET', '/v1/products?limit=100&filter=price%20%3C%205')).products.length !== 5) return 'a filter gives other products';
    await shop.eventually(`/v1/visitors/a:${id}`, (held) => held.profile.state.counts.view === 1);
    return undefined;
  } catch (error) {
    return error.message;
  }
}

async function atContract() {
  const stack = await Stack.start(options.binary);
  const shop = stack.shop('described');
  await shop.ok(shop.server, 'PUT', '/v1/products', [{ id: '873902', title: 'Penne', category: ['Pasta'], price: 2.49, currency: 'USD' }]);
  const result = await contract({ stack, shop, schemathesis: options.schemathesis, seed, examples: counts.examples, seconds: counts.contractSeconds });
  const panics = stack.panics();
  const unkept = result.failures.reduce((sum, one) => sum + one.count, 0);
  if (result.code !== 0) say(result.shown);
  row('the description is what is answered (schemathesis)', `${unkept} failures in ${result.cases} cases of ${result.tested} operations`, '0', result.code === 0 && result.cases > 500);
  row('it panics never', `${panics.length}`, '0', !panics.length && stack.alive());
  await stack.stop();
  if (!options.keep) stack.remove();
}

async function atHostile() {
  const stack = await Stack.start(options.binary);
  const shops = [stack.shop('broken-1'), stack.shop('broken-2')];
  const good = await stocked(stack, 'good');
  for (const shop of shops) await shop.ok(shop.server, 'PUT', '/v1/products', Array.from({ length: 60 }, (_, i) => ({ id: `p${i}`, title: `Tea ${i}`, price: i + 0.5, currency: 'EUR', brand: 'Acme' })));
  const before = stack.resetPeak();
  const secrets = [...shops, good].flatMap((shop) => [shop.server]);
  const result = await pound({ stack, seed, shops, mark, count: counts.requests, secrets, progress: say });
  say(`${result.sent} requests in ${result.seconds.toFixed(0)} s: ${JSON.stringify(result.statuses)}; slowest ${(result.slowest.ms / 1000).toFixed(1)} s (${result.slowest.family}, number ${result.slowest.number})`);
  tell(result.faults, (one) => `${one.family}: ${one.wrong}`);
  const five = result.faults.filter((one) => /^status 5/.test(one.wrong)).length;
  row('hostile requests answered', result.sent, String(counts.requests), result.sent === counts.requests);
  row('answers with a 5xx', five, '0', five === 0);
  row('errors that are no problem+json with a request id', `${result.faults.length - five} (besides ${result.below} that were no HTTP)`, '0', result.faults.length === five);
  row('errors that tell a server key back', result.leaks, '0', result.leaks === 0);

  const beside = await slow({ stack, shop: good });
  row(`others beside ${beside.connections} slow clients, p95`, `${beside.meanwhile.p95.toFixed(1)} ms (before ${beside.before.p95.toFixed(1)} ms)`, '< 250 ms, all 200', beside.meanwhile.p95 < Math.max(250, 3 * beside.before.p95) && beside.meanwhile.wrong === 0);
  const flooded = await flood({ stack });
  row('an upload to nobody is refused', `${flooded.status} after ${flooded.sent} of 300 MB`, '404 before 16 MB', flooded.status === 404 && flooded.sent < 16);
  // A bomb whose rows end, so that only the size of the whole can stop it.
  const large = new Connection(stack.port, 300_000);
  const began = Date.now();
  const bombed = await large.ask({ method: 'POST', path: '/v1/products/import?format=ndjson', headers: [basic(good.server)], body: bomb(200, 10) });
  row('200 MB of line ends in 200 KB', `${bombed.status} after ${((Date.now() - began) / 1000).toFixed(1)} s`, 'an answer', bombed.status < 500);
  large.close();

  const grown = stack.peak - before;
  row('memory: highest over what it was before', `${Math.round(before)} + ${Math.round(grown)} MB, ${Math.round(stack.rss())} MB at the end`, `+ ${RSS} MB`, grown < RSS);
  const ill = await healthy(good);
  if (ill) say(ill);
  row('good requests afterwards', ill ? 'fail' : 'right', 'right', !ill);
  const panics = stack.panics();
  panics.slice(0, 5).forEach(say);
  row('panics', panics.length, '0', panics.length === 0 && stack.alive());
  await stack.stop();
  inLog(stack, 'the log', [good, ...shops]);
  if (!options.keep) stack.remove();
}

async function atAccess() {
  const stack = await Stack.start(options.binary);
  const town = await Town.settle(stack, seed);
  const isolated = await isolation({ stack, town, seed, count: counts.calls, progress: say });
  say(`${isolated.calls} calls in ${isolated.seconds.toFixed(0)} s, ${isolated.retried} asked again after a 503; ${JSON.stringify(isolated.routes)}`);
  tell(isolated.faults, (one) => `${one.route}: ${one.why}`);
  row('visitors x routes x keys and tokens of others', isolated.calls, String(counts.calls), isolated.calls === counts.calls);
  row('foreign marks, and other statuses than due', isolated.faults.length, '0', isolated.faults.length === 0);
  const forged = await forgeries({ stack, town, seed, count: counts.tokens, progress: say });
  say(`${forged.sent} tokens in ${forged.seconds.toFixed(0)} s, ${Object.keys(forged.kinds).length} kinds`);
  tell(forged.accepted, (one) => one.kind);
  row('forged, edited, expired tokens accepted', `${forged.accepted.length} of ${forged.sent}`, `0 of ${counts.tokens}`, forged.accepted.length === 0 && forged.sent === counts.tokens);
  row('genuine tokens refused meanwhile', `${forged.refusedGood} of ${forged.good}`, '0', forged.refusedGood === 0);
  const strange = await strangers({ town, seed });
  tell(strange.faults, (one) => one.why);
  row('a browser identify reads of whom it names', `${strange.faults.length} of ${strange.asked} answers`, '0', strange.faults.length === 0 && strange.asked > 50);
  const panics = stack.panics();
  row('panics', panics.length, '0', panics.length === 0 && stack.alive());
  await stack.stop();
  inLog(stack, 'the log', town.shops, town.shops.flatMap((shop) => shop.visitors.flatMap((one) => [one.mark, one.token].filter(Boolean))));
  if (!options.keep) stack.remove();
}

/** The same with a log that tells more than anybody wants. */
async function atLogs() {
  const stack = await Stack.start(options.binary, { log: 'debug' });
  const shops = [stack.shop('told-1'), stack.shop('told-2')];
  const result = await pound({ stack, seed: seed + 1, shops, mark, count: counts.debugged, progress: say });
  const figures = await new Connection(stack.port).ask({ path: '/metrics' });
  row('canaries in the metrics', figures.body.includes(mark) ? 'some' : '0', '0', figures.status === 200 && !figures.body.includes(mark));
  await stack.stop();
  say(`${result.sent} requests, ${(stack.log().length / 1e6).toFixed(1)} MB of log`);
  inLog(stack, 'the log at level debug', shops);
  if (!options.keep) stack.remove();
}

/** Looks for what was sent in what the process wrote. */
function inLog(stack, name, shops, more = []) {
  const text = stack.log().replace(/\x1b\[[0-9;]*m/g, '');
  const secrets = [mark, '203.0.113.77', ...shops.flatMap((shop) => [shop.server, shop.browser]), ...more];
  const lines = text.split('\n').filter((line) => secrets.some((secret) => line.includes(secret)));
  lines.slice(0, 3).forEach((line) => say(line.slice(0, 300)));
  row(`e-mails, addresses, ids, tokens, keys in ${name}`, `${lines.length} lines of ${text.split('\n').length}`, '0', lines.length === 0);
}

async function one(number) {
  const stack = await Stack.start(options.binary);
  const shops = [await stocked(stack, 'broken-1'), stack.shop('broken-2')];
  const request = new Hostile({ seed, shops, mark }).request(number);
  console.log(shown(request));
  const answer = await new Connection(stack.port).ask(request.raw ? { ...request, path: '/' } : request);
  console.log(answer.status, answer.headers, answer.body?.toString('utf8').slice(0, 2000));
  console.log(fault(request, answer) ?? 'as promised');
  await stack.stop();
  console.log(stack.log().slice(-3000));
  stack.remove();
}

if (options.only !== undefined) {
  await one(Number(options.only));
  process.exit(0);
}
const began = Date.now();
console.log(`seed ${seed}, load of the machine ${load()}`);
if (stages.includes('limits')) {
  const { count, same } = limits();
  row('limits documented as the code has them', `${same ? 'all' : 'not all'} of ${count}`, 'all', same);
}
const parts = { contract: atContract, hostile: atHostile, access: atAccess, logs: atLogs };
for (const [name, part] of Object.entries(parts)) {
  if (!stages.includes(name)) continue;
  const from = Date.now();
  console.log(`-- ${name}`);
  await part();
  say(`${((Date.now() - from) / 1000).toFixed(0)} s`);
}
if (options.table) writeFileSync(options.table, JSON.stringify(rows.map(({ kept, ...row }) => ({ ...row, holds: kept }))));
const width = (name) => Math.max(name.length, ...rows.map((one) => one[name].length));
const [a, b, c] = ['promise', 'figure', 'bar'].map(width);
console.log(`\n${'promise'.padEnd(a)} | ${'figure'.padEnd(b)} | ${'bar'.padEnd(c)} |\n${'-'.repeat(a)}-|-${'-'.repeat(b)}-|-${'-'.repeat(c)}-|-----`);
for (const one of rows) console.log(`${one.promise.padEnd(a)} | ${one.figure.padEnd(b)} | ${one.bar.padEnd(c)} | ${one.kept ? 'kept' : 'MISSED'}`);
console.log(`\nseed ${seed}, ${((Date.now() - began) / 60000).toFixed(1)} minutes, ${new Date().toISOString().slice(0, 16)}, ${os.cpus().length} cores, load ${load()}`);
process.exit(rows.every((one) => one.kept) ? 0 : 1);
