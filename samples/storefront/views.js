// The pages where one looks around: home, category, search, product. A view gets `{params, query, signal, opened}`
// and gives back what stands in <main>; it calls `opened(title)` once its title is known.

import { categories, expression, product as fetchProduct, products, rank } from './api.js';
import { addToBasket, follow, forSale, price, sold } from './card.js';
import { categoryHref, h, icon, money, openAccount, priceOf, productHref } from './dom.js';
import { described, track, watch } from './events.js';
import { browse, failure, row, rows } from './rows.js';
import { originOf, user } from './store.js';
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
  const title = h('h1', { id: 'hero-title', tabindex: -1 }, known ? texts.hero.again(known.id) : texts.hero.title);
  const lead = h('p', { class: 'lead' }, texts.hero.lead);
  const words = h('div', { class: 'words' },
    h('p', { class: 'eyebrow' }, texts.hero.eyebrow), title, lead,
    h('button', { type: 'button', class: 'button', on: { click: openAccount } }, icon('user'), texts.hero.pretend));
  const hero = h('section', { class: 'hero', 'aria-labelledby': 'hero-title' }, words, show.node);
  // What a rule or a test has the shop say here.
  const say = ({ title: heading, text, link }, decision_id) => {
    title.textContent = heading ?? title.textContent;
    lead.textContent = text ?? '';
    const promotion = { promotion_id: 'hero', name: heading, position: 'hero', decision_id };
    const clicked = () => void track('Promotion Clicked', promotion);
    if (/^#/.test(link)) words.append(h('a', { class: 'button', href: link, on: { click: clicked } }, texts.hero.more));
    watch(words, { promotion });
  };
  const box = h('div', {});
  box.append(...rows([
    {
      placement: 'home',
      layout: 'strip grid-wide',
      answered: (answer) => {
        show.fill(answer);
        if (answer.content?.hero) say(answer.content.hero, answer.decision_id);
        if (!answer.items.length) box.replaceChildren(emptyShop());
      },
    },
    { placement: 'recently-viewed' },
    { placement: 'trending' },
    { placement: 'feed', endless: true },
  ], { signal }));
  return [hero, box];
}

/** The feed has files of its own, for whoever opens it. */
export function inspiration(asked) {
  const box = h('div', {});
  import('./feed.js').then(({ feed }) => asked.signal.aborted || box.append(...feed(asked)),
    (error) => box.append(failure(error, () => location.reload())));
  return [box];
}

const crumbs = (path, last) => h('nav', { class: 'crumbs', 'aria-label': 'Breadcrumb' }, h('ol', {},
  h('li', {}, h('a', { href: '#/' }, texts.product.home)),
  path.map((name, i) => h('li', {}, last || i < path.length - 1
    ? h('a', { href: categoryHref(path.slice(0, i + 1)) }, name)
    : h('span', { 'aria-current': 'page' }, name)))));

/** So many narrower categories are shown before one asks for the rest. */
const SHELVES = 12;

export function category({ params: path, query, signal, opened }) {
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
    filtered({
      category: name, query, signal,
      lists: (filter, ends) => [
        row('category', { query: { filter }, signal: ends.signal }),
        browse({ list_id: 'browse', title: texts.category.all, category: name, query: { filter }, ...ends }),
      ],
      none: () => h('p', { class: 'state' }, texts.category.none),
    }),
  ];
}

/** The best of what a search found, for this visitor: the found products, put in order by the API. */
const bestOf = (q, filter) => async (placement, { limit }, signal) => {
  const found = new Map((await products({ q, filter, limit: 100 }, signal)).products.map((one) => [one.id, one]));
  if (!found.size) return { basis: 'empty', items: [] };
  const answer = await rank({ items: [...found.keys()], filter: filter || undefined, limit }, signal);
  return { ...answer, items: answer.items.map((item) => ({ ...item, product: found.get(item.product_id) })) };
};

