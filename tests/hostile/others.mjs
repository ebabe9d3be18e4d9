// Every operation of the description with keys that are not enough and with names that are somebody else's.

import { KINDS, SCOPES, anonymous, operations, suffices } from './operations.mjs';

const { all: OPERATIONS } = operations();

/** What a shop has besides products and visitors, each under a name that no other shop has, with the shop's mark in it. */
export async function furnish(shop, random) {
  const name = (what) => `${what}-${random.word(10)}`;
  const put = async (what, path, body) => {
    const id = name(what);
    await shop.ok(shop.server, 'PUT', `${path}${id}`, body);
    return id;
  };
  const hidden = { kind: 'hide', filter: 'price > 100000' };
  const things = {
    rule: await put('rule', '/v1/rules/', { name: `Rule of ${shop.mark}`, effect: hidden }),
    segment: await put('segment', '/v1/segments/', { name: `Segment of ${shop.mark}`, filter: 'orders > 1000' }),
    experiment: await put('test', '/v1/experiments/', {
      name: `Test of ${shop.mark}`, hypothesis: `Said by ${shop.mark}`, metrics: { primary: 'conversion' },
      design: { kind: 'variants', variants: [{ id: 'control' }, { id: 'other', changes: [{ kind: 'strategy', placement: 'home', strategy: 'trending' }] }] },
    }),
    placement: await put('place', '/v1/placements/', { strategy: 'personal', limit: 7 }),
    staff: await put('anna', '/v1/staff/', { role: 'viewer', password: `long-${random.word(20)}` }),
    vectors: name('own'),
  };
  await shop.ok(shop.server, 'PUT', `/v1/vectors/${things.vectors}`, `${JSON.stringify({ product_id: 'common-1', vector: [0.5, 1] })}\n`);
  const made = await shop.ok(shop.server, 'POST', '/v1/keys', { kind: 'server', label: `Key of ${shop.mark}`, scopes: ['view'] });
  things.key = made.id;
  shop.keys = {};
  for (const scope of SCOPES) shop.keys[scope] = (await shop.ok(shop.server, 'POST', '/v1/keys', { kind: 'server', label: scope, scopes: [scope] })).key;
  // Somebody whom no other shop knows, and somebody who was erased.
  things.solo = name('solo');
  const gone = name('gone');
  const looked = (userId) => ({ type: 'track', event: 'Product Viewed', userId, messageId: name('m'), properties: { product_id: 'common-2', note: shop.mark } });
  await shop.ok(shop.server, 'POST', '/v1/batch', { batch: [looked(things.solo), looked(gone)] });
  things.erasure = (await shop.ok(shop.server, 'DELETE', `/v1/visitors/u:${gone}`)).erasure_id;
  shop.things = things;
}

/** What became of it: to be the same when others have done what they could. */
export async function belongings(shop) {
  const { rule, segment, experiment, placement, staff, vectors, key, erasure, solo } = shop.things;
  const held = {};
  for (const path of [`/v1/rules/${rule}`, `/v1/segments/${segment}`, `/v1/experiments/${experiment}`, `/v1/staff/${staff}`, `/v1/erasures/${erasure}`, `/v1/jobs/${shop.job}`, '/v1/settings/privacy', '/v1/settings/training', '/v1/settings/hold-out', '/v1/settings/attribution']) {
    held[path] = await shop.ok(shop.server, 'GET', path);
  }
  const entry = async (path, id) => {
    const lists = Object.values(await shop.ok(shop.server, 'GET', path)).filter(Array.isArray).flat();
    held[`${path} ${id}`] = lists.find((one) => [one.id, one.name].includes(id));
  };
  await entry('/v1/placements', placement);
  await entry('/v1/vectors', vectors);
  await entry('/v1/keys', key);
  held.live = (await shop.ok(shop.server, 'GET', '/v1/models')).live ?? 'none';
  const known = await shop.ok(shop.server, 'GET', `/v1/visitors/u:${solo}/export`);
  held.solo = JSON.stringify(known).includes(shop.mark);
  for (const visitor of shop.visitors) held[visitor.product] = (await shop.ok(shop.server, 'GET', `/v1/products/${visitor.product}`)).title;
  return Object.fromEntries(Object.entries(held).map(([what, value]) => [what, JSON.stringify(value) ?? 'nothing']));
}

/** What is no longer as it was. */
export function changed(before, after) {
  return Object.keys(before).filter((what) => before[what] !== after[what] || before[what] === 'nothing');
}

