// Rows of cards: the answers of placements, one or a whole page of them, and two lists without end: a feed, and products
// straight from the catalogue.
// Each shows bare outlines while it loads, and says what went wrong, with a way to try again.

import { products, recommend, recommendPage } from './api.js';
import { card } from './card.js';
import { h } from './dom.js';
import { texts } from './texts.js';

/** The heading of a placement, true for what its answer is based on. */
const titleOf = (placement, basis) => texts.rows[placement][basis] ?? texts.rows[placement].other;

const outlines = (n) => Array.from({ length: n }, () =>
  h('div', { class: 'card outline', 'aria-hidden': 'true' }, h('div', { class: 'picture' }), h('p'), h('p')));

/** An error with its reason and a button. */
export function failure(error, retry) {
  return h('div', { class: 'state', role: 'alert' },
    h('p', {}, h('strong', {}, texts.state.failed)),
    h('p', { class: 'muted' }, error.message, error.requestId ? ` (${error.requestId})` : ''),
    h('button', { type: 'button', class: 'button quiet', data: { action: 'retry' }, on: { click: retry } }, texts.state.retry));
}

function shell(name, heading, layout, data) {
  const title = h('h2', { id: `row-${name}` }, heading);
  const basis = h('p', { class: 'basis' });
  const list = h('div', { class: layout });
  const section = h('section', { class: 'row', 'aria-labelledby': title.id, data: { ...data, state: 'loading' } },
    h('header', {}, title, basis), list);
  return { section, title, basis, list };
}

/** Marks the section with what the answer says, for readers and for tests. */
function describe({ section, title, basis }, placement, answer) {
  Object.assign(section.dataset, { basis: answer.basis, decisionId: answer.decision_id ?? '', model: answer.model ?? '' });
  title.textContent = titleOf(placement, answer.basis);
  basis.textContent = texts.basis[answer.basis] ?? answer.basis;
}

const cards = ({ title }, placement, { items, decision_id, model }) =>
  items.map((item) => card(item, { list_id: placement, title: title.textContent, decision_id, model }));

/** Shows the answer of a row, which is hidden if that is empty. */
function answerRow(parts, placement, answer, answered) {
  const { section, list } = parts;
  describe(parts, placement, answer);
  list.replaceChildren(...cards(parts, placement, answer));
  section.hidden = !answer.items.length;
  section.dataset.state = section.hidden ? 'empty' : 'ready';
  answered?.(answer);
}

function wait({ section, list }) {
  section.hidden = false;
  section.dataset.state = 'loading';
  list.replaceChildren(...outlines(12));
}

/** A section with one placement's answer; `answered` gets every answer. `ask` gives it; unless said otherwise by its name. */
export function row(placement, { query, layout = 'strip', signal, answered, ask }) {
  const parts = shell(placement, titleOf(placement), layout, { placement });
  async function load() {
    wait(parts);
    try {
      answerRow(parts, placement, await (ask ?? recommend)(placement, { limit: 12, ...query }, signal), answered);
    } catch (error) {
      if (error.name === 'AbortError') return;
      parts.section.dataset.state = 'error';
      parts.list.replaceChildren(failure(error, load));
    }
  }
  load();
  return parts.section;
}

/**
 * The rows of a page from top to bottom, all answered by one call, so that no product stands in two of them. A row:
 * `{placement, query?, layout?, answered?}`, and `endless` if it goes on with its cursor.
 */
export function rows(wanted, { signal }) {
  const all = wanted.map((one) =>
    ({ ...one, parts: shell(one.placement, titleOf(one.placement), one.endless ? 'grid' : one.layout ?? 'strip', { placement: one.placement }) }));
  async function load() {
    all.forEach(({ parts }) => wait(parts));
    try {
      const answers = await recommendPage(wanted.map(({ placement, query }) => ({ placement, limit: 12, ...query })), signal);
      all.forEach(({ placement, parts, answered, endless: goesOn }, i) => {
        answerRow(parts, placement, answers[i], answered);
        if (goesOn && !parts.section.hidden) goOn(parts, placement, answers[i].cursor, signal);
      });
    } catch (error) {
      if (error.name === 'AbortError') return;
      // One call, one failure: said once, where the first row would stand.
      all.forEach(({ parts: { section } }, i) => Object.assign(section, { hidden: i > 0 }).dataset.state = 'error');
      all[0].parts.list.replaceChildren(failure(error, load));
    }
  }
  load();
  return all.map(({ parts }) => parts.section);
}

/**
 * Fills the list page by page whenever its end comes nearer than `margin`, from its beginning or from where `cursor` says.
 * `next` gets the last cursor and gives `{found, cursor}`; `outline` builds what stands there meanwhile.
 */
export function endless({ section, list }, signal, none, next, { cursor, margin = '500px', outline = outlines } = {}) {
  const mark = h('div', { class: 'mark' });
  section.append(mark);
  const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), { rootMargin: margin });
  async function more() {
    observer.unobserve(mark);
    const waiting = outline(cursor ? 4 : 12);
    list.append(...waiting);
    try {
      const page = await next(cursor);
      list.append(...page.found);
      cursor = page.cursor;
      const ready = list.querySelector('article');
      section.dataset.state = ready ? 'ready' : 'empty';
      // Observing afresh fires again if the mark is still in sight.
      if (cursor && page.found.length) observer.observe(mark);
      else if (ready) mark.replaceWith(h('p', { class: 'end muted' }, texts.category.end));
      else section.replaceWith(none());
    } catch (error) {
      if (error.name === 'AbortError') return;
      section.dataset.state = 'error';
      const failed = failure(error, () => {
        failed.remove();
        more();
      });
      section.append(failed);
    } finally {
      waiting.forEach((node) => node.remove());
    }
  }
  // The first page is not waited for by anybody's scrolling: it says how much there is, or that there is nothing.
  if (cursor) observer.observe(mark);
  else more();
  signal.addEventListener('abort', () => observer.disconnect());
  return section;
}

/** The feed below its first page: page after page, each from the cursor of the last. */
function goOn(parts, placement, start, signal) {
  const end = () => h('p', { class: 'end muted' }, texts.category.end);
  if (!start) return parts.section.append(end());
  return endless(parts, signal, end, async (cursor) => {
    const answer = await recommend(placement, { limit: 12, cursor }, signal);
    return { found: cards(parts, placement, answer), cursor: answer.cursor };
  }, { cursor: start });
}

/** Products straight from the catalogue. `none` builds what stands there when nothing is found, `answered` gets every page. */
export function browse({ list_id, title, category, query, signal, none, answered }) {
  let position = 0;
  return endless(shell(list_id, title, 'grid', { list: list_id }), signal, none, async (cursor) => {
    const page = await products({ limit: 24, ...query, cursor }, signal);
    answered?.(page);
    const found = page.products.map((product) => card({ product, position: ++position }, { list_id, title, category }));
    return { found, cursor: page.cursor };
  });
}
