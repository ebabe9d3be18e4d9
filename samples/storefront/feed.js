// The inspirational feed: a wall of pictures without end, products and stories mixed, that learns while one scrolls. What
// stays in view for a while is told to the API before the next page is asked for, so that the page already knows it; what
// was scrolled past, the API knows by itself. Loaded when it is first opened.

import { recommend } from './api.js';
import { addToBasket, follow, forSale, price, sold } from './card.js';
import { h, icon, productHref } from './dom.js';
import { track, watch } from './events.js';
import { endless } from './rows.js';
import { language } from './store.js';
import { picture, sign } from './tile.js';
import { texts } from './texts.js';

const t = {
  title: texts.inspiration,
  lead: 'Scroll, and it finds its way: what you stop at brings more of its kind, what you pass by makes room.',
  why: 'Why?',
  whyOf: (title) => `Why you see ${title}`,
  story: { Recipes: 'Recipe', Guides: 'Guide' },
  minutes: (n) => `${n} min`,
};

const LIST = 'feed';
const PAGE = 20;
/** A tile is dwelled on if so much of it stays in the middle of the window for so long. */
const SHARE = 0.6;
const MIDDLE = '-12% 0px';
const DWELL_MS = 2000;

await new Promise((done) => {
  const sheet = h('link', { rel: 'stylesheet', href: '/feed.css', on: { load: done, error: done } });
  document.head.append(sheet);
});

/** The tiles in view and since when, and the dwells that are not told yet; each tile is told of once. */
function dwells(signal) {
  const since = new Map();
  let ended = [];
  const observer = new IntersectionObserver((entries) => entries.forEach(({ target, intersectionRatio, isIntersecting }) => {
    if (isIntersecting && intersectionRatio >= SHARE) {
      if (!since.has(target)) since.set(target, performance.now());
    } else end(target);
  }), { threshold: [0, SHARE], rootMargin: MIDDLE });
  const told = new WeakMap();

  /** Whether it was long enough. */
  function end(tile) {
    const dwell = Math.round(performance.now() - since.get(tile));
    since.delete(tile);
    if (!(dwell >= DWELL_MS)) return;
    forget(tile);
    ended.push({ ...told.get(tile), dwell_ms: dwell });
  }
  function forget(tile) {
    since.delete(tile);
    observer.unobserve(tile);
  }
  /** Tells what has been dwelled on so far, one event for each decision. */
  function flush() {
    for (const [tile, from] of since) if (performance.now() - from >= DWELL_MS) end(tile);
    const lists = new Map();
    for (const { decision_id, ...product } of ended) lists.set(decision_id, [...lists.get(decision_id) ?? [], product]);
    for (const [decision_id, products] of lists) track('Product Dwelled', { list_id: LIST, decision_id, products });
    ended = [];
  }
  // Nobody looks at a page that is hidden.
  const hidden = () => {
    if (document.visibilityState !== 'hidden') return;
    flush();
    since.clear();
  };
  addEventListener('visibilitychange', hidden, { signal });
  signal.addEventListener('abort', () => {
    flush();
    observer.disconnect();
  });
  return {
    flush, forget,
    watch(tile, impression) {
      told.set(tile, impression);
      observer.observe(tile);
    },
  };
}

/** How tall a tile stands: always the same for the same product, so that the wall is uneven and does not move. */
const tall = (id) => ['low', 'mid', 'high'][[...id].reduce((sum, char) => sum + char.codePointAt(0), 0) % 3];

/** The picture, up to the edges of the tile. */
function filling(product) {
  const drawn = picture(product);
  drawn.setAttribute('preserveAspectRatio', 'xMidYMid slice');
  return drawn;
}

/** What a tile says below its picture. */
function words(product) {
  if (product.kind !== 'content') return h('h2', {}, product.title);
  const [first] = product.description?.split(/(?<=[.:]) /) ?? [];
  const about = [t.story[product.category?.[0]] ?? product.category?.[0], product.attributes?.minutes && t.minutes(product.attributes.minutes)];
  return [h('p', { class: 'eyebrow' }, about.filter(Boolean).join(' · ')), h('h2', {}, product.title), first && h('p', {}, first)];
}

