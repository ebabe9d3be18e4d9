// Who may see what: shops and visitors with marked histories, everybody's keys and tokens at every address, and tokens
// that nobody signed.

import { createHmac } from 'node:crypto';

import { furnish, in_the_name_of_another, names_of_another_shop, too_small_a_key } from './others.mjs';
import { Random } from './random.mjs';
import { Connection, basic, json } from './wire.mjs';

const hmac = (key, text, encoding) => createHmac('sha256', key).update(text).digest(encoding);

/** A user token as the shop's own server signs it; see shared/http/src/auth.rs. */
export function token(serverKey, user, expiry) {
  const id = hmac(serverKey, 'vitrine user token id', 'hex').slice(0, 16);
  const signed = `v1.${id}.${Buffer.from(user).toString('base64url')}.${expiry}`;
  return `${signed}.${hmac(hmac(serverKey, 'vitrine user token key'), signed, 'base64url')}`;
}

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

/** Shops in which every visitor has a past that carries their mark, and no two marks are alike. */
export class Town {
  static async settle(stack, seed, { shops = 3, visitors = 8 } = {}) {
    const town = new Town();
    const random = new Random(seed, 0x70);
    town.shops = [];
    for (let s = 0; s < shops; s++) {
      const shop = stack.shop(`town-${s}`);
      shop.mark = `shopmark${s}${random.word(8)}`;
      const products = [];
      shop.visitors = Array.from({ length: visitors }, (_, v) => ({ shop, mark: `visitormark${s}x${v}${random.word(8)}` }));
      for (const visitor of shop.visitors) {
        // The same identifiers in every shop, so that only the shop tells them apart.
        const v = shop.visitors.indexOf(visitor);
        Object.assign(visitor, { user: v % 2 ? `customer-${v}` : undefined, device: `device-${v}`, product: `only-${visitor.mark}` });
        products.push({ id: visitor.product, title: `Of ${visitor.mark}`, category: ['All', `Kind ${v}`], brand: 'Acme', price: 2 + v, currency: 'EUR' });
      }
      for (let i = 0; i < 30; i++) products.push({ id: `common-${i}`, title: `${shop.mark} ${i}`, category: ['All', `Kind ${i % 5}`], brand: `Brand ${i % 3}`, price: 1 + i, currency: 'EUR' });
      await shop.ok(shop.server, 'PUT', '/v1/products', products);
      for (const visitor of shop.visitors) await live(shop, visitor, random);
      await furnish(shop, random);
      town.shops.push(shop);
    }
    // Two of the shops have a model, one has none: both ways of answering are asked.
    for (const shop of town.shops.slice(0, -1)) {
      await shop.retrain();
      shop.model = (await shop.ok(shop.server, 'GET', '/v1/models')).live;
      shop.receipt = await shop.ok(shop.server, 'GET', `/v1/erasures/${shop.things.erasure}`);
    }
    for (const shop of town.shops) {
      for (const visitor of shop.visitors) {
        const who = visitor.user ?? `a:${visitor.device}`;
        await shop.eventually(`/v1/visitors/${who}`, (held) => JSON.stringify(held).includes(visitor.mark));
        const asked = visitor.user ? { visitor_id: visitor.user } : { anonymous_id: visitor.device };
        visitor.decision = (await shop.ok(shop.server, 'POST', '/v1/recommendations/home', asked)).decision_id;
        visitor.cursor = (await shop.ok(shop.server, 'POST', '/v1/recommendations/feed', { ...asked, limit: 3 })).cursor;
        visitor.token = visitor.user && token(shop.server, visitor.user, inAnHour());
      }
      shop.job = (await shop.ok(shop.server, 'POST', '/v1/imports/products')).job_id;
    }
    return town;
  }

  /** Who asks, and for whom: one call of the matrix by its number. */
  call(seed, number) {
    const random = new Random(seed, number);
    const shop = random.pick(this.shops);
    const other = random.pick(this.shops.filter((one) => one !== shop));
    const me = random.pick(shop.visitors);
    const them = random.pick([...shop.visitors.filter((one) => one !== me), ...other.visitors]);
    const route = random.pick(random.chance(0.5) ? ROUTES : DERIVED);
    return { number, shop, me, them, name: route.name, ...route(random, { shop, other, me, them }) };
  }
}

