// The table of all limits in SECURITY.md, held against the constants of the code.
//
//   node limits.mjs            fails if a limit of the table is not the code's
//   node limits.mjs --write    writes the table anew

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const top = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

// [what, where, name of the constant or field, how it is shown, what happens beyond]
const bytes = (n) => (n >= 1 << 30 && n % (1 << 30) === 0 ? `${n >> 30 || n / (1 << 30)} GiB` : n >= 1 << 20 && n % (1 << 20) === 0 ? `${n / (1 << 20)} MiB` : n % 1024 === 0 ? `${n / 1024} KiB` : `${n} bytes`);
const plain = (n) => n.toLocaleString('en');
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
  ['conditions of a filter', 'shared/domain/src/filter.rs', 'MAX_CONDITIONS', plain, '422'],
  ['nesting of a filter', 'shared/domain/src/filter.rs', 'MAX_DEPTH', plain, '422'],
  ['text of a filter', 'shared/domain/src/filter/parse.rs', 'MAX_TEXT', bytes, '422'],
  ['products of a list', 'shared/domain/src/placement.rs', 'MAX_LIMIT', plain, '422'],
  ['products of an endless list', 'functions/recommend/src/cursor.rs', 'MOST', plain, 'the list ends'],
  ['lists of a page', 'functions/recommend/src/ask.rs', 'MAX_LISTS', plain, '422'],
  ['products to rank', 'functions/recommend/src/ask.rs', 'MAX_RANKED', plain, '422'],
  ['basket', 'functions/recommend/src/ask.rs', 'MAX_BASKET', plain, '422'],
  ['entries of a history that is sent', 'functions/recommend/src/ask/history.rs', 'MAX_HISTORY', plain, '422'],
  ['products of a page of the catalogue', 'functions/recommend/src/browse.rs', 'MAX_LIMIT', plain, '422'],
  ['cursor or decision id', 'shared/runtime/src/seal.rs', 'MAX', bytes, '404 or 422'],
  ['API key', 'shared/http/src/auth.rs', 'MAX_KEY', bytes, '401'],
  ['keys of a shop', 'shared/store/src/api_keys/entry.rs', 'MAX_KEYS', plain, '422'],
  ['staff of a shop', 'shared/store/src/staff.rs', 'MAX_STAFF', plain, '422'],
  ['name of one of the staff', 'shared/store/src/staff.rs', 'MAX_NAME', bytes, '422'],
  ['password, at least 12 characters', 'shared/http/src/passwords.rs', 'MAX', bytes, '422'],
  ['sessions of one of the staff', 'shared/store/src/api_keys/session.rs', 'MAX_SESSIONS', plain, 'the oldest ends'],
  ['form of the console', 'functions/manage/src/console/fields.rs', 'MAX', bytes, '413'],
  ['body of products', 'functions/catalog/src/products.rs', 'MAX_BODY', bytes, '413'],
  ['body of own vectors, on one machine', 'functions/manage/src/vectors.rs', 'MAX_BODY', bytes, '413'],
  ['sets of own vectors', 'functions/manage/src/vectors.rs', 'MAX_SETS', plain, '422'],
  ['uploaded file, on one machine', 'infra/local/src/uploads.rs', 'MAX_UPLOAD', bytes, '413'],
  ['imported file, after inflation', 'functions/catalog/src/import/options.rs', 'input_bytes', bytes, '422'],
  ['rows of an imported file', 'functions/catalog/src/import/options.rs', 'rows', plain, '422'],
  ['row of an imported file', 'functions/catalog/src/import/options.rs', 'row_bytes', bytes, '422'],
  ['columns of an imported table', 'functions/catalog/src/import/options.rs', 'columns', plain, '422'],
  ['Parquet file that comes as a stream', 'functions/catalog/src/import/options.rs', 'kept_bytes', bytes, '422'],
  ['levels around an item of an XML feed', 'functions/catalog/src/import/xml.rs', 'DEPTH', plain, 'not looked at'],
  ['variants of a product', 'functions/catalog/src/import/options.rs', 'variants', plain, 'left out'],
  ['lines of an order', 'functions/catalog/src/import/options.rs', 'order_lines', plain, 'the row is refused'],
  ['attributes of a product', 'functions/catalog/src/import/attributes.rs', 'COUNT', plain, 'left out'],
  ['refused rows that a report describes', 'functions/catalog/src/import/report.rs', 'DESCRIBED', plain, 'counted'],
  ['placements of a shop, besides those as shipped', 'functions/manage/src/placements.rs', 'MAX_PLACEMENTS', plain, '422'],
  ['rules of a shop', 'shared/domain/src/rule.rs', 'MAX_RULES', plain, '422'],
  ['what a rule names', 'shared/domain/src/rule.rs', 'MAX_NAMED', plain, '422'],
  ['segments of a shop, the shipped ones among them', 'shared/domain/src/segment.rs', 'MAX_SEGMENTS', plain, '422'],
  ['experiments of a shop, those that are over among them', 'shared/domain/src/experiment.rs', 'MAX_EXPERIMENTS', plain, '422'],
  ['an experiment', 'shared/domain/src/experiment.rs', 'MAX_BYTES', bytes, '422'],
  ['variants or combinations of an experiment', 'shared/domain/src/experiment.rs', 'MAX_VARIANTS', plain, '422'],
  ['changes of a variant', 'shared/domain/src/experiment.rs', 'MAX_CHANGES', plain, '422'],
  ['states of a setting that its history tells', 'shared/store/src/settings/history.rs', 'HISTORY', plain, 'the newest, of 100 days'],
  ['visitors in the sample of a shop', 'shared/store/src/census.rs', 'SAMPLE', plain, 'chosen by lot'],
  ['changes of segments in a profile', 'shared/domain/src/segment/membership.rs', 'PASSAGES', plain, 'the newest stay'],
  ['last actions of a profile', 'shared/domain/src/profile.rs', 'ACTIONS', plain, 'the newest stay'],
  ['devices of a customer', 'shared/domain/src/profile.rs', 'DEVICES', plain, 'those linked last stay'],
  ['traits of a profile', 'shared/domain/src/profile.rs', 'TRAITS', plain, 'left out'],
  ['document in the table', 'shared/store/src/table.rs', 'MAX_DOCUMENT', (n) => `${plain(n)} bytes`, '413'],
];
// Limits that are a library's or the platform's, and no constant of ours.
const FIXED = [
  ['other JSON bodies', '2 MiB', '413', 'the default of axum'],
  ['nesting of JSON', '127', '400, or this event is refused', 'serde_json'],
  ['head of a request', '100 headers, 400 KiB; 64 KiB of address', '431 or 414, without a body', 'hyper; at the gateway 10 KiB'],
  ['body in the cloud', '6 MB', '413 by the gateway', 'AWS Lambda'],
  ['requests of one key', '5,000 a second, 10,000 at once; in the cloud for each running copy of a function', '429 with Retry-After', '`shared/runtime/src/limits.rs`'],
  ['events and questions of one visitor with a browser key', '50 a second, 1,000 at once; in the cloud for each running copy of a function', '429 with Retry-After; in a batch of several visitors these events are refused', '`shared/runtime/src/limits.rs`'],
  ['tries to sign in', 'of a name from one address 10 at once and one in 30 s, of a name 100 and one in 3 s, from an address 60 and one in 5 s; in the cloud for each running copy of the function', '429 with Retry-After', '`shared/http/src/limit.rs`'],
  ['requests in the cloud', '2,000 a second, 1,000 at once; imports and vectors 5 and 10, trainings 1 and 5', '429 by the gateway', '`infra/template.yaml`'],
  ['requests on one machine', 'as many as it can', 'they wait', 'the stack on one machine is no public server'],
  ['time of a request in the cloud', '29 s', '503', '`shared/runtime/src/deadlines.rs`'],
];

