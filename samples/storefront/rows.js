// Rows of cards: a placement's answer, an endless feed, and a plain list from the catalogue. Each shows bare
// outlines while it loads, and says what went wrong, with a way to try again.

import { recommend, products } from './api.js';
import { card } from './card.js';
import { h, icon } from './dom.js';
import { texts } from './texts.js';

/** The heading of a placement, true for what its answer is based on. */
export const titleOf = (placement, basis) => {
  const row = texts.rows[placement] ?? { other: placement };
  return row[basis] ?? row.other;
};

/** "based on … · model of …" */
function basisLine({ basis, model }) {
  const [, y, mo, d, hh, mi, id] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ?-(.+)$/.exec(model ?? '') ?? [];
  const when = y && new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(Date.UTC(y, mo - 1, d, hh, mi));
  const named = when ? texts.model(when, id) : model ? texts.modelRaw(model) : texts.noModel;
  return `${texts.basis[basis] ?? basis} · ${named}`;
}

const outlines = (n) => Array.from({ length: n }, () =>
  h('div', { class: 'card outline', 'aria-hidden': 'true' }, h('div', { class: 'picture' }), h('p'), h('p')));

/** An error with its reason and a button. */
export function failure(error, retry) {
  return h('div', { class: 'state', role: 'alert' },
    h('p', {}, h('strong', {}, texts.state.failed)),
    h('p', { class: 'muted' }, error.message, error.requestId ? ` (${error.requestId})` : ''),
    h('button', { type: 'button', class: 'button quiet', data: { action: 'retry' }, on: { click: retry } }, texts.state.retry));
}

function shell(placement, layout) {
  const title = h('h2', { id: `row-${placement}` }, titleOf(placement));
  const basis = h('p', { class: 'basis' });
  const list = h('div', { class: layout });
  const section = h('section', {
    class: 'row', 'aria-labelledby': title.id, data: { placement, state: 'loading' },
  }, h('header', {}, title, basis), list);
  return { section, title, basis, list };
}

/** Marks the section with what the answer says, for readers and for tests. */
function describe({ section, title, basis }, placement, answer) {
  Object.assign(section.dataset, { basis: answer.basis, decisionId: answer.decision_id, model: answer.model ?? '' });
  title.textContent = titleOf(placement, answer.basis);
  basis.textContent = basisLine(answer);
}

/**
 * A section with one placement's answer. `keep` says whether an answer is worth showing (by default: if it has
 * items); `answered` gets every answer.
 */
export function row(placement, { query = {}, layout = 'strip', signal, answered, keep = (answer) => answer.items.length > 0 } = {}) {
  const parts = shell(placement, layout);
  const { section, list } = parts;
  async function load() {
    section.dataset.state = 'loading';
    section.setAttribute('aria-busy', 'true');
    if (!list.querySelector('.card')) list.replaceChildren(...outlines(query.limit ?? 6));
    try {
      const answer = await recommend(placement, query, signal);
      describe(parts, placement, answer);
      const shown = keep(answer);
      section.hidden = !shown;
      section.dataset.state = shown ? 'ready' : 'empty';
      const where = { list_id: placement, title: parts.title.textContent, decision_id: answer.decision_id };
      list.replaceChildren(...(shown ? answer.items.map((item) => card(item, where)) : []));
      answered?.(answer);
    } catch (error) {
      if (error.name === 'AbortError') return;
      section.dataset.state = 'error';
      list.replaceChildren(failure(error, load));
    }
    section.removeAttribute('aria-busy');
  }
  load();
  return section;
}

/** Calls `more` whenever the end of the list comes near, until it says there is nothing more. */
function endless(node, more, signal) {
  const mark = h('div', { class: 'mark' });
  node.append(mark);
  let busy = false;
  const observer = new IntersectionObserver(async ([entry]) => {
    if (!entry.isIntersecting || busy) return;
    busy = true;
    observer.unobserve(mark);
    const goOn = await more();
    busy = false;
    // Observing afresh fires again if the mark is still in sight.
    if (goOn && !signal.aborted) observer.observe(mark);
    else mark.remove();
  }, { rootMargin: '500px' });
  observer.observe(mark);
  signal.addEventListener('abort', () => observer.disconnect());
}

/** The endless feed: page after page, each from the cursor of the last. */
export function feed(placement, { query = {}, signal }) {
  const parts = shell(placement, 'grid');
  const { section, list } = parts;
  let cursor;
  async function more() {
    const waiting = outlines(cursor ? 4 : 8);
    list.append(...waiting);
    section.setAttribute('aria-busy', 'true');
    try {
      const answer = await recommend(placement, { ...query, cursor }, signal);
      if (!cursor) describe(parts, placement, answer);
      const where = { list_id: placement, title: parts.title.textContent, decision_id: answer.decision_id };
      list.append(...answer.items.map((item) => card(item, where)));
      section.dataset.state = list.querySelector('article') ? 'ready' : 'empty';
      section.hidden = section.dataset.state === 'empty';
      cursor = answer.cursor;
      const goOn = Boolean(cursor) && answer.items.length > 0;
      if (!goOn) section.append(h('p', { class: 'end muted' }, texts.category.end));
      return goOn;
    } catch (error) {
      if (error.name === 'AbortError') return false;
      section.dataset.state = 'error';
      const failed = failure(error, () => {
        failed.remove();
        endless(section, more, signal);
      });
      section.append(failed);
      return false;
    } finally {
      waiting.forEach((node) => node.remove());
      section.removeAttribute('aria-busy');
    }
  }
  endless(section, more, signal);
  return section;
}

/** Products straight from the catalogue, with a button for more. `none` builds what stands there when nothing is found. */
export function browse({ list_id, title, query, category, signal, none }) {
  const list = h('div', { class: 'grid' });
  const button = h('button', { type: 'button', class: 'button quiet wide', data: { action: 'more' } }, icon('plus'), texts.category.more);
  const section = h('section', { class: 'row', 'aria-label': title, data: { list: list_id, state: 'loading' } }, list, button);
  let cursor;
  let position = 0;
  async function more() {
    button.hidden = true;
    const waiting = outlines(cursor ? 4 : 12);
    list.append(...waiting);
    try {
      const page = await products({ limit: 24, ...query, cursor }, signal);
      cursor = page.cursor;
      list.append(...page.products.map((product) => card({ product, position: ++position }, { list_id, title, category })));
      button.hidden = !cursor;
      section.dataset.state = position ? 'ready' : 'empty';
      if (!position) section.replaceChildren(none());
    } catch (error) {
      if (error.name === 'AbortError') return;
      section.dataset.state = 'error';
      const failed = failure(error, () => { failed.remove(); more(); });
      section.append(failed);
    } finally {
      waiting.forEach((node) => node.remove());
    }
  }
  button.addEventListener('click', more);
  more();
  return section;
}
