// The account panel: be one of the sample's customers, or a new visitor.

import { userToken } from './api.js';
import { h, icon, toast } from './dom.js';
import { identify } from './events.js';
import { anonymousId, reset, setUser, user } from './store.js';
import { texts } from './texts.js';

/** Some customers of the sample's order book, and what they buy far more of than others. */
const CUSTOMERS = { 543: 'cat food', 766: 'organic fruit', 800: 'baby food', 853: 'wine', 947: 'dog food', 762: 'salad bar' };

const t = texts.account;
const panel = document.getElementById('account');

/** Opens the panel as it is for the present visitor. */
export function openAccount() {
  draw();
  if (!panel.open) panel.showModal();
}

async function signIn(id) {
  const token = await userToken(id);
  // One browser, two customers: they must not become one person, so the second starts with a new anonymous id.
  if (user() && user().id !== id) reset();
  identify(id);
  setUser(id, token);
  panel.close();
  toast(t.hello(id));
}

function draw() {
  const known = user();
  const problem = h('p', { class: 'problem', role: 'alert' });
  const input = h('input', { name: 'user', id: 'account-id', required: true, maxlength: 100, autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' });
  const go = h('button', { class: 'button' }, t.signIn);
  const attempt = async (id) => {
    problem.textContent = '';
    go.disabled = true;
    try {
      await signIn(id);
    } catch (error) {
      problem.textContent = `${t.failed} ${error.message}`;
    }
    go.disabled = false;
  };
  const leave = () => {
    reset();
    panel.close();
    toast(t.bye);
  };
  panel.replaceChildren(
    h('div', { class: 'title' },
      h('h2', { id: 'account-title' }, t.title),
      h('button', { type: 'button', class: 'plain', 'aria-label': t.close, on: { click: () => panel.close() } }, icon('close'))),
    known
      ? h('p', { class: 'signed' }, h('strong', {}, t.you(known.id)),
        h('button', { type: 'button', class: 'button quiet', data: { action: 'sign-out' }, on: { click: leave } }, t.signOut))
      : h('p', { class: 'muted' }, t.lead),
    h('form', { on: { submit: (event) => { event.preventDefault(); attempt(input.value.trim()); } } },
      h('label', { for: 'account-id' }, t.id),
      h('div', { class: 'ask' }, input, go)),
    h('p', { class: 'chips' }, h('span', { class: 'muted' }, t.some),
      Object.entries(CUSTOMERS).map(([id, what]) =>
        h('button', { type: 'button', class: 'chip', data: { customer: id }, on: { click: () => attempt(id) } }, t.likes(id, what)))),
    problem,
    h('p', { class: 'fine' }, `${t.anonymous} `, h('code', { data: { anonymousId: anonymousId() } }, anonymousId()),
      !known && [h('br'), h('button', { type: 'button', class: 'link', data: { action: 'reset' }, on: { click: leave } }, t.reset), ` ${t.resetHint}.`]));
}

// A click beside the panel closes it.
panel.addEventListener('click', (event) => event.target === panel && panel.close());
