// What is there against what should be there: the table, the lake and the profiles, each with every id.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

import { insist } from './client.mjs';
import { pause } from './random.mjs';
import * as table from './table.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);
const AT_ONCE = 16;

/** An id lies at one visitor; its time is part of it if the client sent one. */
const name = (event) => `${event.visitor} ${event.id}`;

/**
 * Compares events that were found with those that were sent. `lost`: not there. `double`: there more than once.
 * `phantom`: there, and nobody sent it, or at another time.
 */
function count(found, sent) {
  const expected = new Map(sent.map((event) => [name(event), event]));
  const times = new Map();
  const result = { found: found.length, lost: 0, double: 0, phantom: 0, examples: [] };
  const note = (what, event) => {
    result[what]++;
    if (result.examples.length < 5) result.examples.push(`${what}: ${name(event)} at ${event.time}`);
  };
  for (const event of found) {
    const wanted = expected.get(name(event));
    if (!wanted || (wanted.time !== undefined && wanted.time !== event.time)) {
      note('phantom', event);
      continue;
    }
    const before = times.get(name(event)) ?? 0;
    if (before) note('double', event);
    times.set(name(event), before + 1);
  }
  for (const event of sent) if (!times.has(name(event))) note('lost', event);
  return result;
}

/** The lake's events as its readers take them: of one visitor, time and id the first is kept. */
async function lake(data, shop) {
  const folder = path.join(data, 'objects', 'shops', shop, 'events');
  if (!existsSync(folder)) return { events: [], lines: 0 };
  const python = spawn('python3', [path.join(here, 'lake.py'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => python.on('close', resolve));
  const seen = new Map();
  let lines = 0;
  for await (const line of readline.createInterface({ input: python.stdout })) {
    const { v, t, m } = JSON.parse(line);
    lines++;
    seen.set(`${v} ${t} ${m}`, { visitor: v, time: t, id: m });
  }
  if ((await ended) !== 0) throw new Error('the lake cannot be read');
  return { events: [...seen.values()], lines };
}

/** How a stored profile differs from the oracle's, in words; none if it does not. */
function difference(wanted, answer) {
  if (!answer.json?.profile) return `no profile (${answer.status})`;
  const { profile, built_from } = answer.json;
  const { state } = profile;
  if (built_from.unfolded_events || !built_from.up_to_date) return `${built_from.unfolded_events} events not folded`;
  const sorted = (counts) => JSON.stringify(Object.entries(counts).sort());
  if (sorted(state.counts) !== sorted(wanted.counts)) return `counts ${sorted(state.counts)}, not ${sorted(wanted.counts)}`;
  const cents = Math.round((state.value.EUR ?? 0) * 100);
  if (cents !== wanted.cents) return `value ${cents}, not ${wanted.cents}`;
  if (Math.round(state.units) !== wanted.units) return `units ${state.units}, not ${wanted.units}`;
  const actions = state.actions.map(([product, action, at]) => (wanted.timeless ? [product, action] : [product, action, at]));
  if (wanted.timeless) {
    // Their order is that of receipt, and the oldest may have gone.
    return actions.length === Math.min(50, wanted.actions.length) ? undefined : `${actions.length} actions, not ${wanted.actions.length}`;
  }
  if (state.visits !== wanted.visits) return `visits ${state.visits}, not ${wanted.visits}`;
  if (JSON.stringify(actions) !== JSON.stringify(wanted.actions)) return 'other last actions';
  return undefined;
}

/** The profiles that are not the oracle's, by visitor. */
export async function wrongProfiles(url, key, profiles) {
  const waiting = [...profiles];
  const wrong = new Map();
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [visitor, wanted] = next;
      const answer = await insist(`${url}/v1/visitors/${encodeURIComponent(visitor)}`, { key, statuses: [200, 404] });
      const how = difference(wanted, answer);
      if (how) wrong.set(visitor, how);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return wrong;
}

/**
 * Compares everything. The readers of the stream are through when this is called; profiles may take a moment more.
 * `planted` are names of what lies in the table and is no event of anybody; each is there once.
 */
export async function compare(stack, { shop, server }, { events, profiles }, planted = new Set()) {
  const found = await table.events(stack.endpoint(), shop);
  const others = found.filter((event) => planted.has(name(event)));
  const inTable = count(found.filter((event) => !planted.has(name(event))), events);
  const { events: kept, lines } = await lake(stack.data, shop);
  const inLake = { ...count(kept, events), lines };
  let wrong = await wrongProfiles(stack.url, server, profiles);
  for (let tries = 0; wrong.size && tries < 10; tries++) {
    await pause(1000);
    wrong = await wrongProfiles(stack.url, server, [...wrong.keys()].map((visitor) => [visitor, profiles.get(visitor)]));
  }
  const dead = readdirSync(path.join(stack.data, 'dead-letters')).length;
  const examples = [...inTable.examples, ...inLake.examples, ...[...wrong].slice(0, 5).map(([visitor, how]) => `${visitor}: ${how}`)];
  return {
    lost: inTable.lost + inLake.lost,
    double: inTable.double + inLake.double,
    phantom: inTable.phantom + inLake.phantom,
    planted: new Set(others.map(name)).size,
    wrong: wrong.size,
    profiles: profiles.size,
    lines,
    dead,
    examples,
    holds: !(inTable.lost + inLake.lost + inTable.double + inLake.double + inTable.phantom + inLake.phantom + wrong.size + dead),
  };
}

/** Part of a row of the table: what was found. */
export function told(found) {
  const letters = found.dead ? `, ${found.dead} dead letters` : '';
  return `${found.lost} lost, ${found.double} double, ${found.phantom} phantom, ${found.wrong} of ${found.profiles} profiles wrong${letters}`;
}
