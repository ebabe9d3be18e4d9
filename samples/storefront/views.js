// The pages where one looks around: home, category, search, product. A view gets `{params, query, signal, opened}`
// and gives back what stands in <main>; it calls `opened(title)` once its title is known.

import { categories, categoryFilter, product as fetchProduct } from './api.js';
import { addToBasket, follow, forSale, price, sold } from './card.js';
import { categoryHref, h, icon, money, priceOf, productHref } from './dom.js';
import { described, track } from './events.js';
import { browse, failure, feed, row } from './rows.js';
import { originOf, user } from './store.js';
import { openAccount } from './account.js';
import { picture, sign } from './tile.js';
import { texts } from './texts.js';

/** What an empty shop shows: that it is empty, and how to fill it. */
function emptyShop() {
  return h('div', { class: 'state', data: { state: 'empty-shop' } },
    h('p', {}, h('strong', {}, texts.state.empty)),
    h('p', { class: 'muted' }, texts.state.emptyHint),
    h('pre', {}, `curl -u SERVER_KEY: --data-binary @feed.tsv \\\n  "${location.origin}/v1/products/import?format=google-tsv"`));
}

/** Six items for the window: first one of each category, then the next best. */
function assorted(items) {
  const categoryOf = ({ product }) => product.category?.at(-1);
  const firsts = items.filter((item, i) => items.findIndex((other) => categoryOf(other) === categoryOf(item)) === i);
  return [...new Set([...firsts, ...items])].slice(0, 6);
}

/** The shop window: the best of the home feed, standing on two shelves behind glass. */
function shopWindow() {
  const shelf = () => h('ul', { class: 'shelf' });
  const shelves = [shelf(), shelf()];
  const node = h('div', { class: 'window', 'aria-label': texts.hero.window, role: 'group' },
    h('div', { class: 'awning' }), h('div', { class: 'glass' }, shelves));
  const fill = (answer) => {
    shelves.forEach((one) => one.replaceChildren());
    assorted(answer.items).forEach(({ product, position }, i) => {
      const origin = { list_id: 'home', position, decision_id: answer.decision_id };
      shelves[i < 3 ? 0 : 1].append(h('li', {}, h('a', {
        href: productHref(product.id), title: product.title, on: { click: () => follow(product, origin) },
      }, product.image ? picture(product) : sign(product),
      h('span', { class: 'hidden' }, product.title),
      forSale(product) && h('span', { class: 'tag' }, money(priceOf(product), product.currency)))));
    });
  };
  return { node, fill };
}

export function home({ signal, opened }) {
  opened(texts.shop, { name: 'Home' });
  const known = user();
  const show = shopWindow();
  const hero = h('section', { class: 'hero', 'aria-labelledby': 'hero-title' },
    h('div', { class: 'words' },
      h('p', { class: 'eyebrow' }, texts.hero.eyebrow),
      h('h1', { id: 'hero-title', tabindex: -1 }, known ? texts.hero.again(known.id) : texts.hero.title),
      h('p', { class: 'lead' }, texts.hero.lead),
      h('button', { type: 'button', class: 'button', on: { click: openAccount } }, icon('user'), texts.hero.pretend)),
    show.node);
  const rows = h('div', {});
  const picked = row('home', {
    layout: 'strip grid-wide', signal,
    answered: (answer) => {
      show.fill(answer);
      if (!answer.items.length) rows.replaceChildren(emptyShop());
    },
  });
  rows.append(
    picked,
    row('recently-viewed', { signal }),
    row('trending', { signal }),
    feed('feed', { signal }));
  return [hero, rows];
}

const crumbs = (path, last) => h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('ol', {},
  h('li', {}, h('a', { href: '#/' }, texts.product.home)),
  path.map((name, i) => h('li', {}, last || i < path.length - 1
    ? h('a', { href: categoryHref(path.slice(0, i + 1)) }, name)
    : h('span', { 'aria-current': 'page' }, name)))));

/** So many narrower categories are shown before one asks for the rest. */
const SHELVES = 12;

