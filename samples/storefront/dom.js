// Small helpers to build elements, icons, panels and formatted values. Text always goes in as text, never as markup.

import { texts } from './texts.js';

/** Creates an element. `vars` sets CSS variables, `on` listeners, `data` data attributes; null children are left out. */
export function h(tag, { vars, on, data, class: names, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  if (names) node.className = names;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(data ?? {})) if (value != null) node.dataset[name] = value;
  for (const [name, value] of Object.entries(vars ?? {})) node.style.setProperty(name, value);
  for (const [name, listener] of Object.entries(on ?? {})) node.addEventListener(name, listener);
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

/** An SVG element from markup of our own; never pass text from outside. */
export function svg(viewBox, markup, names) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  node.setAttribute('viewBox', viewBox);
  node.setAttribute('aria-hidden', 'true');
  if (names) node.setAttribute('class', names);
  node.innerHTML = markup;
  return node;
}

const ICONS = {
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7',
  basket: 'M3 9h18l-2 11H5zM8 9l3-6M16 9l-3-6',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  check: 'M4 13l5 5L20 6',
  filter: 'M3 6h18M6 12h12M10 18h4',
  // One sign for each kind of reason.
  viewed: 'M2 12c4-8 16-8 20 0-4 8-16 8-20 0zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  bought: 'M5 8h14l1 13H4zM9 8a3 3 0 0 1 6 0',
  context: 'M9 15l6-6M10 7l2-2a4 4 0 0 1 6 6l-2 2M14 17l-2 2a4 4 0 0 1-6-6l2-2',
  taste: 'M12 20C2 13 4 5 9 5c2 0 3 2 3 2s1-2 3-2c5 0 7 8-3 15z',
  next: 'M5 12h14M13 6l6 6-6 6',
  content: 'M5 6h14M5 12h14M5 18h8',
  popular: 'M12 3l3 6 6 1-4.5 4.5 1 6.5-5.5-3-5.5 3 1-6.5L3 10l6-1z',
  trending: 'M3 17l6-6 4 4 8-9M15 6h6v6',
  recent: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l4 2',
  new: 'M12 3v6M12 15v6M3 12h6M15 12h6',
  rule: 'M12 3v18M5 7h14M5 7l-3 7h6zM19 7l-3 7h6z',
  explored: 'M4 4h16v16H4zM8.5 8.5h.01M15.5 15.5h.01M12 12h.01',
  other: 'M5 12h.01M12 12h.01M19 12h.01',
};

/** A line icon that takes the colour of its text. */
export const icon = (name) => svg('0 0 24 24', `<path d="${ICONS[name] ?? ICONS.popular}"/>`, 'icon');

/** A price as the shop shows it. */
export function money(amount, currency = 'USD') {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).format(amount);
}

/** What a product costs today, or null. */
export function priceOf(product) {
  const { price, sale_price: sale } = product;
  return sale != null && (price == null || sale < price) ? sale : price ?? null;
}

/** How long ago, or on which day, in words. */
export function ago(time) {
  const minutes = (Date.now() - time) / 60_000;
  const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (minutes < 60) return words.format(-Math.round(minutes), 'minute');
  if (minutes < 24 * 60) return words.format(-Math.round(minutes / 60), 'hour');
  return words.format(-Math.round(minutes / 60 / 24), 'day');
}

export const href = (...parts) => `#/${parts.map(encodeURIComponent).join('/')}`;
export const productHref = (id) => href('product', id);
export const categoryHref = (path) => href('category', ...path);

let toastTimer;
const toasts = document.getElementById('toast');
/** Says something in a corner and to screen readers. */
export function toast(message, link) {
  toasts.replaceChildren(h('span', {}, message), link ? h('a', { href: link.href }, link.text) : '');
  toasts.classList.add('shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(hideToast, 4000);
}
export const hideToast = () => toasts.classList.remove('shown');

/** The account panel, which is fetched when it is first opened. */
export const openAccount = () => import('./account.js').then((account) => account.openAccount());

/** Opens one of the page's dialogs with a title, a button to close it, and what it holds. */
export function openPanel(id, title, ...children) {
  const panel = document.getElementById(id);
  panel.replaceChildren(
    h('div', { class: 'title' },
      h('h2', { id: `${id}-title` }, title),
      h('button', { type: 'button', class: 'plain', 'aria-label': texts.close, on: { click: () => panel.close() } }, icon('close'))),
    ...children.flat().filter(Boolean));
  if (!panel.open) panel.showModal();
}
export const closePanels = () => document.querySelectorAll('dialog[open]').forEach((panel) => panel.close());
// A click beside a panel closes it, and so does following a link in it.
addEventListener('click', ({ target }) => target.matches?.('dialog, dialog a') && closePanels());