async function live(shop, visitor, random) {
  const who = { anonymousId: visitor.device, ...(visitor.user ? { userId: visitor.user } : {}) };
  const id = () => `${visitor.mark}-${random.word(10)}`;
  const events = [];
  if (visitor.user) events.push({ type: 'identify', ...who, messageId: id(), traits: { note: visitor.mark, email: `${visitor.mark}@mail.example` } });
  for (let i = 0; i < 3; i++) events.push({ type: 'track', event: 'Product Viewed', ...who, messageId: id(), properties: { product_id: visitor.product, note: visitor.mark } });
  for (let i = 0; i < 5; i++) events.push({ type: 'track', event: 'Product Viewed', ...who, messageId: id(), properties: { product_id: `common-${random.below(30)}` } });
  events.push({ type: 'track', event: 'Order Completed', ...who, messageId: id(), properties: { order_id: `order-${visitor.mark}`, total: 9, currency: 'EUR', coupon: visitor.mark, products: [{ product_id: visitor.product, price: 9, quantity: 1 }] } });
  if (!visitor.user) events.push({ type: 'identify', ...who, messageId: id(), traits: { note: visitor.mark } });
  await shop.ok(shop.server, 'POST', '/v1/batch', { batch: events });
}

const PLACEMENTS = ['home', 'feed', 'recently-viewed', 'product-similar', 'product-bought-together', 'basket', 'trending', 'category'];
const asks = (placement, body, headers) => ({ method: 'POST', path: `/v1/recommendations/${placement}`, body, headers });
const mine = (me) => (me.user ? { visitor_id: me.user } : { anonymous_id: me.device });
const signed = (value) => ['x-vitrine-user', value];

/**
 * Each gives a call, `expect`: the statuses that are right, and `sees`: whose past may be in the answer. An answer names
 * products of its shop to everybody: what is not for others is in `reasons`, and which products somebody looked at.
 */
