// What this browser remembers: who the visitor is, the basket, and which recommendation led to which product.

// Storage can be switched off in a browser; a plain object then remembers for as long as the page is open.
const disk = (() => {
  try {
    localStorage.setItem('vitrine.probe', '1');
    localStorage.removeItem('vitrine.probe');
    return localStorage;
  } catch {
    return {};
  }
})();

export function read(name, fallback = null) {
  try {
    return JSON.parse(disk[`vitrine.${name}`] ?? null) ?? fallback;
  } catch {
    return fallback;
  }
}

export function write(name, value) {
  try {
    disk[`vitrine.${name}`] = JSON.stringify(value);
  } catch { /* full: what does not fit is forgotten */ }
}

export function remove(name) {
  delete disk[`vitrine.${name}`];
}

/** Names in use that begin so. */
export const names = (prefix) => Object.keys(disk).filter((key) => key.startsWith(`vitrine.${prefix}`)).map((key) => key.slice(8));

/** A random id (`randomUUID` exists only on https and loopback). */
export const uuid = () => [...crypto.getRandomValues(new Uint8Array(16))].map((x) => x.toString(16).padStart(2, '0')).join('');

/** Fires `basket`, `language` and `user`. */
export const changes = new EventTarget();
const changed = (what) => changes.dispatchEvent(new Event(what));

/** The id under `name`, made when it is first asked for. */
function idOf(name) {
  const id = read(name) ?? uuid();
  write(name, id);
  return id;
}
export const anonymousId = () => idOf('anonymous');
export const cartId = () => idOf('cart');

/** The signed-in customer `{id, token}`, or null. */
export const user = () => read('user');

/** `quiet`: only the token is new, nobody needs to look again. */
export function setUser(id, token, { quiet } = {}) {
  write('user', { id, token });
  if (!quiet) changed('user');
}

/** The language of the reasons: the one that was chosen, else the browser's if there is one of it. */
export const LANGUAGES = { en: 'English', fr: 'Français' };
export const language = () => [read('language'), navigator.language.slice(0, 2)].find((one) => one in LANGUAGES) ?? 'en';

export function setLanguage(chosen) {
  write('language', chosen);
  changed('language');
}

/** A new visitor: new anonymous id, no customer, empty basket. */
export function reset() {
  for (const name of ['user', 'anonymous', 'basket', 'cart', 'origins']) remove(name);
  changed('basket');
  changed('user');
}

/** Lines `{product, quantity, origin}`. */
export const basket = () => read('basket', []);
export const basketCount = () => basket().reduce((sum, line) => sum + line.quantity, 0);

/** Sets a quantity; 0 removes the line. Gives back the change. */
export function setQuantity(product, quantity, origin) {
  const lines = basket();
  const line = lines.find((l) => l.product.id === product.id) ?? { product, quantity: 0, origin };
  const before = line.quantity;
  if (before === 0) lines.push(line);
  line.quantity = quantity;
  write('basket', lines.filter((l) => l.quantity > 0));
  changed('basket');
  return quantity - before;
}

export function emptyBasket() {
  remove('basket');
  remove('cart');
  changed('basket');
}

const ORIGINS = 60;
const ORIGIN_MS = 60 * 60 * 1000;

/** Remembers the list and decision that led to a product, so that views, adds and orders can name it. */
export function setOrigin(productId, origin) {
  const others = read('origins', []).filter((o) => o.product_id !== productId);
  write('origins', [{ ...origin, product_id: productId, at: Date.now() }, ...others].slice(0, ORIGINS));
}

/** `{list_id, position, decision_id}` of the last click that led to this product within the hour, or `{}`. */
export function originOf(productId) {
  const found = read('origins', []).find((o) => o.product_id === productId && Date.now() - o.at < ORIGIN_MS);
  return found ? { list_id: found.list_id, position: found.position, decision_id: found.decision_id } : {};
}
