// The console: its pages and forms as somebody who has signed in would never send them, and as somebody who has not.

import fs from 'node:fs';

import { KINDS } from './operations.mjs';
import { Connection } from './wire.mjs';

const ROUTER = new URL('../../functions/manage/src/console/mod.rs', import.meta.url);
const POLICY = /^default-src 'none'; script-src 'self'; style-src 'self'; (?!.*unsafe)/;
const FORM = ['content-type', 'application/x-www-form-urlencoded'];
const OWN = ['sec-fetch-site', 'same-origin'];

/** Every page and form, as the router has them: method, address, and whether it is there for somebody who has not signed in. */
export const ROUTES = [...fs.readFileSync(ROUTER, 'utf8').matchAll(/\.route\("([^"]+)", (.*)\)/g)].flatMap(([, path, methods]) =>
  ['get', 'post'].filter((method) => new RegExp(`\\b${method}\\(`).test(methods)).map((method) => ({ method: method.toUpperCase(), path, open: /sign-in|assets/.test(path) })));

const placement = { strategy: 'personal', fallback: '', limit: '10', viewed: 'allow', bought: 'hide', per_category: '3', per_brand: '0', diversity: '0.2', novelty: '0', chance: 'share', strength: '0.1', stays: '0.5', hours: '24', skipped: '0.5', after: '3', objective: 'orders', filter: 'price < 90', blend: 'popularity 2', layout: '{"columns": 3}' };
const rule = { title: 'Spring', kind: 'boost', filter: 'price > 1', factor: '1.5', priority: '3', placements: 'home', visitor_filter: 'orders > 0', categories: 'Tea', from: '2026-03-01T00:00', enabled: 'yes', slot: '1', count: '3', share: '20', payload: '{"title":"T"}', place: 'hero' };
const segment = { title: 'Often here', description: 'Those we know.', filter: 'orders_30d > 1' };
const experiment = { title: 'Many want it', hypothesis: 'They do.', traffic: '50', audience: 'orders > 0', primary: 'conversion', 'g0-guard': 'return_rate', 'g0-margin_of_guard': '5', baseline: '3', effect: '10', visitors_per_day: '1000', 'p0-part_name': '', 'p0-w0-way_name': 'Other', 'p0-w0-way_share': '50', 'p0-w0-c0-change': 'strategy', 'p0-w0-c0-placement': 'home', 'p0-w0-c0-other_strategy': 'trending' };
const wish = { as_visitor: 'a:somebody', in_segment: 'deal-hunters', at_placement: 'home', at_product: 'p1', at_category: 'Tea', at_basket: 'p1,p2' };

