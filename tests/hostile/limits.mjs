// The table of all limits in SECURITY.md, held against the constants of the code.
//
//   node limits.mjs            fails if a limit of the table is not the code's, or the code has one that nobody named
//   node limits.mjs --write    writes the table anew

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { unnamed } from './constants.mjs';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

// [what, where, name of the constant or field, how it is shown, what happens beyond]
const bytes = (n) => (n >= 1 << 30 && n % (1 << 30) === 0 ? `${n >> 30 || n / (1 << 30)} GiB` : n >= 1 << 20 && n % (1 << 20) === 0 ? `${n / (1 << 20)} MiB` : n % 1024 === 0 ? `${n / 1024} KiB` : `${n} bytes`);
const plain = (n) => n.toLocaleString('en');
const hours = (n) => `${plain(n / 3_600_000)} hours`;
const LIMITS = [
  ['body of events, after inflation', 'functions/collect/src/body.rs', 'MAX_BODY', bytes, '413'],
  ['events of a batch', 'functions/collect/src/envelope.rs', 'MAX_EVENTS', plain, '413'],
  ['one event, and the context shared by a batch', 'functions/collect/src/envelope.rs', 'MAX_EVENT', bytes, 'this event is refused'],
  ['properties of an event together', 'functions/collect/src/bounds.rs', 'TOTAL', bytes, 'left out'],
  ['levels of a property', 'functions/collect/src/bounds.rs', 'DEPTH', plain, 'left out'],
  ['members of an object or list in a property', 'functions/collect/src/bounds.rs', 'MEMBERS', plain, 'left out'],
  ['name of a property', 'functions/collect/src/bounds.rs', 'NAME', bytes, 'left out'],
  ['text of a property', 'functions/collect/src/bounds.rs', 'LONG_TEXT', bytes, 'cut'],
  ['products of an event', 'functions/collect/src/bounds.rs', 'LINES', plain, 'cut'],
  ['amount or quantity of an event', 'functions/collect/src/values.rs', 'LARGEST', plain, 'not taken as one'],
  ['time spent on a product', 'shared/domain/src/event.rs', 'MAX_DWELL_MS', (n) => `${n / 60_000} minutes`, 'cut'],
  ['time of an event ahead of now', 'functions/collect/src/timing.rs', 'AHEAD', hours, 'that of receipt takes its place'],
  ['short text of an event', 'functions/collect/src/values.rs', 'TEXT', bytes, 'cut'],
  ['path of a page', 'functions/collect/src/circumstances.rs', 'PATH', bytes, 'cut'],
  ['host of a page', 'functions/collect/src/circumstances.rs', 'HOST', bytes, 'cut'],
  ['language tag', 'functions/collect/src/circumstances.rs', 'LOCALE', bytes, 'cut'],
  ['country or city of an event', 'functions/collect/src/circumstances.rs', 'LOCATION', bytes, 'cut'],
  ['decision id of an event', 'functions/collect/src/commerce.rs', 'DECISION', bytes, 'left out'],
  ['TC string of a consent', 'shared/domain/src/consent/tcf.rs', 'MAX', bytes, 'everything is refused'],
  ['identifier of a product', 'shared/domain/src/id.rs', /"product_id", ([0-9_]+),/, bytes, '422, the row is refused, or the line is left out'],
  ['identifier of a customer', 'shared/domain/src/id.rs', /"userId", ([0-9_]+),/, bytes, '422, or this event is refused'],
  ['identifier of a device', 'shared/domain/src/id.rs', /"anonymousId", ([0-9_]+),/, bytes, '422, or this event is refused'],
  ['identifier of a message', 'shared/domain/src/id.rs', /"messageId", ([0-9_]+),/, bytes, 'its hash takes its place'],
  ['conditions of a filter', 'shared/domain/src/filter.rs', 'MAX_CONDITIONS', plain, '422'],
  ['nesting of a filter', 'shared/domain/src/filter.rs', 'MAX_DEPTH', plain, '422'],
  ['text of a filter', 'shared/domain/src/filter/parse.rs', 'MAX_TEXT', bytes, '422'],
  ['JSON of a filter', 'shared/domain/src/filter.rs', 'MAX_JSON', bytes, '422'],
  ['products of a list', 'shared/domain/src/placement.rs', 'MAX_LIMIT', plain, '422'],
  ['products of an endless list', 'functions/recommend/src/cursor.rs', 'MOST', plain, 'the list ends'],
  ['lists of a page', 'functions/recommend/src/ask.rs', 'MAX_LISTS', plain, '422'],
  ['products to rank', 'functions/recommend/src/ask.rs', 'MAX_RANKED', plain, '422'],
  ['basket', 'functions/recommend/src/ask.rs', 'MAX_BASKET', plain, '422'],
  ['entries of a history that is sent', 'functions/recommend/src/ask/history.rs', 'MAX_HISTORY', plain, '422'],
  ['category that is asked for', 'functions/recommend/src/ask.rs', 'MAX_CATEGORY', bytes, '422'],
  ['name of a placement that is asked for', 'functions/recommend/src/ask.rs', 'MAX_NAME', bytes, '422'],
  ['decisions of a page of a visitor', 'functions/recommend/src/explained.rs', 'MOST', plain, '422'],
  ['days of counts', 'functions/privacy/src/counts.rs', 'MOST', plain, '422'],
  ['a part of an export', 'functions/privacy/src/export.rs', 'FULL', (n) => `${plain(n)} bytes`, 'the rest is the next part'],
  ['products of a page of the catalogue', 'functions/recommend/src/browse.rs', 'MAX_LIMIT', plain, '422'],
  ['values of a facet', 'functions/recommend/src/facets.rs', 'MOST', plain, 'the most frequent'],
  ['cursor or decision id', 'shared/runtime/src/seal.rs', 'MAX', bytes, '404 or 422'],
  ['API key', 'shared/http/src/auth.rs', 'MAX_KEY', bytes, '401'],
  ['user token', 'shared/http/src/auth.rs', 'MAX_TOKEN', bytes, '401'],
  ['keys of a shop', 'shared/store/src/api_keys/entry.rs', 'MAX_KEYS', plain, '422'],
  ['label of a key', 'shared/store/src/api_keys/entry.rs', 'MAX_LABEL', bytes, '422'],
  ['hours that a rotated key still works', 'functions/manage/src/keys.rs', 'MOST_HOURS', plain, '422'],
  ['staff of a shop', 'shared/store/src/staff.rs', 'MAX_STAFF', plain, '422'],
  ['name of one of the staff', 'shared/store/src/staff.rs', 'MAX_NAME', bytes, '422'],
  ['password, at least 12 characters', 'shared/http/src/passwords.rs', 'MAX', bytes, '422'],
  ['sessions of one of the staff', 'shared/store/src/api_keys/session.rs', 'MAX_SESSIONS', plain, 'the oldest ends'],
  ['a session of the staff', 'functions/manage/src/sessions.rs', 'LASTS', hours, '401'],
  ['form of the console', 'functions/manage/src/console/fields.rs', 'MAX', bytes, '413'],
  ['body of products', 'functions/catalog/src/products.rs', 'MAX_BODY', bytes, '413'],
  ['body of own vectors, on one machine', 'functions/manage/src/vectors.rs', 'MAX_BODY', bytes, '413'],
  ['sets of own vectors', 'functions/manage/src/vectors.rs', 'MAX_SETS', plain, '422'],
  ['name of a set of own vectors', 'functions/manage/src/vectors.rs', 'MAX_NAME', bytes, '422'],
  ['identifier of a job', 'functions/manage/src/jobs.rs', 'MAX_ID', bytes, '404'],
  ['uploaded file, on one machine', 'infra/local/src/uploads.rs', 'MAX_UPLOAD', bytes, '413'],
  ['imported file, after inflation', 'functions/catalog/src/import/options.rs', 'input_bytes', bytes, '422'],
  ['rows of an imported file', 'functions/catalog/src/import/options.rs', 'rows', plain, '422'],
  ['row of an imported file', 'functions/catalog/src/import/options.rs', 'row_bytes', bytes, '422'],
  ['columns of an imported table', 'functions/catalog/src/import/options.rs', 'columns', plain, '422'],
  ['Parquet file that comes as a stream', 'functions/catalog/src/import/options.rs', 'kept_bytes', bytes, '422'],
  ['page of a Parquet file, packed or unpacked', 'functions/catalog/src/import/options.rs', 'page_bytes', bytes, '422'],
  ['pages of a Parquet file at a time, one of each column and its dictionary', 'functions/catalog/src/import/options.rs', 'open_bytes', bytes, '422'],
  ['directory of a Parquet file', 'functions/catalog/src/import/parquet/directory.rs', 'MOST', bytes, '422'],
  ['name in the schema of a Parquet file', 'functions/catalog/src/import/parquet/directory.rs', 'NAME', bytes, '422'],
  ['groups of columns of a Parquet file that lie in each other', 'functions/catalog/src/import/parquet/directory.rs', 'DEPTH', plain, '422'],
  ['products and orders that wait for more of their rows', 'functions/catalog/src/import/options.rs', 'window_bytes', bytes, 'what waited longest is taken as whole'],
  ['columns of a table of JSON', 'functions/catalog/src/import/json.rs', 'COLUMNS', plain, 'left out'],
  ['levels around an item of an XML feed', 'functions/catalog/src/import/xml.rs', 'DEPTH', plain, 'not looked at'],
  ['members of an item of an XML feed', 'functions/catalog/src/import/xml.rs', 'FIELDS', plain, 'left out'],
  ['title of a product', 'functions/catalog/src/import/draft.rs', 'TITLE', bytes, 'cut'],
  ['description of a product', 'functions/catalog/src/import/draft.rs', 'DESCRIPTION', (n) => `${plain(n)} bytes`, 'cut'],
  ['address of a product or picture', 'functions/catalog/src/import/draft.rs', 'ADDRESS', (n) => `${plain(n)} bytes`, 'left out'],
  ['brand, or a level of a category', 'functions/catalog/src/import/draft.rs', 'NAME', bytes, 'cut'],
  ['levels of a category', 'functions/catalog/src/import/draft.rs', 'LEVELS', plain, 'cut'],
  ['pictures of a product', 'functions/catalog/src/import/draft.rs', 'IMAGES', plain, 'left out'],
  ['variants of a product', 'functions/catalog/src/import/options.rs', 'variants', plain, 'left out'],
  ['lines of an order', 'functions/catalog/src/import/options.rs', 'order_lines', plain, 'the row is refused'],
  ['attributes of a product', 'functions/catalog/src/import/attributes.rs', 'COUNT', plain, 'left out'],
  ['name of an attribute', 'functions/catalog/src/import/text.rs', 'NAME', bytes, 'cut'],
  ['values of an attribute', 'functions/catalog/src/import/attributes.rs', 'VALUES', plain, 'left out'],
  ['text of an attribute', 'functions/catalog/src/import/attributes.rs', 'TEXT', bytes, 'cut'],
  ['attributes of a product together', 'functions/catalog/src/import/attributes.rs', 'BYTES', bytes, 'left out'],
  ['columns of orders that have no role', 'functions/catalog/src/import/order_columns.rs', 'EXTRAS', plain, 'left out'],
  ['products derived from orders', 'functions/catalog/src/import/derived.rs', 'PRODUCTS', plain, 'left out'],
  ['title of a product derived from orders', 'functions/catalog/src/import/derived.rs', 'DESCRIPTION', bytes, 'cut'],
  ['refused rows that a report describes', 'functions/catalog/src/import/report.rs', 'DESCRIBED', plain, 'counted'],
  ['cell that a report repeats', 'functions/catalog/src/import/report.rs', 'SHOWN', bytes, 'cut'],
  ['placements of a shop, besides those as shipped', 'functions/manage/src/placements.rs', 'MAX_PLACEMENTS', plain, '422'],
  ['name of a placement', 'functions/manage/src/placements/shape.rs', 'MAX_NAME', bytes, '422'],
  ['hours in which a placement remembers what was shown, of the last 20 lists', 'shared/domain/src/placement.rs', 'MAX_HOURS', plain, '422'],
  ['rules of a shop', 'shared/domain/src/rule.rs', 'MAX_RULES', plain, '422'],
  ['what a rule names', 'shared/domain/src/rule.rs', 'MAX_NAMED', plain, '422'],
  ['id of a rule, segment, experiment or variant', 'shared/domain/src/rule.rs', 'MAX_ID', bytes, '422'],
  ['name of a rule, and of what it names', 'shared/domain/src/rule.rs', 'MAX_NAME', bytes, '422'],
  ['content of a rule, as JSON', 'shared/domain/src/rule.rs', 'MAX_PAYLOAD', bytes, '422'],
  ['factor of a rule', 'shared/domain/src/rule.rs', 'MAX_FACTOR', plain, '422'],
  ['segments of a shop, the shipped ones among them', 'shared/domain/src/segment.rs', 'MAX_SEGMENTS', plain, '422'],
  ['name of a segment', 'shared/domain/src/segment.rs', 'MAX_NAME', bytes, '422'],
  ['description of a segment', 'shared/domain/src/segment.rs', 'MAX_DESCRIPTION', bytes, '422'],
  ['days of a window', 'shared/domain/src/segment/features.rs', 'LONGEST_WINDOW', plain, '422'],
  ['look-alike audiences that are kept up', 'shared/domain/src/alike.rs', 'MOST_ASKED', plain, 'empty'],
  ['experiments of a shop, those that are over among them', 'shared/domain/src/experiment.rs', 'MAX_EXPERIMENTS', plain, '422'],
  ['an experiment', 'shared/domain/src/experiment.rs', 'MAX_BYTES', bytes, '422'],
  ['name or hypothesis of an experiment', 'shared/domain/src/experiment.rs', 'MAX_TEXT', bytes, '422'],
  ['factors of an experiment', 'shared/domain/src/experiment.rs', 'MAX_FACTORS', plain, '422'],
  ['metrics of an experiment besides the primary one', 'shared/domain/src/experiment/metric.rs', 'MAX_METRICS', plain, '422'],
  ['content of a variant, as JSON', 'shared/domain/src/experiment.rs', 'MAX_PAYLOAD', bytes, '422'],
  ['variants or combinations of an experiment', 'shared/domain/src/experiment.rs', 'MAX_VARIANTS', plain, '422'],
  ['changes of a variant', 'shared/domain/src/experiment.rs', 'MAX_CHANGES', plain, '422'],
  ['visitors or days of a plan', 'shared/domain/src/statistics/plan.rs', 'MOST', plain, '422'],
  ['cost of a month', 'shared/domain/src/results.rs', 'MOST_COST', plain, '422'],
  ['currency for a dollar', 'shared/domain/src/results.rs', 'MOST_PER_DOLLAR', plain, '422'],
  ['a price of the cloud, in dollars', 'shared/domain/src/results/price.rs', 'MOST', plain, '422'],
  ['pages that prices of the cloud are from', 'shared/domain/src/results/price.rs', 'MAX_SOURCES', plain, '422'],
  ['text of prices of the cloud', 'shared/domain/src/results/price.rs', 'MAX_TEXT', bytes, '422'],
  ['states of a setting that its history tells, and settings of a kind that were removed', 'shared/store/src/settings/history.rs', 'HISTORY', plain, 'the newest, of 100 days'],
  ['visitors in the sample of a shop', 'shared/store/src/census.rs', 'SAMPLE', plain, 'chosen by lot'],
  ['changes of segments in a profile', 'shared/domain/src/segment/membership.rs', 'PASSAGES', plain, 'the newest stay'],
  ['last actions of a profile', 'shared/domain/src/profile.rs', 'ACTIONS', plain, 'the newest stay'],
  ['looks at a product among them', 'shared/domain/src/profile.rs', 'DWELLS', plain, 'the newest stay'],
  ['experiments that a profile remembers', 'shared/domain/src/experiment/part.rs', 'REMEMBERED', plain, 'those seen last stay'],
  ['devices of a customer', 'shared/domain/src/profile.rs', 'DEVICES', plain, 'those linked last stay'],
  ['traits of a profile', 'shared/domain/src/profile.rs', 'TRAITS', plain, 'left out'],
  ['a trait, as JSON', 'shared/domain/src/profile.rs', 'TRAIT', bytes, 'left out'],
  ['name of a trait, category or brand in a profile', 'shared/domain/src/profile.rs', 'NAME', bytes, 'left out'],
  ['affinities of a kind in a profile', 'shared/domain/src/profile/affinity.rs', 'AFFINITIES', plain, 'the strongest stay'],
  ['document in the table', 'shared/store/src/table.rs', 'MAX_DOCUMENT', (n) => `${plain(n)} bytes`, '413'],
];
// Rates and times, each written with the figures of the code or the template.
const RATES = () => {
  const limits = 'shared/runtime/src/limits.rs';
  const rate = (who) => [value(limits, new RegExp(`\\b${who}: Rate \\{ per_second: ([0-9_]+)`)), value(limits, new RegExp(`\\b${who}: Rate \\{ per_second: [0-9_]+, burst: ([0-9_]+)`))];
  const asked = ([second, burst]) => `${plain(second)} a second, ${plain(burst)} at once; in the cloud for each running copy of a function`;
  const limit = 'shared/http/src/limit.rs';
  const held = value(limit, /SIGN_IN: Rate = Rate \{ per_second: 1, burst: ([0-9_]+) \}/);
  const tries = (name) => [held / value(limit, name), value(limit, name)];
  const [here, anywhere, anybody] = ['TRY_HERE', 'TRY_ANYWHERE', 'TRY_ANYBODY'].map(tries);
  const template = 'infra/template.yaml';
  const throttled = (route) => throttle(route).join(' and ');
  const heavy = ['POST /v1/imports/{kind}', 'POST /v1/products/import', 'POST /v1/orders/import', 'POST /v1/customers/import', 'PUT /v1/vectors/{name}', 'PUT /v1/vectors/{name}/ids'];
  const same = new Set(heavy.map(throttled));
  if (same.size !== 1) throw new Error(`imports and vectors are throttled differently: ${[...same].join('; ')}`);
  const routes = fs.readFileSync(path.join(top, template), 'utf8').match(/ThrottlingRateLimit: [0-9]/g).length;
  if (routes !== heavy.length + 1) throw new Error(`the template throttles ${routes} routes: name them in tests/hostile/limits.mjs`);
  const api = (name) => plain(value(template, new RegExp(`\\n  ${name}:\\n    Type: Number\\n    Default: ([0-9]+)`)));
  const waits = (name) => value(template, new RegExp(`\\n  ${name}Integration:\\n(?:    .*\\n)*?      TimeoutInMillis: ([0-9]+)`)) / 1000;
  const [few, many] = [new Set(['Collect', 'Recommend'].map(waits)), new Set(['Catalog', 'Manage', 'Privacy'].map(waits))];
  if (few.size !== 1 || many.size !== 1) throw new Error(`the gateway waits ${[...few]} and ${[...many]} s: say which anew in tests/hostile/limits.mjs`);
  return [
    ['requests of one key', asked(rate('key')), '429 with Retry-After', `\`${limits}\``],
    ['events and questions of one visitor with a browser key', asked(rate('visitor')), '429 with Retry-After; in a batch of several visitors these events are refused', `\`${limits}\``],
    ['tries to sign in', `of a name from one address ${here[0]} at once and one in ${here[1]} s, of a name ${anywhere[0]} and one in ${anywhere[1]} s, from an address ${anybody[0]} and one in ${anybody[1]} s; in the cloud for each running copy of the function`, '429 with Retry-After', `\`${limit}\``],
    ['requests in the cloud', `${api('ApiRate')} a second, ${api('ApiBurst')} at once; imports and vectors ${[...same][0]}, trainings ${throttled('POST /v1/retrain')}`, '429 by the gateway', `\`${template}\``],
    ['time of a request in the cloud', `of events and lists ${[...few][0]} s, of others ${[...many][0]} s`, '503', `\`${template}\``],
  ];
};
// Limits that are a library's or the platform's, and no figure of ours: nothing here compares them.
const FIXED = [
  ['other JSON bodies', '2 MiB', '413', 'the default of axum'],
  ['nesting of JSON', '127', '400, or this event is refused', 'serde_json'],
  ['head of a request', '100 headers, 400 KiB; 64 KiB of address', '431 or 414, without a body', 'hyper; at the gateway 10 KiB'],
  ['body in the cloud', '6 MB', '413 by the gateway', 'AWS Lambda'],
  ['requests on one machine', 'as many as it can', 'they wait', 'the stack on one machine is no public server'],
];