export function search({ query, signal, opened }) {
  const q = query.get('q') ?? '';
  const title = q ? texts.found.title(q) : texts.found.all;
  opened(title, { name: 'Search' });
  if (q) track('Products Searched', { query: q });
  return [
    h('h1', { tabindex: -1 }, title),
    filtered({
      q, query, signal,
      lists: (filter, ends) => [
        row('rank', { ask: bestOf(q, filter), signal: ends.signal }),
        browse({ list_id: 'search', title, query: { q, filter }, ...ends }),
      ],
      none: () => h('div', {}, h('p', { class: 'state' }, texts.found.none(q)), row('trending', { signal })),
    }),
  ];
}

const number = (text) => (text?.trim() && Number(text) >= 0 ? Number(text) : null);

/** Writes a choice into the address, so that it can be kept and shared, without making the page anew. */
function keep({ brands, min, max }) {
  const [path, before = ''] = location.hash.split('?');
  const query = new URLSearchParams(before);
  for (const name of ['brand', 'min', 'max']) query.delete(name);
  brands.forEach((brand) => query.append('brand', brand));
  if (min != null) query.set('min', min);
  if (max != null) query.set('max', max);
  history.replaceState(null, '', `${query}` ? `${path}?${query}` : path);
}

/** So many brands are shown before one asks for the rest. */
const BRANDS = 8;

/**
 * Lists that can be narrowed by brand and price. One expression of the filter language says what is asked; `lists` gets it
 * and gives what stands below, `none` what stands there if there is nothing at all.
 */