/** What each form would be taken with. */
const FORMS = {
  '/console/sign-in': { shop: 'broken-1', name: 'nobody', password: 'wrong' },
  '/console/sign-out': {},
  '/console/placements': { placement_name: 'Spring', ...placement },
  '/console/placements/{id}': { version: '0', ...placement },
  '/console/placements/{id}/remove': { version: '1' },
  '/console/preview/placement': { placement_name: 'home', ...placement, ...wish },
  '/console/rules': rule,
  '/console/rules/order': { order: 'r1,r2,r3', move: 'up:r2' },
  '/console/rules/preview': { ...rule, ...wish, rule_id: '' },
  '/console/rules/{id}': { version: '0', ...rule },
  '/console/rules/{id}/remove': { version: '1' },
  '/console/segments': segment,
  '/console/segments/size': { filter: 'orders > 0' },
  '/console/segments/condition': { version: '0', ...segment, feature: 'last orders', compare: 'ge', than: '2', days: '30', joined: 'or' },
  '/console/segments/condition': { filter: 'orders > 0', feature: 'last spend', compare: 'ge', than: '5', days: '7', joined: 'or' },
  '/console/segments/{id}': { version: '0', ...segment },
  '/console/segments/{id}/remove': { version: '1' },
  '/console/experiments': experiment,
  '/console/experiments/plan': experiment,
  '/console/experiments/form': { edit: 'add:p0-w0', ...experiment },
  '/console/experiments/{id}': { version: '1', experiment_id: 'e1', ...experiment },
  '/console/experiments/{id}/status': { version: '1', to: 'running' },
  '/console/experiments/{id}/remove': { version: '1' },
  '/console/undo/{kind}/{id}': { revision: '1', version: '1' },
  '/console/models/{version}/activate': {},
  '/console/models/train': {},
  '/console/settings/{what}': { version: '0', hold_share: '5', unpersonalized: 'yes', click_days: '7', view_days: '1', currency: 'EUR', margin: '30', cost_per_month: '400', per_dollar: '1', purposes: 'measure', gate: 'yes', keep: '3', gate_cases: '100', actions: '1000', memory_mb: '1000', threads: '1' },
  '/console/staff': { name: 's1', role: 'viewer', new_password: 'a long password of nobody' },
  '/console/staff/{name}/remove': {},
};
/** Forms that change nothing, or nothing of the few rules of a test: whoever may look may send them. */
const LOOKS = ['/console/rules/order', '/console/preview/placement', '/console/rules/preview', '/console/segments/size', '/console/segments/condition', '/console/experiments/plan', '/console/experiments/form', '/console/sign-in', '/console/sign-out'];
/** What is not sent with what it takes: each call is a training, and the session would end. */
const NEVER = ['/console/models/train', '/console/sign-out'];
/** What says in an address where a page begins. */
const QUERY = ['lang', 'said', 'q', 'id', 'last', 'from', 'to', 'sort', 'as_visitor', 'in_segment', 'at_placement', 'at_product', 'at_category', 'at_basket', 'kind', 'segment', 'filter', 'title', ''];
/** What a page shows as text and nothing else. */
const MARKUP = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', '" onfocus=alert(1) x="', '</textarea><script>alert(1)</script>'];
const ALIVE = /<script>alert|<img src=x|" onfocus=alert/;
/** JSON where a form takes some. */
const RAW = ['7', '[]', '"x"', 'null', '{', '{"kind":"rule","rule":7}', '{"kind":"strategy"}', '[[[[[]]]]]', '{"":{"":{}}}', `${'['.repeat(200)}`, ...['7', '[1]', '"x"', 'null', '{"x":{}}', '{}'].map((factors) => `{"kind":"blend","placement":"home","factors":${factors}}`)];

/** Takes somebody in and signs them in: the cookie of a session and the token of its forms. */
export async function signIn(shop, role = 'admin', name = `keeper-${role}`) {
  const password = `long-${Math.random().toString(36)}-long`;
  await shop.ok(shop.server, 'PUT', `/v1/staff/${name}`, { role, password });
  return enter(shop, name, password);
}

async function enter(shop, name, password) {
  const connection = new Connection(shop.stack.port);
  const body = Buffer.from(new URLSearchParams({ shop: shop.name, name, password }).toString());
  const entered = await connection.ask({ method: 'POST', path: '/console/sign-in', headers: [FORM, OWN], body });
  const cookie = entered.headers?.['set-cookie']?.split(';')[0];
  const page = await connection.ask({ path: '/console/rules', headers: [['cookie', cookie ?? '']] });
  const token = /name="token" value="([^"]+)"/.exec(page.body?.toString())?.[1];
  connection.close();
  if (entered.status !== 303 || !token) throw new Error(`nobody could sign in: ${entered.status} ${entered.body}, ${page.status}`);
  return { cookie, token, again: () => enter(shop, name, password) };
}

/** A cookie with one letter of its middle changed. */
const altered = (cookie) => {
  const at = cookie.length >> 1;
  return cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1);
};

const written = (text) => encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''));