/** What a route of the template may be asked: a second, and at once. */
function throttle(route) {
  const text = fs.readFileSync(path.join(top, 'infra/template.yaml'), 'utf8');
  const begins = text.indexOf(`'${route}': {`);
  const found = /^[^\n]*ThrottlingRateLimit: ([0-9]+), ThrottlingBurstLimit: ([0-9]+)/.exec(text.slice(begins));
  if (begins < 0 || !found) throw new Error(`the template does not throttle ${route} any more: name the limit anew in tests/hostile/limits.mjs`);
  return [Number(found[1]), Number(found[2])];
}

const TIMES = { SECOND: 1000, MINUTE: 60_000, HOUR: 3_600_000, DAY: 86_400_000 };

/** The number that a constant or a field of a default has in a file, or what stands where an expression catches it. */
function value(file, name) {
  const text = fs.readFileSync(path.join(top, file), 'utf8');
  const where = name instanceof RegExp ? name : new RegExp(`(?:const ${name}: [a-z0-9]+ = |\\n +${name}: )((?:[0-9]|${Object.keys(TIMES).join('|')})[0-9_.e <*A-Z]*)`);
  const found = where.exec(text)?.[1];
  if (!found) throw new Error(`${file} has no ${name} any more: name the limit anew in tests/hostile/limits.mjs`);
  return found.replaceAll('_', '').trim().split('*').reduce((product, factor) => {
    const [base, shift] = factor.split('<<').map((part) => TIMES[part.trim()] ?? Number(part));
    return product * base * (shift ? 2 ** shift : 1);
  }, 1);
}

