// Tells the shop's API what happens here, in the Segment protocol and with the names of its Ecommerce Spec v2.
// A message is written down before it is sent and struck out when the API has it, so that neither a lost
// connection nor a closed page loses it. Repeats are harmless: the API knows a message by its id.

import { anonymousId, names, read, remove, user, uuid, write } from './store.js';
import { priceOf } from './dom.js';

const meta = (name) => document.querySelector(`meta[name="vitrine-${name}"]`)?.content ?? '';
export const API = meta('api').replace(/\/$/, '');
const KEY = meta('key');
export const AUTHORIZATION = `Basic ${btoa(`${KEY}:`)}`;

const SHORT = { track: 't', identify: 'i', page: 'p' };
const RETRY_MS = 5000;
const KEPT = 300;
const OUTBOX = 'event.';

const inflight = new Map();

function campaign() {
  const found = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith('utm_'));
  return Object.fromEntries(found.map(([name, value]) => [name === 'utm_campaign' ? 'name' : name.slice(4), value]));
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
      userAgent: navigator.userAgent,
      screen: { width: innerWidth, height: innerHeight },
    },
    writeKey: KEY,
  };
  // Written down for the case that it does not arrive; while the API is away for long, the first are kept.
  if (names(OUTBOX).length < KEPT) write(OUTBOX + message.messageId, message);
  return deliver(message);
}

/** Sends a message, unless it is on its way, and strikes it out when the API has it or refuses it for good. */
function deliver(message) {
  const id = message.messageId;
  if (!inflight.has(id)) {
    inflight.set(id, post(message)
      .then((done) => done && remove(OUTBOX + id))
      .finally(() => inflight.delete(id)));
  }
  return inflight.get(id);
}

/** Whether the API has taken or refused it: then sending again would change nothing. */
async function post(message) {
  try {
    const { ok, status } = await fetch(`${API}/v1/${SHORT[message.type]}`, {
      method: 'POST',
      // The browser finishes the request even when the page is left.
      keepalive: true,
      headers: { Authorization: AUTHORIZATION, 'Content-Type': 'text/plain' },
      body: JSON.stringify({ ...message, sentAt: new Date().toISOString() }),
    });
    if (!ok) console.warn('event refused', status, message);
    return status < 500 && status !== 429 && status !== 408;
  } catch {
    return false;
  }
}

// Sends again what an earlier visit or a lost connection left; younger messages may be on their way from another tab.
setInterval(() => {
  const before = new Date(Date.now() - RETRY_MS).toISOString();
  for (const message of names(OUTBOX).slice(0, 20).map((name) => read(name))) {
    if (message?.timestamp <= before) deliver(message);
  }
}, RETRY_MS);

/** Resolves when everything said so far has arrived, or after `ms`: what is asked next then knows it. */
export const settled = (ms = 800) =>
  Promise.race([Promise.all(inflight.values()), new Promise((done) => setTimeout(done, ms))]);

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
  const { promotion, product_id, position, ...list } = watched.get(card);
  if (promotion) return void track('Promotion Viewed', promotion);
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

/** Watches a card. `impression`: `{list_id, product_id, position, decision_id?, category?}`, or `{promotion}` of content. */
export function watch(card, impression) {
  watched.set(card, impression);
  observer.observe(card);
}
