// The basket and the order.

import { h, href, icon, money, priceOf, productHref } from './dom.js';
import { described, track } from './events.js';
import { row } from './rows.js';
import { basket as lines, basketCount, cartId, changes, emptyBasket, read, setQuantity, uuid, write } from './store.js';
import { picture } from './tile.js';
import { texts } from './texts.js';

const cents = (amount) => Math.round(amount * 100) / 100;
const lineTotal = ({ product, quantity }) => (priceOf(product) ?? 0) * quantity;
const total = (all) => cents(all.reduce((sum, line) => sum + lineTotal(line), 0));
const saved = (all) => cents(all.reduce((sum, { product, quantity }) =>
  sum + (product.price == null ? 0 : Math.max(0, product.price - priceOf(product)) * quantity), 0));
const currencyOf = (all) => all[0]?.product.currency;
const spoken = (all) => all.map(({ product, quantity, origin }) => described(product, origin, quantity));

/** Changes a line and tells the API by how much. */
function change(line, quantity) {
  const { product, origin } = line;
  const by = setQuantity(product, quantity, origin);
  line.quantity = quantity;
  track(by > 0 ? 'Product Added' : 'Product Removed', { cart_id: cartId(), ...described(product, origin, Math.abs(by)) });
}

function lineOf(line) {
  const { product } = line;
  const number = h('output', { 'aria-label': texts.basket.quantity(product.title), 'aria-live': 'polite' });
  const sum = h('b', { class: 'sum' });
  const button = (action, sign, by, names = 'round') => h('button', {
    type: 'button', class: names, 'aria-label': texts.basket[action](product.title), data: { action },
    on: { click: () => { change(line, Math.max(0, line.quantity + by)); draw(); } },
  }, icon(sign));
  const less = button('less', 'minus', -1);
  const draw = () => {
    number.textContent = line.quantity;
    less.disabled = line.quantity <= 1;
    sum.textContent = money(lineTotal(line), product.currency);
  };
  draw();
  return h('li', { class: 'line', data: { productId: product.id } },
    h('a', { class: 'picture', href: productHref(product.id), tabindex: -1, 'aria-hidden': 'true' }, picture(product)),
    h('div', { class: 'what' },
      h('a', { href: productHref(product.id) }, product.title),
      h('p', { class: 'fine' }, texts.basket.each(money(priceOf(product) ?? 0, product.currency)))),
    h('div', { class: 'stepper' }, less, number, button('more', 'plus', 1)),
    sum,
    button('remove', 'close', -Infinity, 'plain'));
}

/** The sums, under a list of `[name, amount]`. */
function bill(all, positions, button) {
  const currency = currencyOf(all);
  const line = ([name, amount], names) => [h('dt', { class: names }, name), h('dd', { class: names }, money(amount, currency))];
  return h('div', { class: 'bill' },
    h('dl', {}, positions.flatMap((position) => line(position)),
      saved(all) > 0 && line([texts.basket.saved, -saved(all)], 'reduced'),
      line([texts.basket.total, total(all)], 'total')),
    button);
}

export function basket({ signal, opened }) {
  opened(texts.basket.title, { name: 'Basket' });
  track('Cart Viewed', { cart_id: cartId(), products: spoken(lines()) });
  const side = h('aside', {});
  const box = h('div', {});
  let shown = null;
  // The lines stand still while numbers change; they and the row below are made anew when a product comes or goes.
  function show() {
    const all = lines();
    const ids = all.map((line) => line.product.id).join();
    side.replaceChildren(bill(all, [[texts.basket.subtotal(basketCount()), total(all) + saved(all)]],
      h('button', { type: 'button', class: 'button', data: { action: 'order' }, on: { click: placeOrder } }, icon('check'), texts.basket.order)));
    if (ids === shown) return;
    shown = ids;
    box.replaceChildren(
      all.length ? h('div', { class: 'checkout' }, h('ul', {}, all.map(lineOf)), side)
        : h('p', { class: 'state', data: { state: 'empty-basket' } }, texts.basket.empty),
      row(all.length ? 'basket' : 'trending', { query: { basket: ids }, signal }));
  }
  show();
  changes.addEventListener('basket', show, { signal });
  return [h('h1', { tabindex: -1 }, texts.basket.title), box];
}

function placeOrder() {
  const all = lines();
  const id = `W-${uuid().slice(0, 8).toUpperCase()}`;
  const order = {
    order_id: id,
    checkout_id: cartId(),
    affiliation: texts.shop,
    value: total(all),
    revenue: total(all),
    subtotal: cents(total(all) + saved(all)),
    discount: saved(all),
    shipping: 0,
    tax: 0,
    currency: currencyOf(all),
    products: spoken(all),
  };
  track('Checkout Started', order);
  track('Order Completed', { ...order, total: order.value });
  write('order', { id, lines: all });
  // Empty the basket once its page is left, so that it is not drawn empty on the way out.
  addEventListener('hashchange', emptyBasket, { once: true });
  location.hash = href('order', id);
}

export function order({ params: [id], signal, opened }) {
  opened(texts.order.title, { name: 'Order' });
  const placed = read('order');
  return [
    h('div', { class: 'state thanks', data: { orderId: id } },
      h('span', { class: 'seal' }, icon('check')),
      h('h1', { tabindex: -1 }, texts.order.title),
      h('p', { class: 'muted' }, texts.order.lead(id)),
      placed?.id === id && bill(placed.lines, placed.lines.map(({ product, quantity }) =>
        [`${quantity} × ${product.title}`, (product.price ?? priceOf(product)) * quantity])),
      h('a', { class: 'button', href: '#/' }, texts.order.go)),
    row('home', { signal }),
  ];
}
