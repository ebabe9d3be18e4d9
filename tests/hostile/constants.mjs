// The other way round: every numeric constant of what reads input is a limit of the table in SECURITY.md, or stands here with why it is none.

import fs from 'node:fs';
import path from 'node:path';

/** Where input is read. */
const SOURCES = ['functions/collect/src', 'functions/recommend/src', 'functions/catalog/src', 'functions/manage/src', 'functions/privacy/src', 'shared/domain/src', 'shared/http/src'];

/** [why, { file or folder: names, or all of them }] */
const EXCUSED = [
  ['memory of what was read, and how long it is trusted', {
    'functions/collect/src/agreed.rs': 'MEMORY',
    'functions/collect/src/links.rs': 'MEMORY TRUST',
    'functions/recommend/src/cell.rs': 'FRESH AHEAD',
    'functions/recommend/src/nearby.rs': 'WHOLE NOT_WHOLE KNOWN',
    'functions/recommend/src/shops.rs': 'OVERLAP MEMORY PINNED REFUSED MOMENT DOWNLOAD',
    'functions/recommend/src/settings.rs': 'MEMORY FIRST',
    'shared/http/src/auth.rs': 'TRUST MEMORY',
    'shared/http/src/consent.rs': 'TRUST MEMORY',
    'shared/http/src/limit.rs': 'WAYS KEYS VISITORS SIGN_INS PARTS',
  }],
  ['stands in the row on tries to sign in', { 'shared/http/src/limit.rs': 'TRY_HERE TRY_ANYWHERE TRY_ANYBODY' }],
  ['stands in the row on passwords', { 'shared/http/src/passwords.rs': 'MIN' }],
  ['how much is written at once', {
    'functions/collect/src/write.rs': 'CONCURRENCY MOST',
    'functions/catalog/src/load.rs': 'BATCH WAITING CONCURRENCY',
    'functions/privacy/src/fresh.rs': 'PARALLEL',
  }],
  ['how much is read at once; what is left comes with the next reading', {
    'functions/catalog/src/import/input.rs': 'HEAD SLACK',
    'functions/catalog/src/import/parquet.rs': 'BATCH',
    'functions/privacy/src/export.rs': 'READ',
    'functions/privacy/src/fresh.rs': 'EVENTS',
    'functions/recommend/src/past.rs': 'READINGS',
  }],
  ['a page each of a list that is followed back, more than a list has', { 'functions/recommend/src/replay.rs': 'MOST_PAGES' }],
  ['pauses and tries of calls', {
    'functions/recommend/src/breaker.rs': 'FAILURES PAUSE',
    'functions/recommend/src/open.rs': 'PATIENCE',
    'functions/manage/src/console/rules/preview.rs': 'TRIES',
    'shared/http/src/traces.rs': 'PAUSE',
  }],
  ['when a mark is written, and what is no wrong clock', { 'functions/collect/src/timing.rs': 'EDGE NOISE' }],
  ['length of a head that is fixed', {
    'functions/collect/src/body.rs': 'GZIP',
    'functions/recommend/src/finish.rs': 'KEY',
    'shared/domain/src/consent/tcf.rs': 'BYTES LETTERS CONSENT INTEREST',
  }],
  ['what was shown lately, for the ranking', { 'functions/recommend/src/ground.rs': 'REMEMBERED LOOKED_AT' }],
  ['counted of each product, of which the most frequent is taken', { 'functions/catalog/src/import/derived.rs': 'DESCRIPTIONS PRICES' }],
  ['what a row weighs, and names of rows that came too late', { 'functions/catalog/src/import/window.rs': 'REMEMBERED OVERHEAD' }],
  ['taken where nobody says another one', {
    'functions/recommend/src/explained.rs': 'USUAL',
    'functions/manage/src/results.rs': 'USUAL',
    'functions/manage/src/keys.rs': 'HOURS',
    'functions/privacy/src/counts.rs': 'DAYS',
    'functions/manage/src/console/experiments/create.rs': 'FLOOR HALF_LIFE CONVERSION LATELY',
    'functions/manage/src/console/experiments/form.rs': 'VISITORS',
    'functions/manage/src/console/segments/builder.rs': 'DAYS',
  }],
  ['declared of each kind of setting, whose limit has a row', { 'functions/manage/src/keep.rs': 'MOST' }],
  ['what a page of the console shows; the API has the limit', {
    'functions/manage/src/console/chart.rs': 'WIDTH HEIGHT',
    'functions/manage/src/console/client.rs': 'ADDRESS',
    'functions/manage/src/console/products.rs': 'DEPTH',
    'functions/manage/src/console/visitors.rs': 'SHOWN',
    'functions/manage/src/console/experiments/draft.rs': 'MOST',
    'functions/manage/src/console/experiments/form.rs': 'GUARDRAILS',
    'functions/manage/src/console/rules/order.rs': 'STEP',
  }],
  ['a promise of the receipt', { 'functions/privacy/src/erase.rs': 'SCRUBBED LEFT' }],
  ['the shortest that counts', { 'shared/domain/src/event.rs': 'MIN_DWELL_MS' }],
  ['what an error may tell of a name', { 'shared/domain/src/fault.rs': 'LONGEST_WORD' }],
  ['largest whole number that is exact', { 'shared/domain/src/filter.rs': 'EXACT' }],
  ['what of a profile is meant', { 'shared/domain/src/filter/subjects.rs': 'FAVOURITES' }],
  ['of each kind in a profile; what is older is in sums', {
    'shared/domain/src/profile/behaviour.rs': 'VISITS TRADES TRAIL REDUCED SHORTEST_BRAND',
    'shared/domain/src/profile/older.rs': 'KEPT BY_DAY WEEK OLDER',
  }],
  ['what the fold itself keeps and reckons with', { 'shared/domain/src/profile.rs': 'LATEST VISIT_GAP SUM', 'shared/domain/src/profile/affinity.rs': 'AFFINITY_HALF_LIFE', 'shared/domain/src/experiment.rs': 'USUAL_PLAN' }],
  ['keeps a decision id short', { 'shared/domain/src/experiment/part.rs': 'CARRIED' }],
  ['arithmetic on what was taken', {
    'shared/domain/src/statistics': 'all',
    'shared/domain/src/clusters': 'all',
    'shared/domain/src/clusters.rs': 'all',
    'shared/domain/src/alike.rs': 'SIZES FEWEST MOST UNIT',
    'shared/domain/src/robot.rs': 'all',
    'shared/domain/src/time.rs': 'all',
    'shared/domain/src/experiment/metric.rs': 'SCATTER ADDS',
    'shared/domain/src/results.rs': 'WINDOWS MONTH',
    'shared/domain/src/results/hold_out.rs': 'all',
    'shared/domain/src/results/trial.rs': 'all',
    'shared/domain/src/rule/conflict.rs': 'ROUNDING',
  }],
];

