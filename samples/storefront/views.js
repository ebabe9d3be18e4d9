// The pages where one looks around: home, category, search, product. A view gets `{params, query, signal, opened}`
// and gives back what stands in <main>; it calls `opened(title)` once its title is known.

import { categories, categoryFilter, product as fetchProduct } from './api.js';
import { addToBasket, follow, forSale, price, sold, stepper } from './card.js';
import { categoryHref, h, icon, money, priceOf, productHref } from './dom.js';
import { described, track } from './events.js';
import { browse, failure, feed, row } from './rows.js';
import { originOf, user } from './store.js';
import { openAccount } from './account.js';
import { picture, sign } from './tile.js';
import { texts } from './texts.js';

/** Replaces `outline` by what `build` makes of the answer, or by an error with a button to try again. */
async function whenLoaded(outline, load, build) {
  try {
    outline.replaceWith(await build(await load()));
  } catch (error) {
    if (error.name === 'AbortError') return;
    const again = failure(error, () => {
      again.replaceWith(outline);
      whenLoaded(outline, load, build);
    });
    outline.replaceWith(again);
  }
}

/** What an empty shop shows: that it is empty, and how to fill it. */
function emptyShop() {
  return h('div', { class: 'state', data: { state: 'empty-shop' } },
    h('p', {}, h('strong', {}, texts.state.empty)),
    h('p', { class: 'muted' }, texts.state.emptyHint),
    h('pre', {}, `curl -u SERVER_KEY: --data-binary @feed.tsv \\\n  "${location.origin}/v1/products/import?format=google-tsv"`));
}

/** Six items for the window: first one of each category, then the next best. */
function assorted(items) {
  const seen = new Set();
  const [firsts, others] = [[], []];
  for (const item of items) {
    const category = item.product.category?.at(-1);
    (seen.has(category) ? others : firsts).push(item);
    seen.add(category);
  }
  return [...firsts, ...others].slice(0, 6);
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
      h('p', { class: 'lead' }, known ? texts.hero.againLead : texts.hero.lead),
      h('button', { type: 'button', class: 'button', on: { click: openAccount } },
        icon('user'), known ? texts.hero.change : texts.hero.pretend)),
    show.node);
  const rows = h('div', {});
  const picked = row('home', {
    layout: 'strip grid-wide', signal,
    answered: (answer) => {
      show.fill(answer);
      if (answer.items.length) return;
      rows.replaceChildren(emptyShop());
    },
  });
  rows.append(
    picked,
    row('recently-viewed', { signal, keep: (a) => a.items.length > 0 && a.basis !== 'popularity' }),
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
    const inside = (c) => path.every((part, i) => c.path[i] === part);
    const here = all.find((c) => inside(c) && c.path.length === path.length);
    if (here?.products) count.textContent = texts.category.count(here.products);
    const children = all.filter((c) => inside(c) && c.path.length === path.length + 1);
    if (children.length) under.setAttribute('aria-label', texts.category.sub);
    children.sort((a, b) => b.products - a.products);
    const chips = children.map((c) => h('a', { class: 'chip', href: categoryHref(c.path) }, sign({ category: c.path }), c.path.at(-1)));
    under.append(...chips.slice(0, SHELVES));
    if (chips.length <= SHELVES) return;
    const rest = h('button', { type: 'button', class: 'chip', on: { click: () => rest.replaceWith(...chips.slice(SHELVES)) } },
      texts.category.rest(chips.length - SHELVES));
    under.append(rest);
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
  const q = (query.get('q') ?? '').trim();
  const title = q ? texts.found.title(q) : texts.found.all;
  opened(title, { name: 'Search' });
  if (q) track('Products Searched', { query: q });
  return [
    h('header', { class: 'head' }, h('h1', { tabindex: -1 }, title)),
    browse({
      list_id: 'search', title, query: { q }, signal,
      none: () => h('div', {},
        h('div', { class: 'state' }, h('p', {}, h('strong', {}, texts.found.none(q))), h('p', { class: 'muted' }, texts.found.noneHint)),
        row('trending', { signal })),
    }),
  ];
}

export function product({ params: [id], signal, opened }) {
  const outline = h('div', { class: 'detail outline', 'aria-busy': 'true' }, h('div', { class: 'picture' }), h('div', {}, h('p'), h('p'), h('p')));
  const rows = h('div', {});
  const load = () => fetchProduct(id, signal).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
  whenLoaded(outline, load, (found) => {
    if (!found) {
      opened(texts.product.missing, { name: 'Product' });
      rows.append(row('product-similar', { query: { product_id: id }, signal }));
      return h('div', { class: 'state' }, h('h1', { tabindex: -1 }, texts.product.missing), h('p', { class: 'muted' }, texts.product.missingHint));
    }
    opened(found.title, { name: 'Product' });
    track('Product Viewed', { ...described(found, originOf(id)), value: priceOf(found) ?? undefined });
    rows.append(
      row('product-bought-together', { query: { product_id: id }, signal }),
      row('product-similar', { query: { product_id: id }, signal }));
    return detail(found);
  });
  return [outline, rows];
}

function detail(found) {
  let quantity = 1;
  const facts = [
    [texts.product.brand, found.brand],
    [texts.product.category, found.category?.join(' › ')],
    ...Object.entries(found.attributes ?? {}).filter(([, value]) => ['string', 'number'].includes(typeof value)),
    [texts.product.number, found.id],
  ].filter(([, value]) => value != null && value !== '');
  const named = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');
  return h('div', {},
    crumbs(found.category ?? [], true),
    h('article', { class: 'detail', data: { productId: found.id } },
      h('div', { class: 'picture' }, picture(found)),
      h('div', { class: 'about' },
        found.brand && h('p', { class: 'eyebrow' }, found.brand),
        h('h1', { tabindex: -1 }, found.title),
        forSale(found) && price(found),
        forSale(found) && h('p', { class: sold(found) ? 'stock sold' : 'stock' }, sold(found) ? texts.product.sold : texts.product.available),
        found.description && h('p', { class: 'lead' }, found.description),
        forSale(found) && !sold(found) && h('div', { class: 'take' },
          stepper(found, 1, { change: (value) => { quantity = value; } }),
          h('button', { type: 'button', class: 'button', data: { action: 'add-to-basket' }, on: { click: () => addToBasket(found, quantity) } },
            icon('basket'), texts.product.add)),
        h('h2', { class: 'small' }, texts.product.details),
        h('dl', { class: 'facts' }, facts.flatMap(([name, value]) => [h('dt', {}, named(name)), h('dd', {}, String(value))])))));
}
