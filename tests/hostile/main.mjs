// Starts the real program, throws everything at it, and prints one table: promise, figure, bar.
//
// Called by `run`, which finds the tools. What failed is told with the number that makes it again:
//   tests/hostile/run --seed N --only NUMBER     sends one request of the generator and shows what came back

import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';

import { Town, forgeries, isolation, strangers } from './access.mjs';
import { operations } from './operations.mjs';
import { belongings, changed, furnish, keys } from './others.mjs';
import { doors, signIn } from './console.mjs';
import { Random } from './random.mjs';
import { bomb } from './files.mjs';
import { Hostile } from './hostile.mjs';
import { limits } from './limits.mjs';
import { fault, pound, shown } from './pound.mjs';
import { contract } from './contract.mjs';
import { RATE, aside } from './flood.mjs';
import { flood, slow, uploads } from './slow.mjs';
import { Stack } from './stack.mjs';
import { Connection, basic, json } from './wire.mjs';

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string' }, schemathesis: { type: 'string' }, seed: { type: 'string' }, long: { type: 'boolean', default: false }, only: { type: 'string' },
    requests: { type: 'string' }, calls: { type: 'string' }, tokens: { type: 'string' }, debugged: { type: 'string' }, stages: { type: 'string', default: 'limits,contract,hostile,access,flood,logs' }, keep: { type: 'boolean', default: false }, table: { type: 'string' },
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
/**
 * How far memory may rise at its highest moment, in MB, over what the stack has after a round of good requests: sixteen bodies
 * that inflate to what is allowed, and twelve files of 64 MB.
 */
const RSS = 300;

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
  row('the description is what is answered (schemathesis)', `${unkept} failures in ${result.cases} cases`, '0', result.code === 0 && result.cases > 500);
  result.untested.slice(0, 5).forEach((one) => say(`${one} was never asked`));
  row('operations of the description that it asked, without those left out', `${result.operations - result.untested.length} of ${result.operations}`, 'all', result.operations > 0 && result.untested.length === 0);
  const phases = Object.entries(result.phases);
  row('each phase of it ran', phases.map(([name, cases]) => `${name} ${cases}`).join(', '), 'cases in each', phases.every(([, cases]) => cases > 0));
  row('it panics never', `${panics.length}`, '0', !panics.length && stack.alive());
  await stack.stop();
  if (!options.keep) stack.remove();
}

