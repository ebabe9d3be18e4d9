// Writes down what every SDK shall say, and what has to come of it. One plan for all languages: a driver only repeats
// the calls, and the check compares with what stands here.
//
// plan.mjs FOLDER SEED RUN NAME=EVENTS...

import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** A small random generator (mulberry32): the same seed is the same plan. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function hash(text) {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return h;
}

const CALLS_OF_A_USER = 48;
const PRICES = [0.99, 2.49, 5, 12.3, 49.95];

/** Calls without an identity: how they are told and under which action they are counted. */
function deed(draw) {
  const product = () => ({ product_id: String(1000 + Math.floor(draw() * 500)), price: PRICES[Math.floor(draw() * 5)] });
  const products = () => Array.from({ length: 1 + Math.floor(draw() * 4) }, product);
  const track = (event, action, properties) => ({ type: 'track', event, properties, action });
  const deeds = [
    () => track('Product Viewed', 'view', { ...product(), currency: 'EUR' }),
    () => track('Product Clicked', 'click', { ...product(), position: 1 + Math.floor(draw() * 20), list_id: 'home' }),
    () => track('Product List Viewed', 'list', { list_id: 'home', products: products() }),
    () => track('Product Added', 'add', { ...product(), quantity: 2 }),
    () => track('Removed Product', 'remove', product()),
    () => track('Cart Viewed', 'cart', { products: products() }),
    () => track('Started Order', 'checkout', { products: products() }),
    () => track('Products Searched', 'search', { query: 'Nudeln für zwölf 🍝' }),
    () => track('Size Guide Opened', 'custom', { size: 'L', nested: { deep: [1, 2, 3] } }),
    () => ({ type: 'page', name: 'Category', properties: { aisle: 7 }, action: 'page' }),
    () => ({ type: 'screen', name: 'Basket', properties: { items: 2 }, action: 'screen' }),
    () => {
      const lines = products().map((p) => ({ ...p, quantity: 1 + Math.floor(draw() * 3) }));
      const cents = lines.reduce((sum, l) => sum + Math.round(l.price * 100) * l.quantity, 0);
      const order_id = `order-${Math.floor(draw() * 1e9)}`;
      const properties = { order_id, revenue: cents / 100, total: cents / 100 + 4, currency: 'EUR', products: lines };
      return { ...track('Order Completed', 'order', properties), cents };
    },
  ];
  return deeds[Math.floor(draw() * deeds.length)]();
}

/** One user's calls, in order: some devices first, then who they are, then the rest. */
function story(user, calls, draw, { browser }) {
  const device = browser ? null : `${user}-device`;
  const former = `${user}-former`;
  const before = browser || draw() < 0.5 ? Math.floor(calls / 6) : 0;
  const list = [];
  for (let n = 0; n < before; n++) list.push({ ...deed(draw), anonymous: device });
  const aliased = !browser && draw() < 0.4;
  if (aliased) for (let n = 0; n < 3; n++) list.push({ ...deed(draw), anonymous: former });
  list.push({ type: 'identify', user, anonymous: device, traits: { tier: 'gold', age: 35 }, action: 'identify' });
  if (aliased) list.push({ type: 'alias', user, previous: former, action: 'alias' });
  while (list.length < calls) {
    const said = draw() < 0.03 ? { type: 'group', group: 'club', traits: { name: 'Club' }, action: 'group' } : deed(draw);
    // A few were recorded long ago and are told only now.
    const days = browser || draw() > 0.03 ? 0 : [3, 40][Math.floor(draw() * 2)];
    list.push({ ...said, user, ...(days && said.type === 'track' ? { daysAgo: days } : {}) });
  }
  return list.slice(0, calls);
}

export function plan(name, events, seed, run) {
  const draw = random(hash(`${seed} ${name}`));
  const browser = ['analytics-next', 'rudder-js'].includes(name);
  const users = [];
  for (let left = events, n = 0; left > 0; n++) {
    const size = Math.min(left, CALLS_OF_A_USER);
    const user = `sdk-${run}-${name}-${n}`;
    const calls = story(user, size, draw, { browser });
    // RudderStack's browser SDK has no screens.
    if (name === 'rudder-js') for (const call of calls) if (call.type === 'screen') call.type = call.action = 'page';
    const counts = {};
    let cents = 0;
    for (const call of calls) {
      counts[call.action] = (counts[call.action] ?? 0) + 1;
      cents += call.cents ?? 0;
    }
    users.push({ user, calls, expected: { counts, cents } });
    left -= size;
  }
  return { name, events, users };
}

if (process.argv[1]?.endsWith('plan.mjs')) {
  const [folder, seed, run, ...sdks] = process.argv.slice(2);
  for (const sdk of sdks) {
    const [name, events] = sdk.split('=');
    writeFileSync(path.join(folder, `plan-${name}.json`), JSON.stringify(plan(name, Number(events), seed, run)));
  }
}
