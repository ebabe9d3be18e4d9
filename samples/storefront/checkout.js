// The basket and the order.

import { stepper } from './card.js';
import { h, href, icon, money, priceOf, productHref, toast } from './dom.js';
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
const spoken = (all) => all.map(({ product, quantity, origin }) => described(product, origin ?? {}, quantity));

/** Changes a line and tells the API by how much. */
function change(line, quantity) {
  const { product, origin } = line;
  const by = setQuantity(product, quantity, origin);
  if (by === 0) return;
  track(by > 0 ? 'Product Added' : 'Product Removed', { cart_id: cartId(), ...described(product, origin ?? {}, Math.abs(by)) });
  if (quantity === 0) toast(texts.basket.removed(product.title));
}

function lineOf(line) {
  const { product } = line;
  const sum = h('b', { class: 'sum' }, money(lineTotal(line), product.currency));
  return h('li', { class: 'line', data: { productId: product.id } },
    h('a', { class: 'picture', href: productHref(product.id), tabindex: -1, 'aria-hidden': 'true' }, picture(product)),
    h('div', { class: 'what' },
      h('a', { href: productHref(product.id) }, product.title),
      h('p', { class: 'muted' }, texts.basket.each(money(priceOf(product) ?? 0, product.currency)))),
    stepper(product, line.quantity, {
      change: (quantity) => {
        line.quantity = quantity;
        change(line, quantity);
        sum.textContent = money(lineTotal(line), product.currency);
      },
    }),
    sum,
    h('button', {
      type: 'button', class: 'plain remove', 'aria-label': texts.basket.remove(product.title), data: { action: 'remove' },
      on: { click: () => change(line, 0) },
    }, icon('close'), h('span', {}, texts.basket.removeShort)));
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
  const list = h('ul', { class: 'lines' });
  const side = h('aside', {});
  const layout = h('div', { class: 'checkout' }, list, side);
  const rows = h('div', {});
  let shown = null;
  // The lines stand still while numbers change; they and the row below are made anew when a product comes or goes.
  function show() {
    const all = lines();
    const ids = all.map((line) => line.product.id).join();
    side.replaceChildren(bill(all, [[texts.basket.subtotal(basketCount()), total(all) + saved(all)]],
      h('button', { type: 'button', class: 'button', data: { action: 'order' }, on: { click: placeOrder } }, icon('check'), texts.basket.order)));
    if (ids === shown) return;
    shown = ids;
    list.replaceChildren(...all.map(lineOf));
    rows.replaceChildren(row(all.length ? 'basket' : 'trending', { query: { basket: ids }, signal }));
    if (all.length) return;
    layout.replaceWith(h('div', { class: 'state', data: { state: 'empty-basket' } },
      h('p', {}, h('strong', {}, texts.basket.empty)),
      h('p', { class: 'muted' }, texts.basket.emptyHint),
      h('a', { class: 'button quiet', href: '#/' }, texts.basket.browse)));
  }
  show();
  changes.addEventListener('basket', () => {
    if (layout.isConnected) return show();
    // The first product put into an empty basket from the row below it.
    if (lines().length) dispatchEvent(new Event('hashchange'));
  }, { signal });
  return [h('header', { class: 'head' }, h('h1', { tabindex: -1 }, texts.basket.title)), layout, rows];
}

function placeOrder() {
  const all = lines();
  if (!all.length) return;
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
  const placed = read('order');
  const known = placed?.id === id;
  opened(known ? texts.order.title : texts.order.missing, { name: 'Order' });
  return [
    h('div', { class: 'state thanks', data: { orderId: known ? id : null } },
      known && h('span', { class: 'seal' }, icon('check')),
      h('h1', { tabindex: -1 }, known ? texts.order.title : texts.order.missing),
      known && h('p', { class: 'muted' }, texts.order.lead(id)),
      known && bill(placed.lines, placed.lines.map(({ product, quantity }) =>
        [`${quantity} × ${product.title}`, (product.price ?? priceOf(product)) * quantity])),
      known && h('p', { class: 'muted' }, texts.order.next),
      h('a', { class: 'button', href: '#/' }, texts.order.go)),
    row('home', { signal }),
  ];
}