/**
 * Every operation with no key, with the browser key, with one key for each scope, and with one that has them all, in a shop
 * that nothing else is asked of.
 */
export async function keys({ shop }) {
  const faults = [];
  let asked = 0;
  const held = { none: [], browser: ['events', 'read'], all: SCOPES };
  const presented = { none: 'no-key', browser: shop.browser, all: shop.server };
  for (const scope of SCOPES) [held[scope], presented[scope]] = [[scope], shop.keys[scope]];
  for (const operation of OPERATIONS.filter((one) => !one.open)) {
    for (const [name, scopes] of Object.entries(held)) {
      const body = operation.reads ? {} : undefined;
      const answer = await shop.call(presented[name], operation.method, anonymous(operation), body);
      asked++;
      const enough = name === 'browser' ? operation.alone || (operation.browser && suffices(operation, scopes)) : suffices(operation, scopes);
      const due = name === 'none' ? answer.status === 401 : enough ? answer.status !== 401 && answer.status !== 403 : answer.status === 403;
      if (!due) faults.push({ operation: operation.id, why: `${name === 'none' ? 'no key' : `a key with ${name}`} is ${enough ? '' : 'not '}enough, and the answer is ${answer.status}`, answer: answer.body?.toString('utf8').slice(0, 300) });
    }
  }
  return { asked, faults, operations: OPERATIONS.length };
}

/** What somebody else has of a kind. Places of lists and kinds of imports are everybody's. */
function named(kind, random, { shop, them, operation }) {
  const erases = operation.id === 'erase_visitor';
  return {
    visitor: () => (erases ? `u:${shop.things.solo}` : random.pick([them.user ?? `a:${them.device}`, `u:${shop.things.solo}`])),
    decision: () => them.decision, job: () => shop.job, key: () => shop.things.key, erasure: () => shop.things.erasure, product: () => them.product, rule: () => shop.things.rule,
    segment: () => shop.things.segment, experiment: () => shop.things.experiment, placement: () => shop.things.placement, model: () => shop.model ?? 'none', vectors: () => shop.things.vectors,
    staff: () => shop.things.staff, slot: () => random.pick(['home', 'feed', 'recently-viewed', shop.things.placement]), 'kind of import': () => 'products', 'kind of setting': () => random.pick(KINDS),
    setting: () => shop.things[operation.path.split('/')[2].replace(/s$/, '')],
  }[kind]();
}

const UNIQUE = ['decision', 'job', 'key', 'erasure', 'rule', 'segment', 'experiment', 'model', 'vectors', 'staff', 'setting', 'product'];
/** What is refused, in whatever way: what is wrong with the body may be said before what is wrong with the name. */
const REFUSED = [400, 404, 409, 410, 412, 415, 422, 428];

const address = (operation, random, ground) => operation.path.replace(/\{[^}]*\}/g, (word) => encodeURIComponent(named(operation.placed[word], random, { ...ground, operation })).replaceAll('%3A', ':'));

/** One operation with a key that is not enough: of the shop itself, with names of its own. */
export function too_small_a_key(random, { shop, other, me, them }) {
  const operation = random.pick(OPERATIONS.filter((one) => !one.open));
  const headers = [];
  const token = me.token && random.chance(0.5) ? random.pick([me.token, them.token ?? me.token]) : undefined;
  if (token) headers.push(['x-vitrine-user', token]);
  const path = address(operation, random, { shop, them });
  const body = operation.reads ? {} : undefined;
  const lacking = SCOPES.filter((scope) => !suffices(operation, [scope])).map((scope) => shop.keys[scope]);
  const browser = operation.browser || operation.alone ? [] : [shop.browser, shop.browser, shop.browser];
  const key = random.pick([undefined, ...browser, ...lacking]);
  return { operation: operation.id, key, holder: shop, method: operation.method, path, headers, body, expect: key ? [403, ...(token && token === them.token ? [401] : [])] : [401], sees: [] };
}

