// Asks the shop's API: catalogue, recommendations and the demo's user tokens.

import { API, AUTHORIZATION, settled } from './events.js';
import { anonymousId, language, setUser, user } from './store.js';
import { texts } from './texts.js';

/** The answer to a request. A refused or failed one is an error with a `status`, 0 when nobody answered. */
async function request(path, { query = {}, headers, ...options } = {}) {
  const given = `${new URLSearchParams(Object.entries(query).filter(([, value]) => value != null && value !== ''))}`;
  const response = await fetch(`${API}${path}${given && `?${given}`}`, {
    ...options, headers: { Authorization: AUTHORIZATION, ...headers },
  }).catch((error) => {
    if (error.name === 'AbortError') throw error;
    throw Object.assign(new Error(texts.state.offline), { status: 0 });
  });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const { detail = `HTTP ${response.status}`, request_id: requestId } = body;
  throw Object.assign(new Error(detail), { status: response.status, requestId });
}

export const product = (id, signal) => request(`/v1/products/${encodeURIComponent(id)}`, { signal });
export const products = (query, signal) => request('/v1/products', { query, signal });

let shelves;
/** All categories, asked for once a page load. */
export function categories() {
  shelves ??= request('/v1/categories').then((body) => body.categories);
  shelves.catch(() => { shelves = undefined; });
  return shelves;
}

/** A token that proves to the API who the customer is. A real shop's server signs it; here the local stack does. */
export async function userToken(id) {
  const { token } = await request('/demo/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_id: id }),
  });
  return token;
}

/** Asks as this visitor, once the events so far have arrived; `ask` gets the customer, if there is one. */
async function asVisitor(ask) {
  await settled();
  const who = user();
  try {
    return await ask(who);
  } catch (error) {
    if (!who || (error.status !== 401 && error.status !== 403)) throw error;
    // Tokens run out: fetch a fresh one and ask once more.
    const token = await userToken(who.id);
    if (user()?.id === who.id) setUser(who.id, token, { quiet: true });
    return ask({ ...who, token });
  }
}

const told = (who) => ({ anonymous_id: anonymousId(), visitor_id: who?.id, language: language() });
const proof = (who) => (who ? { 'X-Vitrine-User': who.token } : {});

/** The answer of one placement. */
export const recommend = (placement, query = {}, signal) => asVisitor((who) =>
  request(`/v1/recommendations/${encodeURIComponent(placement)}`, { query: { ...told(who), ...query }, headers: proof(who), signal }));

const post = (path, body, signal) => asVisitor((who) => request(path, {
  method: 'POST', headers: { 'Content-Type': 'application/json', ...proof(who) }, body: JSON.stringify({ ...told(who), ...body }), signal,
}));

/** The answers of all rows of a page, in one call: no product stands in two of them. */
export const recommendPage = (placements, signal) => post('/v1/recommendations', { placements }, signal).then((body) => body.placements);

/** The best of a list that was found otherwise, such as a search's, for this visitor. */
export const rank = (body, signal) => post('/v1/rank', body, signal);

const quoted = (text) => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** What is asked in the filter language: `category = "…" and brand in ["…"] and price <= 5`. Empty if nothing is. */
export function expression({ category, brands = [], min, max }) {
  return [
    category && `category = ${quoted(category)}`,
    brands.length > 0 && `brand in [${brands.map(quoted).join(', ')}]`,
    min != null && `price >= ${min}`,
    max != null && `price <= ${max}`,
  ].filter(Boolean).join(' and ');
}
