// A product card, the panel that says why it is there, and everything that happens to a product from a card: click, add.

import { described, track, watch } from './events.js';
import { basket, cartId, originOf, setOrigin, setQuantity } from './store.js';
import { h, icon, money, openPanel, priceOf, productHref, toast } from './dom.js';
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
  }, icon(first.kind), h('span', {}, first.text), others.length > 0 && h('i', {}, ` +${others.length}`),
  h('b', { class: 'hidden' }, `. ${texts.why.button(item.product.title)}`));
}

/** Opens the panel with all reasons and their shares. */
function explain(item, reasons, list) {
  const rows = reasons.map((reason) => {
    const percent = `${Math.round(reason.share * 100)}%`;
    return h('li', { data: { reason: reason.kind } },
      icon(reason.kind),
      reason.product_id ? h('a', { href: productHref(reason.product_id) }, reason.text) : h('span', {}, reason.text),
      h('b', {}, percent),
      h('span', { class: 'share', vars: { '--share': percent } }));
  });
  openPanel('why', texts.why.title,
    h('p', { class: 'muted' }, item.product.title),
    h('ul', {}, rows),
    h('p', { class: 'fine' }, texts.why.foot(list.title, item.position, item.score.toFixed(3))),
    h('dl', { class: 'fine ids' },
      h('dt', {}, texts.why.model), h('dd', {}, h('code', {}, list.model ?? texts.why.none)),
      h('dt', {}, texts.why.decision), h('dd', {}, h('code', { title: list.decision_id }, list.decision_id))));
}
