// The account panel: be one of the sample's customers, or a new visitor.

import { userToken } from './api.js';
import { h, openPanel, toast } from './dom.js';
import { identify } from './events.js';
import { anonymousId, reset, setUser, user } from './store.js';
import { texts } from './texts.js';

/** Some customers of the sample's order book, and what they buy far more of than others. */
const CUSTOMERS = { 543: 'cat food', 766: 'organic fruit', 800: 'baby food', 853: 'wine', 947: 'dog food', 762: 'salad bar' };

const t = texts.account;

async function signIn(id) {
  const token = await userToken(id);
  // One browser, two customers: they must not become one person, so the second starts with a new anonymous id.
  if (user() && user().id !== id) reset();
  identify(id);
  setUser(id, token);
  toast(t.hello(id));
}

function leave() {
  reset();
  toast(t.bye);
}

/** Opens the panel as it is for the present visitor. Whoever changes the visitor sees the shop anew, without it. */
export function openAccount() {
  const known = user();
  const problem = h('p', { class: 'problem', role: 'alert' });
  const input = h('input', { id: 'account-id', required: true, maxlength: 100, autocomplete: 'off', spellcheck: 'false' });
  const attempt = (id) => signIn(id).catch((error) => { problem.textContent = `${t.failed} ${error.message}`; });
  openPanel('account', t.title,
    known
      ? h('p', { class: 'signed' }, h('strong', {}, t.you(known.id)),
        h('button', { type: 'button', class: 'button quiet', data: { action: 'sign-out' }, on: { click: leave } }, t.signOut))
      : h('p', { class: 'muted' }, t.lead),
    h('form', { on: { submit: (event) => { event.preventDefault(); attempt(input.value.trim()); } } },
      h('label', { for: 'account-id' }, t.id),
      h('div', { class: 'ask' }, input, h('button', { class: 'button' }, t.signIn))),
    h('p', { class: 'chips' }, h('span', { class: 'muted' }, t.some),
      Object.entries(CUSTOMERS).map(([id, what]) =>
        h('button', { type: 'button', class: 'chip', data: { customer: id }, on: { click: () => attempt(id) } }, t.likes(id, what)))),
    problem,
    h('p', { class: 'fine' }, `${t.anonymous} `, h('code', {}, anonymousId())),
    !known && h('button', { type: 'button', class: 'button quiet', data: { action: 'reset' }, on: { click: leave } }, t.reset));
}
