// A product card, the panel that says why it is there, and everything that happens to a product from a card: click, add.

import { described, track, watch } from './events.js';
import { basket, cartId, language, originOf, setOrigin, setQuantity } from './store.js';
import { ago, h, icon, money, openPanel, priceOf, productHref, toast } from './dom.js';
import { picture } from './tile.js';
import { texts } from './texts.js';

export const sold = (product) => product.availability === 'out_of_stock';
/** Content, such as a recipe, is shown but not sold. */
export const forSale = (product) => product.kind !== 'content' && priceOf(product) != null;

/** The price, with the one before when it is reduced. */
export function price(product) {
  const now = priceOf(product);
  const reduced = product.price != null && now < product.price;
  return h('p', { class: reduced ? 'price reduced' : 'price', data: { price: now } },
    money(now, product.currency),
    reduced && h('s', {}, h('span', { class: 'hidden' }, `${texts.card.was} `), money(product.price, product.currency)));
}

/** Puts one more of a product into the basket and says so to the visitor and the API. */
export function addToBasket(product, origin = originOf(product.id)) {
  const line = basket().find((l) => l.product.id === product.id);
  setQuantity(product, (line?.quantity ?? 0) + 1, origin);
  track('Product Added', { cart_id: cartId(), ...described(product, origin, 1) });
  toast(texts.basket.added(product.title), { href: '#/basket', text: texts.basket.show });
}

/** Tells the API that a card was followed and remembers which list it was in. */
export function follow(product, origin) {
  setOrigin(product.id, origin);
  track('Product Clicked', described(product, origin));
}

/**
 * A card. `item` is one of an answer's items, or `{product, position}` from a plain list;
 * `list` says where it stands: `{list_id, title, decision_id?, category?}`.
 */
export function card(item, list) {
  const { product } = item;
  const origin = { list_id: list.list_id, position: item.position, decision_id: list.decision_id };
  const reasons = [...(item.reasons ?? [])].sort((a, b) => b.share - a.share);
  const clicked = () => follow(product, origin);
  const node = h('article', {
    class: 'card',
    data: { productId: product.id, position: item.position, decisionId: list.decision_id },
  },
  h('div', { class: 'picture' },
    picture(product),
    sold(product) ? h('span', { class: 'badge' }, texts.card.sold)
      : priceOf(product) < product.price && h('span', { class: 'badge sale' }, texts.card.sale)),
  h('h3', {}, h('a', {
    href: productHref(product.id),
    // A middle click opens a second tab: that is a click too.
    on: { click: clicked, auxclick: (event) => event.button === 1 && clicked() },
  }, product.title)),
  product.brand && h('p', { class: 'brand' }, product.brand),
  forSale(product) && h('div', { class: 'buy' },
    price(product),
    !sold(product) && h('button', {
      type: 'button', class: 'round add', 'aria-label': texts.card.add(product.title), data: { action: 'add' },
      on: { click: () => addToBasket(product, origin) },
    }, icon('plus'))),
  reasons.length > 0 && reasonButton(item, reasons, list));
  watch(node, { ...origin, category: list.category, product_id: product.id });
  return node;
}

function reasonButton(item, reasons, list) {
  const [first, ...others] = reasons;
  return h('button', {
    type: 'button', class: 'reason', 'aria-haspopup': 'dialog', data: { action: 'why', reason: first.kind },
    on: { click: () => explain(item, reasons, list) },
  }, icon(first.kind), h('span', { lang: language() }, first.text), others.length > 0 && h('i', {}, ` +${others.length}`),
  h('b', { class: 'hidden' }, `. ${t.button(item.product.title)}`));
}

const t = texts.why;
/** What a reason adds to the score, in as many digits as make the sum visible. */
const signed = (amount) => `${amount < 0 ? '−' : '+'}${Math.abs(amount).toFixed(4)}`;
const times = (n) => `${n < 0.01 ? (n * 100).toPrecision(1) : Math.round(n * 100)}%`;

/** A reason: what it says, how much of all that speaks for the product it is, and the past action or rule behind it. */
function reasonLine(reason) {
  const percent = `${Math.round(reason.share * 100)}%`;
  const behind = [
    reason.action && `${t.done[reason.action] ?? reason.action}${reason.at ? ` ${ago(reason.at)}` : ''}`,
    reason.rule && h('span', {}, `${t.rule} `, h('code', {}, reason.rule)),
    reason.amount < 0 && t.against,
    reason.amount === 0 && t.beside,
  ].filter(Boolean);
  return h('li', { data: { reason: reason.kind } },
    icon(reason.kind),
    h(reason.product_id ? 'a' : 'span', { href: reason.product_id && productHref(reason.product_id), lang: language() }, reason.text),
    reason.amount !== 0 && h('b', {}, reason.amount > 0 ? percent : signed(reason.amount)),
    reason.share > 0 && h('span', { class: 'share', vars: { '--share': percent } }),
    behind.length > 0 && h('small', { class: 'fine' }, behind.flatMap((one, i) => (i ? [' · ', one] : [one]))));
}

/** What each part of the model adds, reason by reason, down to the score. */
function sum(item, reasons) {
  const amount = (name, value) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, signed(value)));
  return h('details', { class: 'sum-up' },
    h('summary', {}, t.parts),
    h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, t.part), h('th', { scope: 'col' }, t.amount))),
      reasons.filter((reason) => reason.amount !== 0).map((reason) => h('tbody', {},
        h('tr', { lang: language() }, h('th', { scope: 'rowgroup', colspan: 2 }, reason.text)),
        reason.parts?.length ? reason.parts.map((one) => amount(h('code', {}, one.part), one.amount)) : amount(t.whole, reason.amount))),
      h('tfoot', {}, amount(t.score, item.score))));
}

/** The decision's name, and the command that makes it again from the log. */
function decisionOf(list) {
  if (!list.decision_id) return h('p', { class: 'fine' }, `${t.decision}: ${t.unlogged}`);
  const command = `cargo run --release -- replay ${list.decision_id}`;
  return h('div', { class: 'replay' },
    h('p', { class: 'fine', id: 'replay-title' }, t.replay),
    h('pre', { tabindex: 0, role: 'region', 'aria-labelledby': 'replay-title' }, h('code', {}, command)),
    navigator.clipboard && h('button', {
      type: 'button', class: 'chip', data: { action: 'copy' },
      on: { click: ({ currentTarget }) => navigator.clipboard.writeText(command).then(() => { currentTarget.textContent = t.copied; }, () => {}) },
    }, t.copy));
}

/** Opens the panel with all reasons, their shares, and what they add up to. */
function explain(item, reasons, list) {
  openPanel('why', t.title,
    h('p', { class: 'muted' }, h('strong', {}, item.product.title), h('br'), t.foot(list.title, item.position)),
    h('ul', {}, reasons.map(reasonLine)),
    item.propensity < 1 && h('p', { class: 'signed', data: { propensity: item.propensity } }, h('span', {}, t.chance(times(item.propensity)))),
    sum(item, reasons),
    decisionOf(list),
    h('p', { class: 'fine' }, `${t.model} `, h('code', {}, list.model ?? t.none)));
}