function tile(item, decision_id, place, watcher) {
  const { product } = item;
  const origin = { list_id: LIST, position: place, decision_id };
  const story = product.kind === 'content';
  const [reason] = [...item.reasons].sort((a, b) => b.share - a.share);
  const because = h('p', { class: 'because', id: `because-${place}`, hidden: true, lang: language() }, icon(reason?.kind), h('span', {}, reason?.text));
  const why = h('button', {
    type: 'button', class: 'chip why', 'aria-expanded': 'false', 'aria-controls': because.id, 'aria-label': t.whyOf(product.title), data: { action: 'why' },
    on: { click: () => why.setAttribute('aria-expanded', String(!(because.hidden = !because.hidden))) },
  }, t.why);
  const opened = () => {
    // What is opened was not only looked at.
    watcher.forget(node);
    follow(product, origin);
  };
  const node = h('article', {
    class: `pin ${story ? 'story high' : tall(product.id)}`, 'aria-labelledby': `pin-${place}`, 'aria-posinset': place, 'aria-setsize': -1, tabindex: -1,
    data: { productId: product.id, position: place, decisionId: decision_id, kind: product.kind ?? 'product' },
  },
  h('a', { id: `pin-${place}`, href: productHref(product.id), on: { click: opened, auxclick: (event) => event.button === 1 && opened() } },
    h('div', { class: 'picture' }, story ? sign(product) : filling(product)),
    h('div', { class: 'told' }, words(product))),
  h('div', { class: 'tools' },
    reason && why,
    forSale(product) && price(product),
    forSale(product) && !sold(product) && h('button', {
      type: 'button', class: 'round add', 'aria-label': texts.card.add(product.title), data: { action: 'add' }, on: { click: () => addToBasket(product, origin) },
    }, icon('plus'))),
  reason && because);
  watch(node, { ...origin, product_id: product.id });
  watcher.watch(node, { decision_id, product_id: product.id, position: place });
  return node;
}

const outline = () => Array.from({ length: 8 }, (_, i) => h('div', { class: `pin outline ${tall(`${i}`)}`, 'aria-hidden': 'true' }, h('div', { class: 'picture' })));

/** Page Up and Page Down go from tile to tile, as the feed pattern of ARIA has it. */
function step(event) {
  const by = { PageDown: 1, PageUp: -1 }[event.key];
  if (!by) return;
  const tiles = [...event.currentTarget.querySelectorAll('article')];
  const to = tiles[tiles.indexOf(event.target.closest('article')) + by];
  if (!to) return;
  event.preventDefault();
  to.focus();
}

export function feed({ signal, opened }) {
  opened(t.title, { name: 'Feed' });
  const watcher = dwells(signal);
  const wall = h('div', { class: 'wall', role: 'feed', 'aria-label': t.title, on: { keydown: step } });
  const header = h('header', {}, h('h1', { id: 'feed-title', tabindex: -1 }, t.title), h('p', { class: 'muted' }, t.lead));
  const part = (state, ...children) =>
    h('section', { 'aria-labelledby': 'feed-title', data: { placement: LIST, state } }, header, ...children);
  const section = part('loading', wall);
  const none = () => part('empty', h('p', { class: 'state' }, texts.state.empty));
  let place = 0;
  async function next(cursor) {
    watcher.flush();
    wall.setAttribute('aria-busy', 'true');
    try {
      const answer = await recommend(LIST, { limit: PAGE, cursor }, signal);
      section.dataset.basis = answer.basis;
      return { found: answer.items.map((item) => tile(item, answer.decision_id, ++place, watcher)), cursor: answer.cursor };
    } finally {
      wall.removeAttribute('aria-busy');
    }
  }
  return [endless({ section, list: wall }, signal, none, next, { margin: '250px', outline })];
}
