// A product card, the "why" popover, and everything that happens to a product from a card: click, add.

import { described, track, watch } from './events.js';
import { basket, cartId, originOf, setOrigin, setQuantity } from './store.js';
import { h, icon, money, priceOf, productHref, toast } from './dom.js';
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

/** Puts more of a product into the basket and says so to the visitor and the API. */
export function addToBasket(product, quantity = 1, origin = originOf(product.id)) {
  const line = basket().find((l) => l.product.id === product.id);
  setQuantity(product, (line?.quantity ?? 0) + quantity, origin);
  track('Product Added', { cart_id: cartId(), ...described(product, origin, quantity) });
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
      on: { click: () => addToBasket(product, 1, origin) },
    }, icon('plus'))),
  reasons.length > 0 && reasonButton(item, reasons, list));
  watch(node, { ...origin, category: list.category, product_id: product.id });
  return node;
}

function reasonButton(item, reasons, list) {
  const [first, ...others] = reasons;
  const button = h('button', {
    type: 'button', class: 'reason', 'aria-haspopup': 'dialog', 'aria-expanded': 'false',
    data: { action: 'why', reason: first.kind },
    on: { click: () => explain(button, item, reasons, list) },
  }, icon(first.kind), h('span', {}, first.text), others.length > 0 && h('i', {}, ` +${others.length}`),
  h('b', { class: 'hidden' }, `. ${texts.why.button(item.product.title)}`));
  return button;
}

/** Opens the popover with all reasons and their shares. */
function explain(button, item, reasons, list) {
  const popover = document.getElementById('why');
  const rows = reasons.map((reason) => {
    const percent = Math.round(reason.share * 100);
    return h('li', { data: { reason: reason.kind } },
      icon(reason.kind),
      reason.product_id ? h('a', { href: productHref(reason.product_id), on: { click: () => popover.hidePopover() } }, reason.text) : h('span', {}, reason.text),
      h('b', {}, `${percent}%`),
      h('span', { class: 'share', vars: { '--share': `${percent}%` } }));
  });
  popover.replaceChildren(
    h('div', { class: 'title' },
      h('h2', { id: 'why-title' }, texts.why.title),
      h('button', { type: 'button', class: 'plain', 'aria-label': texts.why.close, on: { click: () => popover.hidePopover() } }, icon('close'))),
    h('p', { class: 'muted' }, item.product.title),
    h('ul', {}, rows),
    h('p', { class: 'fine' }, texts.why.foot(list.title, item.position, Number(item.score ?? 0).toFixed(3))),
    h('dl', { class: 'fine ids' },
      h('dt', {}, texts.why.model), h('dd', {}, h('code', {}, list.model ?? texts.why.none)),
      h('dt', {}, texts.why.decision), h('dd', {}, h('code', { title: list.decision_id }, list.decision_id))));
  collapse();
  button.setAttribute('aria-expanded', 'true');
  popover.showPopover();
  place(popover, button);
  popover.querySelector('button').focus({ preventScroll: true });
}

function collapse() {
  for (const open of document.querySelectorAll('.reason[aria-expanded=true]')) open.setAttribute('aria-expanded', 'false');
}
document.getElementById('why').addEventListener('toggle', (event) => event.newState === 'closed' && collapse());

/** Puts the popover beside its button, inside the window; small screens show it as a sheet at the bottom. */
function place(popover, button) {
  if (matchMedia('(max-width: 600px)').matches) {
    popover.style.left = popover.style.top = '';
    return;
  }
  const at = button.getBoundingClientRect();
  const below = at.bottom + popover.offsetHeight + 12 < innerHeight;
  popover.style.left = `${scrollX + Math.max(12, Math.min(at.left, innerWidth - popover.offsetWidth - 12))}px`;
  popover.style.top = `${scrollY + Math.max(12, below ? at.bottom + 6 : at.top - popover.offsetHeight - 6)}px`;
}

/** Minus, number, plus. `change` gets the new quantity. */
export function stepper(product, quantity, { min = 1, change }) {
  const number = h('output', { 'aria-label': texts.basket.quantity(product.title), 'aria-live': 'polite' }, quantity);
  const less = h('button', { type: 'button', class: 'round', 'aria-label': texts.basket.less(product.title), data: { action: 'less' } }, icon('minus'));
  const more = h('button', { type: 'button', class: 'round', 'aria-label': texts.basket.more(product.title), data: { action: 'more' } }, icon('plus'));
  const set = (value) => {
    quantity = value;
    number.textContent = value;
    less.disabled = value <= min;
    more.disabled = value >= 99;
  };
  less.addEventListener('click', () => { set(quantity - 1); change(quantity); });
  more.addEventListener('click', () => { set(quantity + 1); change(quantity); });
  set(quantity);
  return h('div', { class: 'stepper' }, less, number, more);
}
