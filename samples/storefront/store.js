// What this browser remembers: who the visitor is, the basket, and which recommendation led to which product.

const memory = new Map();
// Storage can be switched off in a browser; the shop then remembers for as long as the page is open.
const disk = (() => {
  try {
    localStorage.setItem('vitrine.probe', '1');
    localStorage.removeItem('vitrine.probe');
    return localStorage;
  } catch {
    return null;
  }
})();

export function read(name, fallback = null) {
  try {
    const text = disk ? disk.getItem(`vitrine.${name}`) : memory.get(name);
    return text == null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

export function write(name, value) {
  const text = JSON.stringify(value);
  memory.set(name, text);
  try {
    disk?.setItem(`vitrine.${name}`, text);
  } catch { /* full: the memory copy serves until the page is left */ }
}

export function remove(name) {
  memory.delete(name);
  disk?.removeItem(`vitrine.${name}`);
}

/** Names in use that begin so. */
export function names(prefix) {
  const all = new Set(memory.keys());
  if (disk) for (const key of Object.keys(disk)) if (key.startsWith('vitrine.')) all.add(key.slice(8));
  return [...all].filter((name) => name.startsWith(prefix));
}

/** A random id; `randomUUID` exists only on https and loopback. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  return [...b].map((x, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + x.toString(16).padStart(2, '0')).join('');
}

/** Fires `basket` and `user`. */
export const changes = new EventTarget();
const changed = (what) => changes.dispatchEvent(new Event(what));
// Another tab changed something: show it here too.
addEventListener('storage', ({ key }) => {
  if (key === 'vitrine.basket') changed('basket');
  if (key === 'vitrine.user' || key === 'vitrine.anonymous') changed('user');
});

export function anonymousId() {
  const known = read('anonymous');
  if (known) return known;
  const id = uuid();
  write('anonymous', id);
  return id;
}

/** The signed-in customer `{id, token}`, or null. */
export const user = () => read('user');

/** `quiet`: only the token is new, nobody needs to look again. */
export function setUser(id, token, { quiet } = {}) {
  write('user', { id, token });
  if (!quiet) changed('user');
}

/** A new visitor: new anonymous id, no customer, empty basket. */
export function reset() {
  for (const name of ['user', 'basket', 'cart', 'origins']) remove(name);
  write('anonymous', uuid());
  changed('basket');
  changed('user');
}

/** Lines `{product, quantity, origin}`. */
export const basket = () => read('basket', []);
export const basketCount = () => basket().reduce((sum, line) => sum + line.quantity, 0);

/** Sets a quantity; 0 removes the line. Gives back the change. */
export function setQuantity(product, quantity, origin) {
  const lines = basket();
  const at = lines.findIndex((line) => line.product.id === product.id);
  const before = at < 0 ? 0 : lines[at].quantity;
  if (at < 0 && quantity > 0) lines.push({ product, quantity, origin });
  else if (at >= 0 && quantity > 0) lines[at].quantity = quantity;
  else if (at >= 0) lines.splice(at, 1);
  write('basket', lines);
  changed('basket');
  return quantity - before;
}

export function cartId() {
  const id = read('cart') ?? uuid();
  write('cart', id);
  return id;
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
  if (!found) return {};
  return { list_id: found.list_id, position: found.position, decision_id: found.decision_id };
}