/** A request of the generator. `hostile` has the shops, each with the session of its `desk`; `odd` are texts, numbers and ends of addresses. */
export function page(hostile, random, odd) {
  const route = random.pick(ROUTES);
  const { desk } = random.pick(hostile.shops);
  const strange = () => random.pick([...odd.texts, ...odd.numbers, ...MARKUP, ...RAW]);
  const known = {
    '{id}': () => (/placements|undo/.test(route.path) ? random.pick(['home', 'feed', 'own', 'r1']) : `${/\/([a-z])[a-z]*\/\{id/.exec(route.path)[1]}${random.below(9)}`),
    '{kind}': () => random.pick([...KINDS, 'settings']), '{what}': () => random.pick(['hold-out', 'attribution', 'privacy', 'training']), '{version}': () => 'none', '{name}': () => `s${random.below(5)}`,
  };
  const whole = random.chance(0.3);
  let path = route.path.replace(/\{[^}]*\}/g, (word) => (whole || random.chance(0.6) ? known[word]() : random.chance(0.5) ? written(strange()) || 'x' : random.pick(odd.tails)));
  if (route.method === 'GET' && random.chance(0.5)) path += `?${Array.from({ length: 1 + random.below(4) }, () => `${random.pick(QUERY)}=${random.pick([written(strange()), '%ff', '%', '%00', '2026-02-30', 'fr', '7', 'a:somebody', 'home', '('.repeat(30_000)])}`).join('&')}`;

  // Once it lacks what lets it in, nothing else of it does.
  let denied = false;
  const deny = (value) => {
    denied = true;
    return value;
  };
  const other = random.pick(hostile.shops).desk;
  const cookie = whole || random.chance(0.8) ? desk.cookie : random.pick([
    () => deny(undefined), () => deny(altered(desk.cookie)), () => deny(desk.cookie.slice(0, -9)), () => deny(`vitrine-console=${random.word(60)}`), () => deny('vitrine-console='), () => deny(`__Host-${desk.cookie}`), () => deny('%00=;;;=,'), () => `a=b; ; =; vitrine-language=xx; ${desk.cookie}`,
  ])();
  const headers = cookie === undefined ? [] : [['cookie', cookie]];
  const part = random.chance(0.3);
  if (part) headers.push(['hx-request', random.pick(['true', 'false', ''])]);
  if (random.chance(0.1)) headers.push(['accept-language', random.pick(['fr', 'fr;q=x,en;q=', 'x'.repeat(3000), ',;q=,', '\u00ff'])]);
  if (route.method === 'GET') return { console: true, route, method: whole ? 'GET' : random.pick(['GET', 'GET', 'GET', 'GET', 'HEAD', 'DELETE']), path, headers, denied: denied && !route.open };

  headers.push(whole || random.chance(0.9) ? OWN : deny(random.pick([['sec-fetch-site', 'cross-site'], ['sec-fetch-site', 'none'], ['origin', 'https://evil.example'], ['origin', 'null'], ['x', 'y']])));
  const fields = Object.entries(FORMS[route.path] ?? {});
  if (whole) spread(fields, random);
  const never = NEVER.includes(route.path);
  const token = !never && (whole || random.chance(0.85)) ? desk.token : random.pick([undefined, '', 'x', desk.token.slice(1), other === desk ? altered(desk.token) : other.token]);
  if (token !== desk.token) denied = true;
  if (token !== undefined) fields.unshift(['token', token]);
  const { body, type } = whole ? { body: packed(fields), type: FORM } : broken(fields, random, strange, hostile);
  return {
    console: true, route, method: 'POST', path, never: `${hostile.mark}-password`, headers: type ? [...headers, type] : headers, body, denied: denied && !route.open,
    // What is changed under a name is taken over the version that is there, which is not known here.
    target: whole && !never && !/sign-in|\{/.test(route.path) ? `POST ${route.path}` : undefined,
  };
}

/** What of a whole form is another one's each time, so that there is a new one to be made and an old one to be changed. */
function spread(fields, random) {
  for (const field of fields) {
    if (['title', 'placement_name'].includes(field[0])) field[1] += ` ${random.below(20)}`;
    if (field[0] === 'version') field[1] = String(random.below(4));
    if (field[0] === 'kind') field[1] = random.pick(['boost', 'bury', 'hide', 'include_only']);
  }
}

const packed = (fields) => Buffer.from(fields.map((pair) => pair.map(written).join('=')).join('&'));