async function atHostile() {
  const stack = await Stack.start(options.binary);
  const shops = [stack.shop('broken-1'), stack.shop('broken-2')];
  const good = await stocked(stack, 'good');
  for (const shop of shops) shop.desk = await signIn(shop);
  for (const shop of shops) await shop.ok(shop.server, 'PUT', '/v1/products', Array.from({ length: 60 }, (_, i) => ({ id: `p${i}`, title: `Tea ${i}`, price: i + 0.5, currency: 'EUR', brand: 'Acme' })));
  const before = stack.resetPeak();
  const secrets = [...shops, good].flatMap((shop) => [shop.server, packed(shop.server)]);
  const result = await pound({ stack, seed, shops, mark, count: counts.requests, secrets, progress: say });
  say(`${result.sent} requests in ${result.seconds.toFixed(0)} s: ${JSON.stringify(result.statuses)}; slowest ${(result.slowest.ms / 1000).toFixed(1)} s (${result.slowest.family}, number ${result.slowest.number})`);
  tell(result.faults, (one) => `${one.family}: ${one.wrong}`);
  const five = result.faults.filter((one) => /^status 5/.test(one.wrong)).length;
  row('hostile requests answered', result.sent, String(counts.requests), result.sent === counts.requests);
  row('answers with a 5xx', five, '0', five === 0);
  row('errors that are neither a problem with a request id nor, in the console, a page under its policy', `${result.faults.length - five} (besides ${result.below} that were no HTTP)`, '0', result.faults.length === five);
  // A session of nobody, an address that the sample shop alone has, placements that nobody made, and what a day's sweep comes before.
  const never = Object.entries(result.good).filter(([name, status]) => status >= 400 && !/sessions|demo|size$|own$|rank$/.test(name));
  never.forEach(([name, status]) => say(`${name} was never taken: ${status}`));
  row('what is broken for it is taken when it is whole', `${Object.keys(result.good).length - never.length} of ${Object.keys(result.good).length} kinds of requests`, 'all', never.length === 0);
  tell(result.leaks, (one) => `${one.family} told back: ${json({ body: one.answer })?.code ?? ''}`);
  row('errors that tell an e-mail, a token or a key back', result.leaks.length, '0', result.leaks.length === 0);

  const beside = await slow({ stack, shop: good });
  const bearable = Math.max(250, 3 * beside.before.p95);
  row(`others beside ${beside.connections} slow clients, p95`, `${beside.meanwhile.p95.toFixed(1)} ms (before ${beside.before.p95.toFixed(1)} ms), ${beside.meanwhile.wrong} not 200`, `< ${bearable.toFixed(0)} ms (250 or three times before), all 200`, beside.meanwhile.p95 < bearable && beside.meanwhile.wrong === 0);
  const flooded = await flood({ stack });
  row('an upload to nobody is refused', `${flooded.status} after ${flooded.sent} of 300 MB`, '404 before 16 MB', flooded.status === 404 && flooded.sent < 16);
  // A bomb whose rows end, so that only the size of the whole can stop it.
  const large = new Connection(stack.port, 300_000);
  const began = Date.now();
  const bombed = await large.ask({ method: 'POST', path: '/v1/products/import?format=ndjson', headers: [basic(good.server)], body: bomb(200, 10) });
  row('200 MB of line ends in 200 KB', `${bombed.status} after ${((Date.now() - began) / 1000).toFixed(1)} s`, 'an answer', bombed.status < 500);
  large.close();

  const files = await uploads({ stack, shop: good });
  row('files of 64 MB, uploaded at once', `${files.filter((status) => status === 200).length} of ${files.length} taken`, 'all; memory: below', files.every((status) => status === 200));

  const grown = stack.peak() - before;
  row('memory: highest over what it was before', `${Math.round(before)} + ${Math.round(grown)} MB, ${Math.round(stack.rss())} MB at the end`, `+ ${RSS} MB`, grown < RSS);
  const ill = await healthy(good);
  if (ill) say(ill);
  await inMetrics(stack, 'hostile', [good, ...shops]);
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
  const { described, unknown } = operations();
  unknown.forEach(say);
  row('operations of which the test knows whose names they take', `${described - new Set(unknown.map((one) => one.split(':')[0])).size} of ${described}`, 'all', unknown.length === 0);
  const tried = stack.shop('tried');
  await tried.ok(tried.server, 'PUT', '/v1/products', [{ id: 'tea', title: 'Tea', price: 3, currency: 'EUR' }]);
  tried.visitors = [];
  await furnish(tried, new Random(seed, 0x7e));
  const known = await keys({ shop: tried });
  tell(known.faults, (one) => `${one.operation}: ${one.why}`);
  row('each operation asks for the key and the scope that it names', `${known.faults.length} others, ${known.asked} tries of ${known.operations} operations`, '0', known.faults.length === 0 && known.asked > 8 * (known.operations - 10));
  const town = await Town.settle(stack, seed);
  const before = await Promise.all(town.shops.map(belongings));
  const isolated = await isolation({ stack, town, seed, count: counts.calls, progress: say });
  say(`${isolated.calls} calls in ${isolated.seconds.toFixed(0)} s, ${isolated.retried} asked again after a 503; ${isolated.operations} operations; ${JSON.stringify(isolated.routes)}`);
  tell(isolated.faults, (one) => `${one.route}: ${one.why}`);
  row('visitors x routes x keys and tokens of others', isolated.calls, String(counts.calls), isolated.calls === counts.calls);
  row('foreign marks, and other statuses than due', `${isolated.faults.length}, ${isolated.operations} operations tried with keys and names of others`, '0', isolated.faults.length === 0);
  const after = await Promise.all(town.shops.map(belongings));
  const touched = before.flatMap((one, at) => changed(one, after[at]).map((what) => `${town.shops[at].name}: ${what} was ${one[what]} and is ${after[at][what]}`));
  touched.forEach(say);
  row('what others changed or removed meanwhile', `${touched.length} of ${before.reduce((sum, one) => sum + Object.keys(one).length, 0)} things of three shops`, '0', touched.length === 0);
  const forged = await forgeries({ stack, town, seed, count: counts.tokens, progress: say });
  say(`${forged.sent} tokens in ${forged.seconds.toFixed(0)} s, ${Object.keys(forged.kinds).length} kinds`);
  tell(forged.accepted, (one) => one.kind);
  row('forged, edited, expired tokens accepted', `${forged.accepted.length} of ${forged.sent}`, `0 of ${counts.tokens}`, forged.accepted.length === 0 && forged.sent === counts.tokens);
  row('genuine tokens refused meanwhile', `${forged.refusedGood} of ${forged.good}`, '0', forged.refusedGood === 0);
  const strange = await strangers({ town, seed });
  tell(strange.faults, (one) => one.why);
  row('a browser identify reads of whom it names', `${strange.faults.length} of ${strange.asked} answers`, '0', strange.faults.length === 0 && strange.asked > 50);
  const at = await doors({ shop: town.shops[0], other: town.shops[1] });
  tell(at.faults, (one) => one.why);
  at.touched.forEach((what) => say(`${what} changed`));
  row('pages and forms of the console without session or token, or with a wrong one', `${at.faults.length} let in, ${at.asked} tries of ${at.routes}; ${at.touched.length} of ${at.kept} kinds of settings changed`, '0; 0', at.faults.length === 0 && at.touched.length === 0 && at.asked > 5 * at.routes);
  const panics = stack.panics();
  row('panics', panics.length, '0', panics.length === 0 && stack.alive());
  const marks = town.shops.flatMap((shop) => shop.visitors.flatMap((one) => [one.mark, one.token].filter(Boolean)));
  await inMetrics(stack, 'access', town.shops, marks);
  await stack.stop();
  inLog(stack, 'the log', town.shops, marks);
  if (!options.keep) stack.remove();
}