/** The number that a constant or a field of a default has in a file. */
function value(file, name) {
  const text = fs.readFileSync(path.join(top, file), 'utf8');
  const found = new RegExp(`(?:const ${name}: [a-z0-9]+ = |\\n +${name}: )([0-9][0-9_ <*]*)`).exec(text)?.[1];
  if (!found) throw new Error(`${file} has no ${name} any more: name the limit anew in tests/hostile/limits.mjs`);
  return found.replaceAll('_', '').trim().split('*').reduce((product, factor) => {
    const [base, shift] = factor.split('<<').map((part) => Number(part.trim()));
    return product * base * (shift ? 2 ** shift : 1);
  }, 1);
}

export function table() {
  const rows = LIMITS.map(([what, file, name, show, beyond]) => `| ${what} | ${show(value(file, name))} | ${beyond} | \`${file}\` |`);
  rows.push(...FIXED.map((row) => `| ${row.join(' | ')} |`));
  return ['| what | at most | beyond | where |', '|---|---|---|---|', ...rows].join('\n');
}

const BEGIN = '<!-- limits: made by tests/hostile/limits.mjs --write -->';
const END = '<!-- end of limits -->';
const document = path.join(top, 'SECURITY.md');

/** How many limits there are, and whether SECURITY.md says the same as the code. */
export function limits() {
  const text = fs.readFileSync(document, 'utf8');
  return { count: LIMITS.length + FIXED.length, same: text.includes(`${BEGIN}\n${table()}\n${END}`) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--write')) {
    let text = fs.readFileSync(document, 'utf8');
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    const section = `${BEGIN}\n${table()}\n${END}`;
    text = begin < 0 ? `${text.trimEnd()}\n\n## Limits\n\n${section}\n` : text.slice(0, begin) + section + text.slice(end + END.length);
    fs.writeFileSync(document, text);
  }
  const { count, same } = limits();
  console.log(same ? `${count} limits, as in the code` : 'SECURITY.md names other limits than the code: node tests/hostile/limits.mjs --write');
  process.exit(same ? 0 : 1);
}