function filtered({ category: name, q, query, signal, lists, none }) {
  const t = texts.filter;
  const choice = { brands: query.getAll('brand'), min: number(query.get('min')), max: number(query.get('max')) };
  const many = () => choice.brands.length + (choice.min != null) + (choice.max != null);
  const results = h('div', {});
  const said = h('div', { class: 'chips said' });
  const count = h('p', { class: 'muted', role: 'status', data: { total: '' } });
  const code = h('code', {});
  const problem = h('p', { class: 'problem', role: 'alert', id: 'filter-problem' });
  const hint = h('p', { class: 'fine', id: 'filter-range' });
  const brands = h('div', { class: 'chips' });
  const field = (which) => h('input', {
    type: 'number', name: which, min: 0, step: 0.01, inputmode: 'decimal', value: choice[which], 'aria-describedby': 'filter-range filter-problem',
  });
  const fields = { min: field('min'), max: field('max') };
  const title = h('summary', {}, icon('filter'), h('span', {}, t.title));
  const panel = h('details', { class: 'filters', open: many() > 0 || matchMedia('(min-width: 821px)').matches },
    title,
    h('form', { on: { submit: (event) => event.preventDefault(), change: read } },
      h('fieldset', { data: { filter: 'brand' } }, h('legend', {}, t.brand), brands),
      h('fieldset', { data: { filter: 'price' } }, h('legend', {}, t.price),
        h('div', { class: 'prices' }, h('label', {}, t.min, fields.min), h('label', {}, t.max, fields.max)), hint, problem)));

  function read() {
    choice.brands = [...brands.querySelectorAll(':checked')].map((box) => box.value);
    for (const which of ['min', 'max']) choice[which] = number(fields[which].value);
    show();
  }
  /** Takes something out of the choice; whoever did it by keyboard goes on at the panel's title. */
  function without(change) {
    Object.assign(choice, change);
    for (const box of brands.querySelectorAll('input')) box.checked = choice.brands.includes(box.value);
    for (const which of ['min', 'max']) fields[which].value = choice[which] ?? '';
    show();
    title.focus();
  }
  const clear = () => without({ brands: [], min: null, max: null });
  const words = () => [
    ...choice.brands.map((brand) => [t.isBrand(brand), { brands: choice.brands.filter((other) => other !== brand) }]),
    choice.min != null && [t.from(money(choice.min)), { min: null }],
    choice.max != null && [t.upTo(money(choice.max)), { max: null }],
  ].filter(Boolean);
  const clearing = (names) => h('button', { type: 'button', class: names, data: { action: 'clear-filters' }, on: { click: clear } }, t.clear);
  const impossible = () => h('div', { class: 'state', data: { state: 'nothing-fits' } },
    h('p', {}, h('strong', {}, t.nothing)), h('p', { class: 'muted' }, words().map(([text]) => text).join(' · ')), clearing('button quiet'));

  let ends = new AbortController();
  signal.addEventListener('abort', () => ends.abort());
  function show() {
    ends.abort();
    ends = new AbortController();
    keep(choice);
    const asked = expression({ category: name, ...choice });
    code.textContent = asked || t.everything;
    said.replaceChildren(...words().map(([text, change]) => h('button', {
      type: 'button', class: 'chip', 'aria-label': t.remove(text), data: { action: 'remove-filter' }, on: { click: () => without(change) },
    }, text, icon('close'))), many() > 1 ? clearing('chip') : '');
    count.textContent = '';
    const crossed = choice.min != null && choice.max != null && choice.min > choice.max;
    problem.textContent = crossed ? t.crossed : '';
    for (const one of Object.values(fields)) one.setAttribute('aria-invalid', crossed);
    results.replaceChildren(...crossed ? [impossible()] : lists(asked, {
      signal: ends.signal,
      none: many() ? impossible : none,
      answered: ({ total }) => Object.assign(count, { textContent: t.count(total) }).dataset.total = total,
    }));
    if (!crossed) counted(ends.signal).catch(() => {});
  }
  /** How many products each brand has at the chosen prices. The lists work without these numbers. */
  async function counted(signal) {
    const at = { category: name, min: choice.min, max: choice.max };
    const { facets } = await products({ q, filter: expression(at), facets: true, limit: 1 }, signal);
    const numbers = new Map(facets.brands.map(({ value, products: n }) => [value, n]));
    for (const pick of brands.querySelectorAll('label')) {
      const n = numbers.get(pick.dataset.brand);
      // Only the commonest are counted: of others nothing is known, unless these are all.
      pick.querySelector('i').textContent = n ?? (facets.brands.length < 20 ? 0 : '');
    }
  }
  /** The brands and prices that there are, once. */
  async function offer() {
    const { facets } = await products({ q, filter: expression({ category: name }), facets: true, limit: 1 }, signal);
    const numbers = new Map(facets.brands.map(({ value, products: n }) => [value, n]));
    const names = [...new Set([...choice.brands, ...numbers.keys()])];
    const pick = (brand) => h('label', { class: 'chip pick', data: { brand } },
      h('input', { type: 'checkbox', name: 'brand', value: brand, checked: choice.brands.includes(brand) }), brand, h('i', {}, numbers.get(brand)));
    const picks = names.map(pick);
    const first = Math.max(BRANDS, choice.brands.length);
    const rest = h('button', { type: 'button', class: 'chip', on: { click: () => {
      rest.replaceWith(...picks.slice(first));
      picks[first].querySelector('input').focus();
    } } }, texts.category.rest(picks.length - first));
    brands.append(...picks.slice(0, first), picks.length > first ? rest : '');
    if (facets.price) hint.textContent = t.range(money(facets.price.min), money(facets.price.max));
    panel.hidden = !picks.length && !facets.price;
  }
  show();
  offer().then(() => counted(ends.signal)).catch(() => {});
  return h('div', {}, panel,
    h('div', { class: 'asked' }, count, said, h('p', { class: 'fine' }, `${t.asked} `, code)), results);
}

export function product({ params: [id], signal, opened }) {
  const box = h('div', { class: 'detail outline' }, h('div', { class: 'picture' }), h('div', {}, h('p'), h('p'), h('p')));
  const query = { product_id: id };
  const below = rows([{ placement: 'product-bought-together', query }, { placement: 'product-similar', query }], { signal });
  fetchProduct(id, signal).then((found) => {
    opened(found.title, { name: 'Product' });
    track('Product Viewed', { ...described(found, originOf(id)), value: priceOf(found) ?? undefined });
    box.replaceWith(detail(found));
  }).catch((error) => {
    if (error.name === 'AbortError') return;
    opened(texts.product.missing, { name: 'Product' });
    box.replaceWith(failure(error, () => dispatchEvent(new Event('hashchange'))));
  });
  return [box, ...below];
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
