// What visitors do, and what has to come of it. The oracle is made with the events and from nothing else: it never asks
// the stack.

import { Random } from './random.mjs';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
/** As a profile tells visits apart, and how many actions it keeps. */
const VISIT_GAP = 30 * MINUTE;
const ACTIONS = 50;
/** Actions that belong to a history of products. */
const INTEREST = new Set(['view', 'click', 'add', 'remove', 'order']);
export const PRODUCTS = 300;

export const productId = (n) => `p-${n}`;

/** What a visitor does next: the event as it is sent, and what it means. */
function deed(random) {
  const product = () => ({ product_id: productId(Math.floor(random.next() ** 2 * PRODUCTS)), price: random.between(1, 5000) / 100 });
  const products = () => Array.from({ length: random.between(1, 3) }, product);
  const track = (event, action, properties) => {
    const named = properties.products ?? (properties.product_id ? [properties] : []);
    const lines = INTEREST.has(action) ? named.map((p) => p.product_id) : [];
    return { sent: { type: 'track', event, properties }, action, lines };
  };
  const deeds = [
    () => track('Product Viewed', 'view', { ...product(), currency: 'EUR' }),
    () => track('Product Viewed', 'view', product()),
    () => track('Product Viewed', 'view', product()),
    () => track('Product Clicked', 'click', { ...product(), position: random.between(1, 20), list_id: 'home' }),
    () => track('Product List Viewed', 'list', { list_id: 'home', products: products() }),
    () => track('Product Added', 'add', { ...product(), quantity: 2 }),
    () => track('Product Removed', 'remove', product()),
    () => track('Products Searched', 'search', { query: 'Äpfel für zwölf 🍏' }),
    () => track('Size Guide Opened', 'custom', { size: 'L', nested: { deep: [1, 2, 3] } }),
    () => ({ sent: { type: 'page', name: 'Category', properties: { aisle: 7 } }, action: 'page', lines: [] }),
    () => {
      const lines = products().map((p) => ({ ...p, quantity: random.between(1, 3) }));
      const cents = lines.reduce((sum, line) => sum + Math.round(line.price * 100) * line.quantity, 0);
      const units = lines.reduce((sum, line) => sum + line.quantity, 0);
      const order_id = `order-${random.between(1, 1e9)}`;
      const properties = { order_id, revenue: cents / 100, currency: 'EUR', products: lines };
      return { ...track('Order Completed', 'order', properties), cents, units };
    },
  ];
  return random.of(deeds)();
}

/** The profile that a list of events amounts to, in the order of their times. */
function profileOf(events, { timeless = false } = {}) {
  const state = { counts: {}, cents: 0, units: 0, visits: 0, actions: [] };
  let last;
  for (const event of [...events].sort((a, b) => a.time - b.time)) {
    state.counts[event.action] = (state.counts[event.action] ?? 0) + 1;
    state.cents += event.cents ?? 0;
    state.units += event.units ?? 0;
    if (last === undefined || Math.abs(event.time - last) > VISIT_GAP) state.visits++;
    last = Math.max(last ?? event.time, event.time);
    for (const product of event.lines) state.actions.push([product, event.action, event.time]);
  }
  state.actions = state.actions.slice(-ACTIONS);
  state.timeless = timeless;
  return state;
}

/** Where an event lies, what it is called, and how it is sent. */
function put(event, visitor, { anonymousId, userId, messageId, time, timeless }) {
  Object.assign(event, { visitor, id: messageId, time: timeless ? undefined : time });
  Object.assign(event.sent, { messageId });
  if (anonymousId) event.sent.anonymousId = anonymousId;
  if (userId) event.sent.userId = userId;
  if (!timeless) event.sent.timestamp = new Date(time).toISOString();
  return event;
}

/**
 * `count` events of many visitors: anonymous ones, ones who sign in on the way, ones whose clients send no times, and
 * some with long histories from before the horizon behind which profiles are compacted.
 */
export function workload(seed, count, { tag, now = Date.now() } = {}) {
  const random = new Random(`${seed} ${tag} workload`);
  const events = [];
  const profiles = new Map();
  for (let n = 0; events.length < count; n++) {
    const left = count - events.length;
    const kind = random.next();
    const device = `${tag}-${n}-d`;
    const messageId = (place) => `${tag}-${n}-${place}`;
    if (kind < 0.04 && left >= 400) {
      // A long history: a few hundred events in the weeks before.
      const size = random.between(300, 400);
      let time = now - 20 * DAY;
      const own = [];
      for (let place = 0; place < size; place++) {
        time += random.between(SECOND, 130 * MINUTE);
        own.push(put(deed(random), `a:${device}`, { anonymousId: device, messageId: messageId(place), time }));
      }
      events.push(...own);
      profiles.set(`a:${device}`, profileOf(own));
      continue;
    }
    const size = Math.min(left, random.between(8, 60));
    let time = now - random.between(60, 2880) * MINUTE;
    const step = () => (time += random.chance(0.05) ? random.between(31, 50) * MINUTE : random.between(1, 120) * SECOND);
    const own = [];
    if (kind < 0.14) {
      for (let place = 0; place < size; place++) {
        own.push(put(deed(random), `a:${device}`, { anonymousId: device, messageId: messageId(place), timeless: true }));
      }
      profiles.set(`a:${device}`, profileOf(own.map((event, place) => ({ ...event, time: place })), { timeless: true }));
    } else if (kind < 0.45) {
      const user = `${tag}-${n}-u`;
      const before = Math.floor(size / 3);
      for (let place = 0; place < size; place++) {
        const signsIn = place === before;
        const event = signsIn ? { sent: { type: 'identify', traits: { tier: 'gold' } }, action: 'identify', lines: [] } : deed(random);
        const who = place < before ? { anonymousId: device } : { anonymousId: device, userId: user };
        own.push(put(event, place < before ? `a:${device}` : `u:${user}`, { ...who, messageId: messageId(place), time: step() }));
      }
      if (before) profiles.set(`a:${device}`, profileOf(own.slice(0, before)));
      profiles.set(`u:${user}`, profileOf(own));
    } else {
      for (let place = 0; place < size; place++) {
        own.push(put(deed(random), `a:${device}`, { anonymousId: device, messageId: messageId(place), time: step() }));
      }
      profiles.set(`a:${device}`, profileOf(own));
    }
    events.push(...own);
  }
  return { events, profiles };
}

/**
 * The batches in which events are sent. A fifth of the events come far from their place, one in twelve comes twice (in
 * another batch, or beside itself), and one batch in twelve is sent again although it was answered.
 */
export function batches(seed, events, { tag, largest = 50 }) {
  const random = new Random(`${seed} ${tag} batches`);
  const places = [];
  for (const [place, event] of events.entries()) {
    const at = random.chance(0.2) ? random.next() * events.length : place + random.next() * 2000;
    places.push([at, event]);
    if (random.chance(1 / 12)) places.push([random.chance(0.3) ? at : random.next() * events.length, event]);
  }
  places.sort((a, b) => a[0] - b[0]);
  const list = [];
  for (let from = 0; from < places.length; ) {
    const size = random.between(1, largest);
    list.push({ events: places.slice(from, from + size).map(([, event]) => event), again: random.chance(1 / 12) });
    from += size;
  }
  return list;
}
