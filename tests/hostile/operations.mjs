// The API as its description has it (functions/manage/openapi.json, which a test compares with what is served): which key each
// operation needs, and what its parameters and its body name. What is not known here fails the run: a new operation
// cannot stay outside of the test.

import fs from 'node:fs';

const DESCRIPTION = new URL('../../functions/manage/openapi.json', import.meta.url);

export const SCOPES = ['events', 'read', 'catalogue', 'view', 'manage', 'privacy', 'keys'];

/** What needs no key, and why. */
const OPEN = {
  health: 'tells the version alone',
  openapi: 'the description itself',
  metrics: 'taken and not kept: an SDK sends it without a key',
  post_session: 'a name and a password stand in the body',
  settings: 'the browser key stands in the address',
};

/** What a browser key may and a server key may not: it would stand in a page. */
const BROWSER_ALONE = ['source_config'];

/** What the part of an address behind a word names. */
const BEHIND = {
  visitors: 'visitor', decisions: 'decision', jobs: 'job', keys: 'key', erasures: 'erasure', products: 'product', rules: 'rule', segments: 'segment', experiments: 'experiment',
  placements: 'placement', models: 'model', vectors: 'vectors', staff: 'staff', recommendations: 'slot', imports: 'kind of import', removed: 'kind of setting', projects: 'browser key',
};

/** What members of queries, headers and bodies name; `nothing` is what means the same to everybody. */
const MEMBERS = {
  visitor_id: 'visitor', anonymous_id: 'device', userId: 'visitor', anonymousId: 'device', previousId: 'device', cursor: 'cursor', writeKey: 'browser key', key: 'browser key',
  erasure_id: 'erasure', product_id: 'product', items: 'products', batch: 'events', placements: 'lists', signature: 'receipt',
  // Of a setting, the one of its address; of an event, its own; of a session, a person with a password.
  id: 'nothing', messageId: 'nothing', name: 'nothing', visitors_per_day: 'nothing', million_decisions: 'nothing', history: 'nothing',
};
/** Members that could name somebody or something, by how they are called. */
const COULD_NAME = /id$|ids$|key|token|visitor|user|device|cursor|receipt|signature|decision|session/i;
/** Parameters of queries and headers that do not, whatever they are called. */
const PARAMETERS = ['format', 'filename', 'complete', 'with_products', 'currency', 'site', 'dates', 'from', 'to', 'category', 'q', 'filter', 'facets', 'limit', 'language', 'audience', 'basket', 'revision', 'ids', 'of', 'last', 'sort', 'If-Match',
  // Where a visitor's decisions or export go on; the visitor stands in the address.
  'before', 'after'];
/** The kinds of settings that have a history under one address. */
export const KINDS = ['rules', 'segments', 'experiments', 'placements'];

/** All operations, and a sentence for each that is not known well enough to be tested. */
export function operations() {
  const document = JSON.parse(fs.readFileSync(DESCRIPTION, 'utf8'));
  const unknown = [];
  const all = [];
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (method === 'parameters') continue;
      const read = one(document, method.toUpperCase(), path, operation);
      unknown.push(...read.unknown);
      for (const address of path.includes('/{kind}/{id}') ? KINDS.map((kind) => path.replace('{kind}', kind)) : [path]) all.push({ ...read, path: address });
    }
  }
  return { all, unknown, described: Object.values(document.paths).flatMap((methods) => Object.keys(methods)).filter((name) => name !== 'parameters').length };
}

function one(document, method, path, operation) {
  const unknown = [];
  const id = operation.operationId ?? `${method} ${path}`;
  const say = (what) => unknown.push(`${method} ${path}: ${what}; say in tests/hostile/operations.mjs what it is`);
  const security = operation.security;
  if (!security) say('the description does not say which key and scope it needs');
  const open = security?.some((way) => Object.keys(way).length === 0);
  if (open && !OPEN[id]) say('it needs no key, and nobody said why');
  const scopes = [...new Set((security ?? []).map((way) => JSON.stringify(way.basic)).filter(Boolean))].map((text) => JSON.parse(text));
  for (const scope of scopes.flat()) if (!SCOPES.includes(scope)) say(`there is no scope "${scope}"`);
  if (!open && !scopes.length) say('the description names no scope');
  const browser = security?.some((way) => way.query);

  const placed = {};
  const words = path.split('/');
  words.forEach((word, at) => {
    if (!word.startsWith('{')) return;
    const before = words[at - 1] === '{kind}' ? 'kind' : words[at - 1];
    if (words[at] === '{kind}' && before === 'v1') return;
    placed[word] = before === 'kind' ? 'setting' : BEHIND[before];
    if (!placed[word]) say(`nobody knows what ${word} names`);
  });
  const query = {};
  for (const { name, in: where } of operation.parameters ?? []) {
    if (where === 'path') {
      if (!path.includes(`{${name}}`)) say(`the parameter "${name}" of its address is not in the address`);
    } else if (MEMBERS[name]) query[name] = MEMBERS[name];
    else if (!PARAMETERS.includes(name)) say(`nobody knows whether its parameter "${name}" names somebody`);
  }
  const body = {};
  const content = Object.values(operation.requestBody?.content ?? {})[0];
  for (const name of members(document, content?.schema ?? {})) {
    if (MEMBERS[name]) body[name] = MEMBERS[name];
    else if (COULD_NAME.test(name)) say(`nobody knows whether the member "${name}" of its body names somebody`);
  }
  return { method, path, id, open: Boolean(open), browser: Boolean(browser), alone: BROWSER_ALONE.includes(id), scopes, placed, query, body, reads: Boolean(content), unknown };
}

/** Names of the members of a body, of all shapes that it can have. */
function members(document, schema, seen = new Set()) {
  if (schema.$ref) {
    if (seen.has(schema.$ref)) return [];
    return members(document, document.components.schemas[schema.$ref.split('/').at(-1)], new Set([...seen, schema.$ref]));
  }
  const parts = [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])];
  return [...new Set([...Object.keys(schema.properties ?? {}), ...parts.flatMap((part) => members(document, part, seen))])];
}

/** Whether a server key with these scopes is enough. */
export function suffices(operation, scopes) {
  const has = (scope) => scopes.includes(scope) || (scope === 'view' && scopes.includes('manage'));
  return !operation.alone && operation.scopes.some((needed) => needed.every(has));
}

/** An address with names in it that nobody has. */
export function anonymous(operation) {
  return operation.path.replace(/\{[^}]*\}/g, 'nothing-of-that-name');
}