/** Constants of a source text, without those of its tests: names of numbers, and fields of the defaults of an import. */
function names(file, text) {
  const code = text.split(/#\[cfg\(test\)\]\s+mod /)[0];
  const found = [...code.matchAll(/\bconst ([A-Z0-9_]+): \[?(?:usize|[iu](?:8|16|32|64)|f32|f64)(?:; \d+\])? = ([^;]+);/g)].filter(([, , is]) => !/^MAX_[A-Z]+$/.test(is)).map(([, name]) => name);
  if (file.endsWith('import/options.rs')) found.push(...[...code.matchAll(/\n {12}(\w+): [0-9][0-9_ <]*,/g)].map(([, name]) => name));
  if (file === 'shared/domain/src/id.rs') found.push(...[...code.matchAll(/"(\w+)", [0-9_]+,/g)].map(([, name]) => name));
  return found;
}

/** How many constants there are, and a sentence for each that is neither in `named` nor excused, and for each excuse without one. */
export function unnamed(top, named) {
  const files = SOURCES.flatMap((folder) => fs.readdirSync(path.join(top, folder), { recursive: true }).map((name) => `${folder}/${name}`))
    .filter((file) => file.endsWith('.rs') && !/\/tests(\/|\.rs$)/.test(file));
  const all = files.flatMap((file) => names(file, fs.readFileSync(path.join(top, file), 'utf8')).map((name) => ({ file, name })));
  const excused = new Set();
  const excuses = EXCUSED.flatMap(([, places]) => Object.entries(places)).flatMap(([where, which]) => which.split(' ').map((name) => ({ where, name })));
  const isExcused = ({ file, name }) => {
    const fits = excuses.filter((one) => (file === one.where || file.startsWith(`${one.where}/`)) && [name, 'all'].includes(one.name));
    for (const one of fits) excused.add(one);
    return fits.length > 0;
  };
  const open = all.filter((one) => !named.has(`${one.file} ${one.name}`) && !isExcused(one))
    .map(({ file, name }) => `${file} has ${name}: name it in tests/hostile/limits.mjs, or say in tests/hostile/constants.mjs why it is no limit`);
  const idle = excuses.filter((one) => !excused.has(one)).map(({ where, name }) => `${where} has no ${name} any more that tests/hostile/constants.mjs could excuse`);
  return { constants: all.length, open: [...open, ...idle] };
}
