// Starts the shop: header and footer, and which view answers to which address.

import { categories } from './api.js';
import { basket, order } from './checkout.js';
import { categoryHref, closePanels, h, hideToast, href, icon, openAccount } from './dom.js';
import { API, page, sendImpressions } from './events.js';
import { basketCount, changes, language, LANGUAGES, setLanguage, user } from './store.js';
import { sign } from './tile.js';
import { texts } from './texts.js';
import { category, home, inspiration, product, search } from './views.js';

const main = document.getElementById('main');
// An address that is not known shows the home page.
const VIEWS = { __proto__: null, '': home, inspiration, category, product, search, basket, order };

let leave = new AbortController();
let first = true;

/** `#/name/param/…?query` */
function address() {
  const [path, query = ''] = (location.hash.slice(1) || '/').split('?');
  const parts = path.split('/').slice(1).filter(Boolean);
  return { parts: parts.map((part) => decodeURIComponent(part)), query: new URLSearchParams(query) };
}

/** Shows the view of the present address; whoever changed the language stays where that is chosen. */
function show(event) {
  const { parts: [name = '', ...params], query } = address();
  // What was seen on the page that is left goes out before it is taken away.
  sendImpressions();
  leave.abort();
  hideToast();
  closePanels();
  leave = new AbortController();
  const { signal } = leave;
  const stays = first || event?.type === 'language';
  first = false;
  const view = VIEWS[name] ?? home;
  const opened = (title, { name: called }) => {
    document.title = title === texts.shop ? title : `${title} · ${texts.shop}`;
    page(called);
    // Readers of the screen hear the new heading; by then the view has put it up.
    if (!stays) setTimeout(() => !signal.aborted && main.querySelector('h1')?.focus({ preventScroll: true }));
  };
  main.replaceChildren(...view({ params, query, signal, opened }));
  scrollTo(0, 0);
  document.getElementById('q').value = name === 'search' ? query.get('q') ?? '' : '';
  for (const link of document.querySelectorAll('.shelves a')) {
    if (name && link.hash === href(name, ...params.slice(0, 1))) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function header() {
  const field = h('input', { id: 'q', type: 'search', name: 'q', placeholder: texts.search.placeholder, 'aria-label': texts.search.label, autocomplete: 'off', enterkeyhint: 'search' });
  const account = h('button', { type: 'button', class: 'tool', id: 'account-button', on: { click: openAccount } });
  const bag = h('a', { class: 'tool', id: 'basket-button', href: '#/basket' });
  const tongue = h('select', { id: 'language', 'aria-label': texts.language, on: { change: () => setLanguage(tongue.value) } },
    Object.entries(LANGUAGES).map(([code, name]) => h('option', { value: code, lang: code, selected: code === language() }, name)));
  const shelves = h('nav', { class: 'shelves', 'aria-label': texts.nav }, h('a', { href: '#/inspiration' }, icon('taste'), texts.inspiration));
  const refresh = () => {
    const known = user();
    account.replaceChildren(icon('user'), h('span', {}, known ? texts.account.as(known.id) : texts.account.short));
    if (known) account.dataset.user = known.id;
    else delete account.dataset.user;
    const count = basketCount();
    bag.replaceChildren(icon('basket'), h('span', {}, texts.basket.short), count ? h('b', { class: 'count' }, count) : '');
    bag.dataset.count = count;
  };
  changes.addEventListener('user', refresh);
  changes.addEventListener('basket', refresh);
  refresh();
  // The strip is a convenience; without it the shop works.
  categories().then((all) => {
    const roots = all.filter((c) => c.path.length === 1).sort((a, b) => b.products - a.products).slice(0, 14);
    shelves.append(...roots.map((c) => h('a', { href: categoryHref(c.path) }, sign({ category: c.path }), c.path[0])));
  }, () => {});
  document.getElementById('top').append(
    h('div', { class: 'bar' },
      h('a', { class: 'logo', href: '#/', 'aria-label': texts.logo }, h('span', { 'aria-hidden': 'true' }), texts.shop),
      h('form', { class: 'search', role: 'search', on: {
        submit: (event) => {
          event.preventDefault();
          const q = field.value.trim();
          if (q) location.hash = `#/search?${new URLSearchParams({ q })}`;
        },
      } }, icon('search'), field),
      tongue, account, bag),
    shelves);
}

history.scrollRestoration = 'manual';
header();
document.getElementById('foot').append(
  h('p', {}, texts.foot.about),
  h('p', {}, h('a', { href: `${API}/docs` }, texts.foot.api), h('a', { href: `${API}/openapi.json` }, texts.foot.openapi)));
addEventListener('hashchange', show);
// Another visitor sees another shop.
changes.addEventListener('user', show);
changes.addEventListener('language', show);
document.getElementById('skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
show();