/** A form that is not quite one. */
function broken(fields, random, strange, hostile) {
  const how = fields.some(([name]) => name.startsWith('p0-')) && random.chance(0.25) ? 5 : random.below(15);
  const at = () => random.below(fields.length);
  const put = (value) => fields.length && (fields[at()][1] = value);
  let type = FORM;
  if (how === 0) for (let i = 0; i < 1 + random.below(5); i++) put(strange());
  if (how === 1 && fields.length) fields.splice(at(), 1);
  if (how === 2 && fields.length) fields.splice(at(), 0, [fields[at()][0], strange()], ['token', 'x']);
  if (how === 3) (fields.find(([name]) => /^(name|placement_name|at_placement|rule_id)$/.test(name) && random.chance(0.5)) ?? random.pick(fields) ?? [])[1] = 'long '.repeat(random.pick([100, 14_000, 60_000]));
  if (how === 4) for (let i = 0; i < random.pick([10, 1000, 8000]); i++) fields.push([random.pick(['x', 'placements', 'segments', 'purposes', `g${i}-guard`, `p${i % 9}-w${i % 40}-c${i % 30}-change`, `p0-w${i}-way_name`]), random.pick(['', '1', 'home', 'other'])]);
  if (how === 5) {
    fields = fields.filter(([name]) => !name.startsWith('p0-w0-c'));
    for (let i = 0; i < 3; i++) fields.push(...Object.entries({ change: random.pick(['blend', 'blend', 'other', 'other', 'content', 'layout', 'rule_on', 'rule_instead']), placement: 'home', part: 'x', times: '2', raw: random.pick(RAW), payload: random.pick(RAW) }).map(([name, value]) => [`p0-w0-c${i}-${name}`, value]));
  }
  if (how === 6) fields.push(['edit', random.pick(['add:', 'add:p9', 'drop:p0-w0-c0', 'drop:', 'drop:p', 'add:p0-w99999999999999999999', 'drop:é', 'x'])], ['move', random.pick(['up:', ':', 'down:r1', 'up:r1'])]);
  if (how === 7) for (const field of fields) if (/password/.test(field[0])) field[1] = `${hostile.mark}-password-${random.word(12)}`;
  let body = packed(fields);
  if (how === 8) body = body.subarray(0, random.below(body.length + 1));
  if (how === 9) for (let i = 0; i < 1 + random.below(4); i++) body[random.below(body.length)] = random.below(256);
  if (how === 10) body = Buffer.concat([body, Buffer.from(random.pick(['&%', '&a=%f', '&a=%zz', '&a=%00', '&%ff=%fe', '&a=%ed%a0%80', '&=', '&&&', '&a', '=&=', '&a=b=c', '\u0000', '&a=\u00ff', ';a=b', '\r\n']), 'latin1')]);
  if (how === 11) [body, type] = [Buffer.from(JSON.stringify(Object.fromEntries(fields))), ['content-type', 'application/json']];
  if (how === 12) type = random.pick([undefined, ['content-type', 'text/plain'], ['content-type', 'multipart/form-data; boundary=x'], ['content-type', ''], ['content-type', 'application/x-www-form-urlencoded; charset=utf-16']]);
  if (how === 13) body = random.pick([Buffer.alloc(0), random.bytes(300), Buffer.alloc(300_000, 'a')]);
  return { body, type };
}

/** Whether an answer lets in: everything but the way to the door, a refusal, or nothing of that name. */
function entered({ status, headers }) {
  const door = headers.location?.startsWith('/console/sign-in') || headers['hx-redirect']?.startsWith('/console/sign-in');
  return status < 400 && !door;
}

/**
 * What is wrong with an answer of the console. A page, of a refusal too, stands under its policy and is kept by nobody; what no page
 * can be made for (an address or method that is none, a form of another site or that cannot be read) is a problem as in the API.
 */
export function pageFault(request, answer) {
  if (request.denied && entered(answer)) return `status ${answer.status} for somebody without session or token`;
  if (answer.headers.location !== undefined && !/^\/console(?:[/?][!-~]*)?$/.test(answer.headers.location)) return 'a redirect out of the console';
  const isPage = answer.headers['content-type']?.startsWith('text/html');
  if (!isPage) return answer.status >= 400 && ![400, 403, 404, 405, 413, 415, 422].includes(answer.status) ? `status ${answer.status} without a page` : undefined;
  if (!POLICY.test(answer.headers['content-security-policy'])) return 'a page without its policy';
  if (answer.headers['cache-control'] !== 'no-store' || answer.headers['x-content-type-options'] !== 'nosniff') return 'a page that may be kept or guessed at';
  const text = answer.body.toString('utf8');
  if (request.never && text.includes(request.never)) return 'a page that shows a password';
  return ALIVE.test(text) ? 'markup that was sent is markup of the page' : undefined;
}

/** What a shop's settings are, to be the same afterwards. */
const KEPT = ['rules', 'segments', 'experiments', 'placements', 'staff', 'keys', 'models', 'settings/hold-out', 'settings/attribution', 'settings/privacy', 'settings/training'];