export function table() {
  const rows = LIMITS.map(([what, file, name, show, beyond]) => `| ${what} | ${show(value(file, name))} | ${beyond} | \`${file}\` |`);
  rows.push(...[...RATES(), ...FIXED].map((row) => `| ${row.join(' | ')} |`));
  return ['| what | at most | beyond | where |', '|---|---|---|---|', ...rows].join('\n');
}

const BEGIN = '<!-- limits: made by tests/hostile/limits.mjs --write -->';
const END = '<!-- end of limits -->';
const document = path.join(top, 'SECURITY.md');

/** How many limits there are, whether SECURITY.md says the same as the code, and the constants of the code that nobody named. */
export function limits() {
  const text = fs.readFileSync(document, 'utf8');
  const named = LIMITS.map(([, file, name]) => `${file} ${name instanceof RegExp ? /"(\w+)"/.exec(name.source)[1] : name}`);
  return { count: LIMITS.length + RATES().length + FIXED.length, same: text.includes(`${BEGIN}\n${table()}\n${END}`), ...unnamed(top, new Set(named)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) {
    let text = fs.readFileSync(document, 'utf8');
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    const section = `${BEGIN}\n${table()}\n${END}`;
    text = begin < 0 ? `${text.trimEnd()}\n\n## Limits\n\n${section}\n` : text.slice(0, begin) + section + text.slice(end + END.length);
    fs.writeFileSync(document, text);
  }
  const { count, same, constants, open } = limits();
  console.log(same ? `${count} limits, as in the code` : 'SECURITY.md names other limits than the code: node tests/hostile/limits.mjs --write');
  for (const what of open) console.log(what);
  console.log(`${constants} constants of what reads input, ${open.length} of them open`);
  process.exit(same && !open.length ? 0 : 1);
}