/** One key asks many times what it may, and the others are asked how they fare. */
async function atFlood() {
  const rate = String(RATE);
  const stack = await Stack.start(options.binary, { limits: { VITRINE_KEY_RATE: rate, VITRINE_KEY_BURST: rate } });
  const [flooded, other] = [await stocked(stack, 'flooded'), await stocked(stack, 'other')];
  const { quiet, flooded: during, wrong, statuses, perSecond, refused, good } = await aside({ stack, flooded, other, rounds: options.long ? 20 : 4 });
  const ms = (one) => `p50 ${one.p50.toFixed(1)}, p99 ${one.p99.toFixed(1)} ms`;
  say(`${JSON.stringify(statuses)}, ${quiet.count} and ${during.count} questions of the other`);
  row('a flood with one key is refused', `${perSecond.toFixed(0)} a second, ${good.toFixed(0)} answered, ${(100 * refused).toFixed(0)} % are 429`, `at most ${RATE} a second and what the bucket holds`, refused > 0.6 && good < 1.5 * RATE && Object.keys(statuses).every((status) => ['200', '429'].includes(status)));
  // Sender, stack and the other share the processor: what is refused is not free, and has to be cheap.
  row("others' latency beside the flood", `${ms(during)} (before ${ms(quiet)}): ${(during.p50 / quiet.p50).toFixed(1)} and ${(during.p99 / quiet.p99).toFixed(1)} times`, 'p50 twice or 10 ms more, p99 three times or 150 ms; all answered', during.p50 < Math.max(2 * quiet.p50, quiet.p50 + 10) && during.p99 < Math.max(3 * quiet.p99, 150) && wrong === 0);
  await stack.stop();
  if (!options.keep) stack.remove();
}

/** The same with a log that tells more than anybody wants. */
async function atLogs() {
  const stack = await Stack.start(options.binary, { log: 'debug' });
  const shops = [stack.shop('told-1'), stack.shop('told-2')];
  for (const shop of shops) shop.desk = await signIn(shop);
  const result = await pound({ stack, seed: seed + 1, shops, mark, count: counts.debugged, progress: say });
  await inMetrics(stack, 'logs', shops);
  await stack.stop();
  say(`${result.sent} requests, ${(stack.log().length / 1e6).toFixed(1)} MB of log`);
  inLog(stack, 'the log at level debug', shops);
  if (!options.keep) stack.remove();
}

/** A key as `Authorization: Basic` has it, without the letters that depend on what follows it. */
function packed(key) {
  return Buffer.from(key).toString('base64').slice(0, Math.floor(key.length / 3) * 4);
}

/** What was sent, and is to be found nowhere. */
function canaries(shops, more) {
  const keys = shops.flatMap((shop) => [shop.server, shop.browser]);
  const sessions = shops.filter((shop) => shop.desk).flatMap(({ desk }) => [desk.cookie.split('=')[1], desk.token]);
  return [mark, '203.0.113.77', ...keys, ...keys.map(packed), ...sessions, ...more];
}

/** Looks for what was sent in the metrics, when all of it was sent. */
async function inMetrics(stack, stage, shops, more = []) {
  const figures = await new Connection(stack.port).ask({ path: '/metrics' });
  const found = canaries(shops, more).filter((one) => figures.body?.includes(one)).length;
  row(`e-mails, addresses, ids, tokens, keys in the metrics after the stage ${stage}`, `${found} of ${canaries(shops, more).length} looked for`, '0', figures.status === 200 && found === 0);
}

/** Looks for what was sent in what the process wrote. */
function inLog(stack, name, shops, more = []) {
  const text = stack.log().replace(/\x1b\[[0-9;]*m/g, '');
  const secrets = canaries(shops, more);
  const lines = text.split('\n').filter((line) => secrets.some((secret) => line.includes(secret)));
  lines.slice(0, 3).forEach((line) => say(line.slice(0, 300)));
  row(`e-mails, addresses, ids, tokens, keys in ${name}`, `${lines.length} lines of ${text.split('\n').length}`, '0', lines.length === 0);
}

async function one(number) {
  const stack = await Stack.start(options.binary);
  const shops = [await stocked(stack, 'broken-1'), stack.shop('broken-2')];
  for (const shop of shops) shop.desk = await signIn(shop);
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
  const { count, same, constants, open } = limits();
  open.forEach(say);
  row('limits documented as the code has them', `${same ? 'all' : 'not all'} of ${count}`, 'all', same);
  row('constants of what reads input, each a limit there or excused', `${constants - open.length} of ${constants}`, 'all', open.length === 0);
}
const parts = { contract: atContract, hostile: atHostile, access: atAccess, flood: atFlood, logs: atLogs };
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