const ROUTES = [
  function own_device(random, { shop, me }) {
    const device = shop.visitors.filter((one) => !one.user);
    const one = me.user ? random.pick(device) : me;
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { anonymous_id: one.device, limit: 10 }), expect: [200], sees: [one] };
  },
  function own_token(random, { shop, me }) {
    const one = me.user ? me : random.pick(shop.visitors.filter((other) => other.user));
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { visitor_id: one.user, limit: 10 }, [signed(one.token)]), expect: [200], sees: [one] };
  },
  function somebody_without_token(random, { shop, other, them }) {
    const user = them.user ?? random.pick(other.visitors.filter((one) => one.user)).user;
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { visitor_id: user }), expect: [404], sees: [] };
  },
  function somebody_with_my_token(random, { shop, me }) {
    const [a, b] = [me, ...shop.visitors].filter((one) => one.user).slice(0, 2);
    const them = a === b ? shop.visitors.filter((one) => one.user && one !== a)[0] : b;
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { visitor_id: them.user }, [signed(a.token)]), expect: [404], sees: [] };
  },
  function token_of_the_other_shop(random, { shop, other }) {
    const one = random.pick(other.visitors.filter((visitor) => visitor.user));
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { visitor_id: one.user }, [signed(one.token)]), expect: [401], sees: [] };
  },
  function server_key_of_the_other_shop(random, { shop, other, me }) {
    const who = encodeURIComponent(me.user ?? `a:${me.device}`);
    // The other shop has a visitor of that very name: it is that one who is told of.
    const namesake = other.visitors[shop.visitors.indexOf(me)];
    return { key: other.server, method: 'GET', path: `/v1/visitors/${who}`, expect: [200], sees: [namesake] };
  },
  function profile_with_the_browser_key(random, { shop, them }) {
    return { key: shop.browser, method: 'GET', path: `/v1/visitors/${them.user ?? `a:${them.device}`}`, headers: them.token ? [signed(them.token)] : [], expect: [403], sees: [] };
  },
  function profile_with_the_server_key(random, { shop, me }) {
    return { key: shop.server, method: 'GET', path: `/v1/visitors/${me.user ?? `a:${me.device}`}`, expect: [200], sees: [me] };
  },
  function a_visitor_who_is_not(random, { shop }) {
    return { key: shop.server, method: 'GET', path: `/v1/visitors/nobody-${random.word(6)}`, expect: [404], sees: [] };
  },
  function decision_of_somebody(random, { shop, me, them }) {
    const headers = me.token ? [signed(me.token)] : [];
    return { key: shop.browser, method: 'GET', path: `/v1/decisions/${them.decision}`, headers, expect: [404], sees: [] };
  },
  function decision_of_my_own(random, { shop, me }) {
    if (!me.user) return { key: shop.browser, method: 'GET', path: `/v1/decisions/${me.decision}`, expect: [404], sees: [] };
    return { key: shop.browser, method: 'GET', path: `/v1/decisions/${me.decision}`, headers: [signed(me.token)], expect: [200], sees: [me] };
  },
  function decision_of_the_other_shop(random, { shop, other }) {
    const one = random.pick(other.visitors);
    const [method, path] = random.pick([['GET', `/v1/decisions/${one.decision}`], ['POST', `/v1/decisions/${one.decision}/replay`]]);
    return { key: shop.server, method, path, expect: [404], sees: [] };
  },
  function pages_of_the_other_shop(random, { shop, other, me }) {
    const one = random.pick(other.visitors);
    const who = me.user ? `u:${me.user}` : `a:${me.device}`;
    return { key: shop.server, method: 'GET', path: `/v1/visitors/${who}/decisions?before=${one.decision}`, expect: [422], sees: [] };
  },
  function cursor_of_the_other_shop(random, { shop, other }) {
    const one = random.pick(other.visitors);
    return { key: shop.browser, ...asks('feed', { cursor: one.cursor ?? 'none', limit: 3 }), expect: [410, 422], sees: [] };
  },
  function history_without_a_name(random, { shop, me }) {
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { history: [{ product_id: me.product, action: 'view', timestamp: Date.now() - 1000 }] }), expect: [200], sees: [me] };
  },
  function nobody(random, { shop }) {
    return { key: shop.browser, ...asks(random.pick(PLACEMENTS), { limit: 10 }), expect: [200], sees: [] };
  },
  function whole_page(random, { shop, me }) {
    return { key: shop.server, method: 'POST', path: '/v1/recommendations', body: { ...mine(me), placements: [{ placement: 'home', limit: 4 }, { placement: 'recently-viewed' }] }, expect: [200], sees: [me] };
  },
  function rank(random, { shop, me }) {
    return { key: shop.server, method: 'POST', path: '/v1/rank', body: { ...mine(me), items: ['common-1', 'common-2', 'common-3'] }, expect: [200], sees: [me] };
  },
  function job_of_the_other_shop(random, { shop, other }) {
    return { key: shop.server, method: 'GET', path: `/v1/jobs/${other.job}`, expect: [404], sees: [] };
  },
  function product_of_the_other_shop(random, { shop, other }) {
    const one = random.pick(other.visitors);
    return { key: random.pick([shop.server, shop.browser]), method: 'GET', path: `/v1/products/${one.product}`, expect: [404], sees: [] };
  },
  function browsing(random, { shop }) {
    return { key: shop.browser, method: 'GET', path: random.pick(['/v1/products?limit=100', '/v1/categories', '/v1/products?q=of&facets=true']), expect: [200], sees: [] };
  },
];

/** Half of the calls: every operation of the description, with keys that are not enough and names that are somebody else's. */
const DERIVED = [too_small_a_key, names_of_another_shop, in_the_name_of_another];

/** What of an answer is about people: lists of products lose the products themselves, which are the shop's and public. */
function personal(answer) {
  const value = json(answer);
  if (!value) return answer.body.toString('utf8');
  const lists = [value, value.placements, value.lists].filter(Boolean).flat().flatMap((list) => [list.items, list.products]);
  for (const item of lists.filter(Array.isArray).flat().filter((one) => one && typeof one === 'object')) {
    const own = [item.product?.id, item.product?.title, item.product_id, item.id, item.title].filter(Boolean);
    delete item.product;
    // The reasons of a product may name it.
    const rest = own.reduce((text, name) => text.replaceAll(name, ''), JSON.stringify(item));
    for (const name of Object.keys(item)) delete item[name];
    item.rest = rest;
  }
  return JSON.stringify(value);
}