export function category({ params: path, signal, opened }) {
  const name = path.at(-1);
  opened(name, { name: 'Category' });
  const under = h('p', { class: 'chips' });
  const count = h('p', { class: 'muted' });
  // The list below works without these, so a failure here stays silent.
  categories().then((all) => {
    const inside = all.filter((c) => path.every((part, i) => c.path[i] === part));
    const here = inside.find((c) => c.path.length === path.length);
    if (here) count.textContent = texts.category.count(here.products);
    const children = inside.filter((c) => c.path.length === path.length + 1).sort((a, b) => b.products - a.products);
    const chips = children.map((c) => h('a', { class: 'chip', href: categoryHref(c.path) }, sign({ category: c.path }), c.path.at(-1)));
    const rest = h('button', { type: 'button', class: 'chip', on: { click: () => rest.replaceWith(...chips.slice(SHELVES)) } },
      texts.category.rest(chips.length - SHELVES));
    under.append(...chips.slice(0, SHELVES), chips.length > SHELVES ? rest : '');
  }, () => {});
  return [
    crumbs(path),
    h('header', { class: 'head' }, h('h1', { tabindex: -1 }, name), count),
    under,
    row('category', { query: { filter: categoryFilter(name) }, signal }),
    browse({
      list_id: 'browse', title: texts.category.all, category: name, query: { category: name }, signal,
      none: () => h('p', { class: 'state' }, texts.category.none),
    }),
  ];
}

export function search({ query, signal, opened }) {
  const q = query.get('q') ?? '';
  const title = q ? texts.found.title(q) : texts.found.all;
  opened(title, { name: 'Search' });
  if (q) track('Products Searched', { query: q });
  return [
    h('h1', { tabindex: -1 }, title),
    browse({
      list_id: 'search', title, query: { q }, signal,
      none: () => h('div', {}, h('p', { class: 'state' }, texts.found.none(q)), row('trending', { signal })),
    }),
  ];
}

export function product({ params: [id], signal, opened }) {
  const box = h('div', { class: 'detail outline' }, h('div', { class: 'picture' }), h('div', {}, h('p'), h('p'), h('p')));
  const rows = h('div', {}, row('product-similar', { query: { product_id: id }, signal }));
  fetchProduct(id, signal).then((found) => {
    opened(found.title, { name: 'Product' });
    track('Product Viewed', { ...described(found, originOf(id)), value: priceOf(found) ?? undefined });
    rows.prepend(row('product-bought-together', { query: { product_id: id }, signal }));
    box.replaceWith(detail(found));
  }).catch((error) => {
    if (error.name === 'AbortError') return;
    opened(texts.product.missing, { name: 'Product' });
    box.replaceWith(failure(error, () => dispatchEvent(new Event('hashchange'))));
  });
  return [box, rows];
}

function detail(found) {
  const buyable = forSale(found) && !sold(found);
  const facts = [
    ...Object.entries(found.attributes ?? {}).filter(([, value]) => ['string', 'number'].includes(typeof value)),
    [texts.product.number, found.id],
  ];
  return h('div', {},
    crumbs(found.category ?? [], true),
    h('article', { class: 'detail', data: { productId: found.id } },
      h('div', { class: 'picture' }, picture(found)),
      h('div', { class: 'about' },
        found.brand && h('p', { class: 'eyebrow' }, found.brand),
        h('h1', { tabindex: -1 }, found.title),
        forSale(found) && price(found),
        forSale(found) && h('p', { class: buyable ? 'stock' : 'stock sold' }, buyable ? texts.product.available : texts.card.sold),
        found.description && h('p', { class: 'lead' }, found.description),
        buyable && h('button', {
          type: 'button', class: 'button', data: { action: 'add-to-basket' }, on: { click: () => addToBasket(found) },
        }, icon('basket'), texts.product.add),
        h('dl', { class: 'facts' }, facts.flatMap(([name, value]) => [h('dt', {}, name.replaceAll('_', ' ')), h('dd', {}, String(value))])))));
}
