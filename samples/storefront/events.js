// Tells the shop's API what happens here, in the Segment protocol and with the names of its Ecommerce Spec v2.
// A message is written down before it is sent and struck out when the API has it, so that neither a lost
// connection nor a closed page loses it. Repeats are harmless: the API knows a message by its id.

import { anonymousId, names, read, remove, user, uuid, write } from './store.js';
import { priceOf } from './dom.js';

const meta = (name) => document.querySelector(`meta[name="vitrine-${name}"]`)?.content ?? '';
export const API = meta('api').replace(/\/$/, '');
export const KEY = meta('key');
export const AUTHORIZATION = `Basic ${btoa(`${KEY}:`)}`;

const SHORT = { track: 't', identify: 'i', page: 'p' };
const RETRY_MS = { first: 1000, longest: 60_000 };
const KEPT = 300;
const OUTBOX = 'event.';

const inflight = new Map();
let pause = RETRY_MS.first;
let timer = null;

/** The last messages with their state, newest first, for the log at the foot of the page. */
export const log = [];
export const sent = new EventTarget();

function note(message, state) {
  const entry = log.find((e) => e.id === message.messageId);
  if (entry) entry.state = state;
  else log.unshift({ id: message.messageId, name: message.event ?? message.type, state, message });
  if (log.length > 200) log.pop();
  sent.dispatchEvent(new Event('change'));
}

function campaign() {
  const query = new URLSearchParams(location.search);
  const found = ['source', 'medium', 'campaign', 'term', 'content']
    .filter((name) => query.get(`utm_${name}`))
    .map((name) => [name === 'campaign' ? 'name' : name, query.get(`utm_${name}`)]);
  return found.length ? Object.fromEntries(found) : undefined;
}

/** Where the visitor is, in the shape of `context.page`. */
function whereabouts() {
  const [path, search = ''] = (location.hash.slice(1) || '/').split('?');
  return { path, search: search && `?${search}`, title: document.title, url: location.href, referrer: document.referrer };
}

function send(type, fields) {
  const message = {
    messageId: `web-${uuid()}`,
    type,
    ...fields,
    anonymousId: anonymousId(),
    userId: fields.userId ?? user()?.id,
    timestamp: new Date().toISOString(),
    context: {
      page: whereabouts(),
      campaign: campaign(),
      library: { name: 'vitrine-storefront', version: '1' },
      locale: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      userAgent: navigator.userAgent,
      screen: { width: innerWidth, height: innerHeight, density: devicePixelRatio },
    },
    writeKey: KEY,
  };
  const kept = names(OUTBOX);
  if (kept.length >= KEPT) remove(kept.map((n) => [read(n)?.timestamp ?? '', n]).sort()[0][1]);
  write(OUTBOX + message.messageId, message);
  return deliver(message);
}

function deliver(message) {
  const id = message.messageId;
  if (inflight.has(id)) return inflight.get(id);
  note(message, 'waiting');
  const attempt = post(message)
    .then((state) => {
      note(message, state);
      if (state === 'waiting') return later();
      remove(OUTBOX + id);
      pause = RETRY_MS.first;
    })
    .finally(() => inflight.delete(id));
  inflight.set(id, attempt);
  return attempt;
}

/** Sends once: `sent`, `refused` (sending again would not help), or `waiting`. */
async function post(message) {
  try {
    const response = await fetch(`${API}/v1/${SHORT[message.type]}`, {
      method: 'POST',
      // The browser finishes the request even when the page is left.
      keepalive: true,
      headers: { Authorization: AUTHORIZATION, 'Content-Type': 'text/plain' },
      body: JSON.stringify({ ...message, sentAt: new Date().toISOString() }),
    });
    if (response.ok) return 'sent';
    if (response.status >= 500 || response.status === 429 || response.status === 408) return 'waiting';
    console.warn('event refused', response.status, message);
    return 'refused';
  } catch {
    return 'waiting';
  }
}

function later() {
  if (timer) return;
  timer = setTimeout(flush, pause * (0.75 + Math.random() / 2));
  pause = Math.min(pause * 2, RETRY_MS.longest);
}

/** Sends again whatever is still written down and at least that old. */
function flush(olderThanMs = 0) {
  clearTimeout(timer);
  timer = null;
  const before = new Date(Date.now() - olderThanMs).toISOString();
  for (const name of names(OUTBOX)) {
    const message = read(name);
    if (message && message.timestamp <= before) deliver(message);
  }
}

addEventListener('online', () => flush());
// Left over from an earlier visit; younger ones may be on their way from another tab.
flush(5000);
setTimeout(flush, 5000);

/** Resolves when everything said so far has arrived, or after `ms`: what is asked next then knows it. */
export function settled(ms = 800) {
  if (!inflight.size) return Promise.resolve();
  return Promise.race([Promise.all(inflight.values()), new Promise((done) => setTimeout(done, ms))]);
}

export const track = (event, properties) => send('track', { event, properties });
export const page = (name) => send('page', { name, properties: { name, ...whereabouts() } });
export const identify = (userId, traits = {}) => send('identify', { userId, traits });

/** A product in the words of the Ecommerce Spec, with the list it came from. */
export function described(product, origin = {}, quantity) {
  return {
    product_id: product.id,
    name: product.title,
    category: product.category?.at(-1),
    brand: product.brand,
    price: priceOf(product) ?? undefined,
    currency: product.currency,
    url: product.url,
    image_url: product.image,
    quantity,
    ...origin,
  };
}

// Impressions: a card counts once half of it has been in view for half a second. Cards seen close
// together go out as one `Product List Viewed` for each list and decision.
const DWELL_MS = 500;
const GATHER_MS = 400;
const watched = new WeakMap();
const dwelling = new Map();
let gathered = new Map();
let gatherTimer = null;

const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    clearTimeout(dwelling.get(target));
    dwelling.delete(target);
    if (isIntersecting) dwelling.set(target, setTimeout(() => saw(target), DWELL_MS));
  }
}, { threshold: 0.5 });

function saw(card) {
  observer.unobserve(card);
  dwelling.delete(card);
  const { product_id, position, ...list } = watched.get(card);
  const key = JSON.stringify(list);
  if (!gathered.has(key)) gathered.set(key, { ...list, products: [] });
  gathered.get(key).products.push({ product_id, position });
  gatherTimer ??= setTimeout(sendImpressions, GATHER_MS);
}

/** Sends the impressions gathered so far, at once. */
export function sendImpressions() {
  clearTimeout(gatherTimer);
  gatherTimer = null;
  const lists = gathered;
  gathered = new Map();
  for (const list of lists.values()) track('Product List Viewed', list);
}

addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && sendImpressions());

/** Watches a card. `impression`: `{list_id, product_id, position, decision_id?, category?}`. */
export function watch(card, impression) {
  watched.set(card, impression);
  observer.observe(card);
}