/** One operation with a key of another shop, which is enough there, and with names of this one. */
export function names_of_another_shop(random, { shop, other, them }) {
  const victim = them.shop === other ? shop : them.shop;
  const ground = { shop: victim, them: them.shop === victim ? them : random.pick(victim.visitors) };
  // What changes the other shop itself, under no name of this one, says nothing of this one.
  const operation = random.pick(OPERATIONS.filter((one) => !one.open && (one.method === 'GET' || Object.keys(one.placed).length || Object.keys(one.body).length)));
  const path = address(operation, random, ground);
  const kinds = Object.values(operation.placed);
  const asked = Object.entries(operation.query).map(([name, kind]) => [name, filled(kind, random, { ...ground, holder: other })]).filter(([, value]) => value !== undefined && random.chance(0.7));
  const query = asked.length ? `?${new URLSearchParams(asked)}` : '';
  const key = operation.browser && random.chance(0.5) ? other.browser : operation.alone ? other.browser : other.server;
  const unique = kinds.some((kind) => UNIQUE.includes(kind)) && operation.method !== 'PUT';
  return {
    operation: operation.id, key, holder: other, method: operation.method, path: path + query, body: body(operation, random, { ...ground, holder: other }),
    expect: unique ? REFUSED : [200, 201, 202, 204, ...REFUSED],
    // A server key tells of its own shop's visitors what it likes; a browser key of none whom it does not name.
    sees: key === other.server ? other.visitors : namesakes(other, ground.them),
    // What somebody else's receipt is worth.
    never: operation.id === 'check_receipt' ? '"genuine":true' : undefined,
  };
}

/** Devices have the same names in all shops; a device of that name may be asked for by every page of its shop. */
const namesakes = (other, them) => other.visitors.filter((one) => one.device === them.device && !one.user);

/** One operation that every page may call, in the name of another visitor of the shop and with a token of somebody else. */
export function in_the_name_of_another(random, { shop, other, me, them }) {
  const operation = random.pick(OPERATIONS.filter((one) => one.browser && !one.alone));
  const foreign = them.shop === shop ? them : random.pick(shop.visitors.filter((one) => one !== me));
  const ground = { shop, them: foreign, holder: shop };
  const who = random.pick(other.visitors.filter((one) => one.user));
  const tokens = [undefined, me.token, me.token && me.user === foreign.user ? undefined : me.token, who.token];
  const token = random.pick(tokens);
  const asked = Object.entries(operation.query).map(([name, kind]) => [name, filled(kind, random, ground)]).filter(([, value]) => value !== undefined);
  const sent = body(operation, random, ground);
  const names = [...asked.map(([name]) => name), ...Object.keys(sent ?? {})];
  const decides = Object.values(operation.placed).includes('decision');
  const known = foreign.user && names.includes('visitor_id');
  const path = address(operation, random, ground) + (asked.length ? `?${new URLSearchParams(asked)}` : '');
  let expect = decides || known ? [404, 410, 422] : [200, 404, 410, 422];
  if (token === who.token) expect = operation.scopes[0].includes('events') ? [200, 401] : [401];
  // A device may be asked for by every page of the shop; with it comes whoever the token names.
  const sees = names.includes('anonymous_id') ? [foreign, ...(token && token === me.token ? [me] : [])] : [];
  return { operation: operation.id, key: shop.browser, holder: shop, method: operation.method, path, headers: token ? [['x-vitrine-user', token]] : [], body: sent, expect, sees };
}

/** A value of a kind for a query or a body. */
function filled(kind, random, { shop, them, holder }) {
  return {
    visitor: () => them.user, device: () => (them.user ? undefined : them.device), cursor: () => (random.chance(0.3) ? them.cursor : undefined), 'browser key': () => holder.browser,
    product: () => 'common-1', erasure: () => shop.things.erasure, receipt: () => undefined, nothing: () => undefined,
  }[kind]?.();
}

/** A body in which everything that names somebody names them; what else an operation needs stands beside it. */
function body(operation, random, ground) {
  if (!operation.reads) return undefined;
  const kinds = Object.values(operation.body);
  if (operation.id === 'check_receipt') return ground.shop.receipt ?? {};
  // A few strangers stand for all: a customer has only so many devices.
  const event = () => ({ type: 'track', event: 'Seen', messageId: `m-${random.word(12)}`, anonymousId: `stranger-${random.below(4)}`, userId: ground.them.user ?? 'customer-1', ...(operation.body.previousId ? { previousId: `stranger-${random.below(4)}` } : {}) });
  if (kinds.includes('events')) return { batch: [{ ...event(), previousId: undefined }] };
  if (operation.body.messageId) return { ...event(), type: undefined };
  const sent = {};
  for (const [name, kind] of Object.entries(operation.body)) {
    const value = filled(kind, random, ground);
    if (value !== undefined) sent[name] = value;
  }
  if (kinds.includes('products')) sent.items = ['common-1', 'common-2'];
  if (kinds.includes('lists')) sent.placements = [{ placement: 'home' }, { placement: 'recently-viewed' }];
  return sent;
}
