// Asks the shop's API: catalogue, recommendations and the demo's user tokens.

import { API, AUTHORIZATION, settled } from './events.js';
import { anonymousId, setUser, user } from './store.js';
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

/** The answer of one placement for this visitor. Waits until the events so far have arrived. */
export async function recommend(placement, query = {}, signal) {
  await settled();
  const ask = (who) => request(`/v1/recommendations/${encodeURIComponent(placement)}`, {
    query: { anonymous_id: anonymousId(), visitor_id: who?.id, ...query },
    headers: who ? { 'X-Vitrine-User': who.token } : {},
    signal,
  });
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

/** `category = "…"` in the filter language. */
export const categoryFilter = (name) => `category = "${name.replace(/["\\]/g, '\\$&')}"`;