/**
 * Every page and form of the console in every way that must not be enough: no session, one that nobody sealed, one that has ended; no
 * token, a wrong one, another session's, another shop's; from another site; of a viewer. And with all that is due, as far as it
 * changes nothing.
 */
export async function doors({ shop, other }) {
  const faults = [];
  let asked = 0;
  const desk = await signIn(shop);
  const again = await desk.again();
  const ended = await desk.again();
  const viewer = await signIn(shop, 'viewer');
  const foreign = await signIn(other);
  const connection = new Connection(shop.stack.port);
  const send = async (route, path, { cookie, token, site = OWN, part }) => {
    const headers = [FORM, ...(cookie ? [['cookie', cookie]] : []), ...(site ? [site] : []), ...(part ? [['hx-request', 'true']] : [])];
    const body = route.method === 'POST' ? packed([...(token === undefined ? [] : [['token', token]]), ...Object.entries(FORMS[route.path])]) : undefined;
    asked++;
    return connection.ask({ method: route.method, path, headers, body });
  };
  await send({ method: 'POST', path: '/console/sign-out' }, '/console/sign-out', ended);
  const state = async () => {
    const held = [];
    for (const path of KEPT) held.push([path, JSON.stringify(await shop.ok(shop.server, 'GET', `/v1/${path}`))]);
    return held;
  };
  const before = await state();
  for (const route of ROUTES.filter((one) => !one.open)) {
    const form = route.method === 'POST';
    if (form && !FORMS[route.path]) {
      faults.push({ route: `${route.method} ${route.path}`, why: 'nobody said in tests/hostile/console.mjs what the form takes' });
      continue;
    }
    const kind = /^\/console\/([a-z]+)s\//.exec(route.path)?.[1];
    const names = { '{id}': shop.things[kind] ?? (kind === 'product' ? 'common-1' : shop.things.rule), '{kind}': 'rules', '{what}': 'hold-out', '{version}': shop.model, '{name}': shop.things.staff };
    // Where nobody is looked for, nothing is asked of the API, which alone knows that a session has ended.
    const path = route.path.replace(/\{[^}]*\}/g, (word) => names[word]) + (route.path.endsWith('/visitors') ? '?id=u:nobody' : '');
    const tries = [
      ['no session', { token: desk.token }], ['a cookie that nobody sealed', { cookie: `vitrine-console=${'A'.repeat(200)}`, token: desk.token }], ['a changed cookie', { ...desk, cookie: altered(desk.cookie) }], ['a session that has ended', ended],
    ].flatMap(([why, having]) => [[why, having], [`${why}, for a part of a page`, { ...having, part: true }]]).map(([why, having]) => [why, having, (answer) => [303, 200].includes(answer.status) && !entered(answer)]);
    const forbidden = (answer) => answer.status === 403;
    if (form) {
      for (const [why, token] of [['no token', undefined], ['an empty token', ''], ['a changed token', altered(desk.token)], ["another session's token", again.token], ["another shop's token", foreign.token]]) tries.push([why, { ...desk, token }, forbidden]);
      for (const site of [['sec-fetch-site', 'cross-site'], ['sec-fetch-site', 'same-site'], ['origin', 'https://evil.example'], null]) tries.push([site ? `${site.join(' ')}` : 'no word of the site', { ...desk, site }, forbidden]);
    }
    if (form ? !LOOKS.includes(route.path) : /\/(new|edit|visitors|staff)$/.test(route.path)) tries.push(['a viewer', viewer, forbidden]);
    if (!form) tries.push(['all that is due', desk, (answer) => answer.status === 200 && entered(answer)]);
    for (const [why, having, due] of tries) {
      const answer = await send(route, path, having);
      const wrong = due(answer) ? pageFault({}, answer) : `status ${answer.status}`;
      if (wrong) faults.push({ route: `${route.method} ${route.path}`, why: `${why}: ${wrong}`, answer: answer.body?.toString().slice(0, 200) });
    }
  }
  connection.close();
  const after = await state();
  const touched = before.filter(([path, was], at) => after[at][1] !== was).map(([path]) => path);
  return { asked, faults, touched, routes: ROUTES.length, kept: KEPT.length };
}