/** What is wrong with an answer of the matrix. */
export function wrong(town, call, answer) {
  if (answer.late || answer.dropped) return 'no answer';
  if (!call.expect.includes(answer.status)) return `status ${answer.status} in place of ${call.expect.join(' or ')}`;
  const whole = answer.body.toString('utf8');
  const person = personal(answer);
  const shop = call.holder ?? town.shops.find((one) => one.browser === call.key || one.server === call.key);
  if (call.never && whole.includes(call.never)) return `${call.never} is said`;
  for (const other of town.shops) {
    if (other !== shop && whole.includes(other.mark)) return `a mark of the shop ${other.name}`;
    for (const visitor of other.visitors) {
      if (call.sees.includes(visitor)) continue;
      const text = visitor.shop === shop ? person : whole;
      // What the caller itself named is no news to it.
      if (text.includes(visitor.mark) && !call.path.includes(visitor.mark)) return `a mark of ${visitor.user ?? visitor.device} of ${other.name}`;
    }
  }
  if (answer.status === 200 && call.path.split('?')[0].endsWith('/recently-viewed')) {
    const seen = json(answer).items.map((item) => item.product?.id ?? item.product_id);
    const foreign = seen.filter((id) => id.startsWith('only-') && !call.sees.some((visitor) => visitor.product === id));
    if (foreign.length) return `somebody else looked at ${foreign[0]}`;
  }
  return undefined;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function isolation({ stack, town, seed, count, connections = 16, progress }) {
  const faults = [];
  const routes = {};
  const tried = new Set();
  let next = 0;
  let retried = 0;
  const began = Date.now();
  const worker = async () => {
    const connection = new Connection(stack.port);
    while (next < count && stack.alive()) {
      const number = next++;
      if (progress && number % 5_000 === 0 && number) progress(`${number} of ${count}`);
      const call = town.call(seed, number);
      const body = call.body === undefined ? undefined : Buffer.from(typeof call.body === 'string' ? call.body : JSON.stringify(call.body));
      const headers = [...(call.key ? [basic(call.key)] : []), ...(call.headers ?? [])];
      let answer;
      for (let attempt = 0; attempt < 5; attempt++) {
        answer = await connection.ask({ method: call.method, path: call.path, headers, body });
        if (answer.status !== 503) break;
        retried++;
        await sleep(1000);
      }
      routes[call.name] = (routes[call.name] ?? 0) + 1;
      if (call.operation) tried.add(call.operation);
      const why = wrong(town, call, answer);
      if (why) faults.push({ number, route: call.operation ? `${call.name} ${call.operation}` : call.name, why, call: `${call.method} ${call.path}`, status: answer.status, answer: answer.body?.toString('utf8').slice(0, 400) });
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return { calls: next, faults, routes, operations: tried.size, retried, seconds: (Date.now() - began) / 1000 };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A token that nobody signed, or not for this, or not for now: one by its number. */
export function forgery(town, seed, number) {
  const random = new Random(seed, number);
  const shop = random.pick(town.shops);
  const other = random.pick(town.shops.filter((one) => one !== shop));
  const visitor = random.pick(shop.visitors.filter((one) => one.user));
  const good = token(shop.server, visitor.user, inAnHour());
  const parts = good.split('.');
  const change = (text) => {
    const at = random.below(text.length);
    const letter = random.pick(ALPHABET.replace(text[at], ''));
    return text.slice(0, at) + letter + text.slice(at + 1);
  };
  const kinds = {
    'one letter of the signature': () => [...parts.slice(0, 4), change(parts[4])],
    'one letter of the user': () => [parts[0], parts[1], change(parts[2]), parts[3], parts[4]],
    'another user': () => [parts[0], parts[1], Buffer.from(`customer-${random.below(999)}x`).toString('base64url'), parts[3], parts[4]],
    'a later expiry': () => [parts[0], parts[1], parts[2], String(Number(parts[3]) + 1 + random.below(1e9)), parts[4]],
    'an expiry beyond all numbers': () => [parts[0], parts[1], parts[2], random.pick(['9223372036854775807', '9223372036854775808', '+9999999999', '-1', '1e12', '٩٩٩٩', '', '0x7fffffff', `0${parts[3]}`]), parts[4]],
    'one letter of the key id': () => [parts[0], parts[1].slice(0, 15) + random.pick('0123456789abcdef'.replace(parts[1][15], '')), parts[2], parts[3], parts[4]],
    'another version': () => [random.pick(['v0', 'v2', 'V1', '', 'v1 ', 'none']), ...parts.slice(1)],
    'an empty signature': () => [...parts.slice(0, 4), ''],
    'a shorter signature': () => [...parts.slice(0, 4), parts[4].slice(0, random.below(parts[4].length))],
    'a longer signature': () => [...parts.slice(0, 4), parts[4] + random.word(1 + random.below(9))],
    'a padded signature': () => [...parts.slice(0, 4), `${parts[4]}=`],
    'more parts': () => [...parts.slice(0, 4), 'x', parts[4]],
    'fewer parts': () => parts.slice(0, 1 + random.below(4)),
    'random bytes': () => ['v1', random.word(16), random.word(8), String(inAnHour()), random.bytes(32).toString('base64url')],
    'known key, random signature': () => [...parts.slice(0, 4), random.bytes(32).toString('base64url')],
    expired: () => token(shop.server, visitor.user, Math.floor(Date.now() / 1000) - 1 - random.below(1e8)).split('.'),
    'signed by the other shop': () => token(other.server, visitor.user, inAnHour()).split('.'),
    'signed by the browser key': () => token(shop.browser, visitor.user, inAnHour()).split('.'),
    "the other shop's signature under this shop's key id": () => {
      const theirs = token(other.server, visitor.user, inAnHour()).split('.');
      return [...parts.slice(0, 4), theirs[4]];
    },
    'signed with the server key itself': () => [...parts.slice(0, 4), hmac(shop.server, parts.slice(0, 4).join('.'), 'base64url')],
    'signed with the key id': () => [...parts.slice(0, 4), hmac(parts[1], parts.slice(0, 4).join('.'), 'base64url')],
    'another hash': () => [...parts.slice(0, 4), createHmac('sha512', hmac(shop.server, 'vitrine user token key')).update(parts.slice(0, 4).join('.')).digest('base64url')],
    'the signature of another token': () => [...parts.slice(0, 4), token(shop.server, `${visitor.user}x`, inAnHour()).split('.')[4]],
    'no text': () => [...parts.slice(0, 4), `${parts[4]}\u0080`],
  };
  const kind = random.pick(Object.keys(kinds));
  const forged = kinds[kind]().join('.');
  return { kind, shop, visitor, forged, good, full: random.chance(0.05) };
}

/** Sends forged tokens; none may be accepted, and the good one beside them always is. */
export async function forgeries({ stack, town, seed, count, connections = 16, progress }) {
  const accepted = [];
  const kinds = {};
  let next = 0;
  let refusedGood = 0;
  let good = 0;
  let retried = 0;
  const began = Date.now();
  const worker = async () => {
    const connection = new Connection(stack.port);
    const ask = async (shop, value, visitor, full) => {
      const path = full ? `/v1/recommendations/recently-viewed?visitor_id=${visitor.user}` : '/v1/categories';
      for (let attempt = 0; ; attempt++) {
        const answer = await connection.ask({ method: 'GET', path, headers: [basic(shop.browser), signed(value)] });
        if (answer.status !== 503 || attempt === 5) return answer;
        retried++;
        await sleep(1000);
      }
    };
    while (next < count && stack.alive()) {
      const number = next++;
      if (progress && number % 20_000 === 0 && number) progress(`${number} of ${count}`);
      const { kind, shop, visitor, forged, good: genuine, full } = forgery(town, seed, number);
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      const answer = await ask(shop, forged, visitor, full);
      if (answer.status !== 401) accepted.push({ number, kind, status: answer.status, forged });
      if (number % 100 === 0) {
        good++;
        if ((await ask(shop, genuine, visitor, full)).status !== 200) refusedGood++;
      }
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return { sent: next, accepted, kinds, good, refusedGood, retried, seconds: (Date.now() - began) / 1000 };
}

/** Strangers who say in the browser that they are somebody: they feed that profile and read nothing of it. */
export async function strangers({ town, seed }) {
  const faults = [];
  let asked = 0;
  for (const shop of town.shops) {
    for (const visitor of shop.visitors.filter((one) => one.user)) {
      const device = `stranger-${seed}-${visitor.mark.slice(-8)}`;
      await shop.ok(shop.browser, 'POST', '/v1/i', { type: 'identify', anonymousId: device, userId: visitor.user, traits: { said: 'me' } });
      await shop.ok(shop.browser, 'POST', '/v1/a', { type: 'alias', previousId: device, userId: visitor.user });
      for (const placement of PLACEMENTS) {
        for (const [body, expect] of [[{ anonymous_id: device }, 200], [{ visitor_id: visitor.user, anonymous_id: device }, 404]]) {
          const call = { shop, key: shop.browser, ...asks(placement, body), expect: [expect], sees: [] };
          let answer;
          for (let attempt = 0; attempt < 5; attempt++) {
            answer = await shop.call(shop.browser, 'POST', call.path, body);
            if (answer.status !== 503) break;
            await sleep(1000);
          }
          asked++;
          const why = wrong(town, call, answer);
          if (why) faults.push({ why, placement, body, answer: answer.body?.toString('utf8').slice(0, 400) });
        }
      }
    }
  }
  return { asked, faults };
}
