// What an attacker, a broken client or a bored person sends: request number N of a seed, always the same.

import zlib from 'node:zlib';

import { page } from './console.mjs';
import { bomb, file } from './files.mjs';
import { operations } from './operations.mjs';
import { Random } from './random.mjs';
import { basic } from './wire.mjs';

const EVENTS = ['t', 'i', 'p', 's', 'g', 'a', 'b', 'track', 'identify', 'page', 'screen', 'group', 'alias', 'batch', 'import'];
const KINDS = ['track', 'identify', 'page', 'screen', 'group', 'alias'];
const NAMES = ['Product Viewed', 'Product Clicked', 'Product Added', 'Order Completed', 'Order Refunded', 'Products Searched', 'Cart Viewed', 'Product List Viewed', 'Promotion Clicked', 'Product Dwelled', 'My Own'];
const PLACEMENTS = ['home', 'feed', 'category', 'product-similar', 'product-bought-together', 'basket', 'recently-viewed', 'trending', 'rank', 'own'];
const ODD_TEXTS = [
  '', ' ', '\u0000', 'a\u0000b', '\u202eabc', '\ufeff', '\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67', 'i\u0307\u0323', '\u{1f4a9}'.repeat(40), 'NaN', 'null', 'undefined', '-1', '1e999', '../../etc/passwd',
  '..%2f..%2f', '%00', '${jndi:ldap://x/y}', '{{7*7}}', "' or 1=1 --", '"; DROP TABLE vitrine;', '<script>alert(1)</script>', '\r\nX-Injected: 1', 'a\tb\nc', '#', '~PROFILE', 'E#2026', 'S#other#V#a:x', '#~', '__proto__', 'constructor', 'A'.repeat(129), 'A'.repeat(5000), '\u00e9'.repeat(100),
  'u:somebody', 'a:somebody', 'u:', ':', '2026-02-30T25:61:61Z', '9999-12-31T23:59:59Z', '-271821-04-20T00:00:00Z', '1969-12-31T23:59:59.999Z',
];
const ODD_NUMBERS = ['1e999', '-1e999', '1e-999', '-0', '0', '9223372036854775807', '9223372036854775808', '18446744073709551616', '-9223372036854775809', '1'.repeat(400), `0.${'3'.repeat(400)}`, '1.7976931348623157e308', '5e-324', '01', '+1', '.5', '1.', '0x10', 'NaN', 'Infinity', '1e', '4294967296', '2147483648', '65536', '101'];

const ODD_TAILS = [
  '../../etc/passwd', '..%2f..%2f..%2fetc%2fpasswd', '%2e%2e/%2e%2e/', '%252e%252e%252f', '%00', 'a%00b', '%ff%fe', '%c0%ae%c0%ae/', '%', '%2', '%zz', '//', '/./', ';a=b', '%0d%0aX-Injected:1', '*', '%23', '%3f', '?', '??', '%E2%80%AE', '\\..\\', 'secret', 'table.db', '%2e%2e%5c', 'a/'.repeat(300), `${'x'.repeat(7000)}`, encodeURIComponent('\u{1f600}'.repeat(30)), 'home/preview/', 'CURRENT', '~PROFILE', 'u:%2e%2e', 'a:', 'u:', 'u%3A', '%20', '+', 'openapi.json/', 'metrics/..', '@', 'p1/', 'p1%2f', 'null',
];

const { all: OPERATIONS } = operations();

/** Parts of a request that refer to what is in the shops. */
export class Hostile {
  /** `shops`: their keys, and the session of each at its `desk`; `mark`: begins every e-mail, address and secret sent, to be looked for in logs. */
  constructor({ seed, shops, mark, families = FAMILIES }) {
    Object.assign(this, { seed, shops, mark, families });
  }

  /** The request of a number: what it is called, and its bytes or parts. */
  request(number) {
    const random = new Random(this.seed, number);
    const family = random.weighed(this.families);
    const request = this[family](random, number);
    return { number, family, ...request };
  }

  server(random) {
    return random.pick(this.shops).server;
  }

  browser(random) {
    return random.pick(this.shops).browser;
  }

  any(random) {
    const shop = random.pick(this.shops);
    return random.weighed([[6, shop.server], [3, shop.browser], [1, `${this.mark}-key-${random.word(6)}`]]);
  }

  email(random) {
    return `${this.mark}-${random.word(6)}@mail.example`;
  }

  /** An event of the usual shape, full of what must not get into a log. */
  event(random, number) {
    return {
      type: random.pick(KINDS), event: random.pick(NAMES), messageId: `m-${this.seed}-${number}-${random.word(5)}`,
      anonymousId: `${this.mark}-a${random.below(500)}`, ...(random.chance(0.3) ? { userId: `${this.mark}-u${random.below(200)}` } : {}),
      timestamp: new Date(1795000000000 + random.below(2e8)).toISOString(),
      previousId: `${this.mark}-a${random.below(500)}`, groupId: 'g',
      properties: { product_id: `p${random.below(60)}`, price: random.below(1000) / 10, dwell_ms: random.below(9000), currency: 'EUR', email: this.email(random), products: [{ product_id: `p${random.below(60)}`, quantity: 1, price: 3 }] },
      traits: { email: this.email(random), address: { street: `${this.mark} Street 7` }, tier: 'gold' },
      context: { ip: '203.0.113.77', page: { url: `https://shop.example/?token=${this.mark}-token`, path: '/p' }, locale: 'fr-FR' },
    };
  }

  question(random) {
    const body = {};
    if (random.chance(0.5)) body.anonymous_id = `${this.mark}-a${random.below(500)}`;
    if (random.chance(0.2)) body.visitor_id = `${this.mark}-u${random.below(200)}`;
    if (random.chance(0.3)) body.product_id = `p${random.below(60)}`;
    if (random.chance(0.3)) body.basket = [`p${random.below(60)}`, `p${random.below(60)}`];
    if (random.chance(0.3)) body.filter = random.chance(0.5) ? 'price < 50' : { attribute: 'price', op: '<', value: 50 };
    if (random.chance(0.3)) body.limit = 1 + random.below(20);
    return body;
  }

  /** An address that takes JSON, and a body that it would take. */
  target(random, number) {
    const id = random.word(6);
    const made = random.weighed([
      [8, () => ({ method: 'POST', path: `/v1/${random.pick(EVENTS)}`, body: random.chance(0.5) ? this.event(random, number) : { batch: [this.event(random, number), this.event(random, number)] } })],
      [4, () => ({ method: 'POST', path: `/v1/recommendations/${random.pick(PLACEMENTS)}`, body: this.question(random) })],
      [1, () => ({ method: 'POST', path: '/v1/recommendations', body: { placements: [{ placement: 'home', limit: 5 }, { placement: 'trending' }] } })],
      [1, () => ({ method: 'POST', path: '/v1/rank', body: { items: ['p1', 'p2', 'p3'], anonymous_id: `${this.mark}-a1` } })],
      [1, () => ({ method: 'POST', path: '/v1/recommendations/home/preview', body: { rule: { id: 'x', name: 'X', effect: { kind: 'hide', filter: 'price > 3' } } } })],
      [2, () => ({ method: 'PUT', path: '/v1/products', body: [{ id: `p${random.below(60)}`, title: 'Tea', category: ['All', 'Tea'], price: 3.5, currency: 'EUR' }] })],
      [1, () => ({ method: 'PATCH', path: `/v1/products/p${random.below(60)}`, body: { price: 4, stock: 7, availability: 'in_stock' } })],
      [1, () => ({ method: 'PUT', path: `/v1/rules/r${random.below(30)}`, body: { name: 'Spring', when: { placements: ['home'], visitor: 'orders > 0' }, effect: { kind: 'boost', filter: 'price > 1', factor: 1.5 } } })],
      [1, () => ({ method: 'PUT', path: `/v1/placements/${random.pick(PLACEMENTS)}`, body: { strategy: 'personal', limit: 10 } })],
      [1, () => ({ method: 'PUT', path: '/v1/settings/privacy', body: { default_purposes: ['measure', 'personalise'] } })],
      [1, () => ({ method: 'PUT', path: '/v1/settings/training', body: { keep: 3 } })],
      [1, () => ({ method: 'PUT', path: `/v1/vectors/v${random.below(4)}/ids`, body: ['p1', 'p2'] })],
      [1, () => ({ method: 'PUT', path: `/v1/vectors/v${random.below(4)}`, body: { product_id: 'p1', vector: [0.5, 1] } })],
      [1, () => ({ method: 'PUT', path: `/v1/segments/s${random.below(9)}`, body: { name: 'Often here', description: 'Those we know.', filter: `orders_30d > 1 and segments in ["s${random.below(9)}"]` } })],
      [1, () => ({ method: 'POST', path: '/v1/segments/size', body: { filter: 'orders > 0' } })],
      [1, () => ({ method: 'PUT', path: `/v1/experiments/e${random.below(20)}`, body: experiment() })],
      [1, () => ({ method: 'POST', path: '/v1/experiments/plan', body: { kind: 'proportion', baseline: 0.1, effect: 0.02, visitors_per_day: 900, variants: 2 } })],
      [1, () => ({ method: 'PUT', path: '/v1/settings/hold-out', body: { share: 0.05, personalization: true } })],
      [1, () => ({ method: 'PUT', path: '/v1/settings/attribution', body: { currency: 'EUR', click_days: 7, view_days: 1, margin: 0.3, cost_per_month: 400 } })],
      [1, () => ({ method: 'PUT', path: `/v1/staff/s${random.below(5)}`, body: { role: 'viewer', password: `${this.mark}-a-long-password` } })],
      [1, () => ({ method: 'POST', path: '/v1/keys', body: { kind: 'browser', label: 'shop', scopes: ['events'] } })],
      [1, () => ({ method: 'POST', path: '/v1/sessions', body: { shop: 'broken-1', name: 'anna', password: `${this.mark}-a-long-password` } })],
      [1, () => ({ method: 'POST', path: '/demo/token', body: { user_id: id } })],
    ])();
    return { ...made, target: `${made.method} ${made.path.replace(/(?<=[a-z]\/)[a-z]\d+(?=$|\/)/, '…')}` };
  }

  /** JSON that is not quite what it should be. */
  json(random, number) {
    const { method, path, body } = this.target(random, number);
    let text = JSON.stringify(body);
    let bytes;
    const how = random.below(14);
    if (how === 0) text = text.slice(0, random.below(text.length));
    if (how === 1) text = put(text, random, random.pick(ODD_NUMBERS));
    if (how === 2) text = put(text, random, JSON.stringify(random.pick(ODD_TEXTS)));
    if (how === 3) text = put(text, random, deep(random));
    if (how === 4) text = put(text, random, random.pick(['null', 'true', '[]', '{}', '""', '[null]', '{"":{}}', '[[[]]]']));
    if (how === 5) text = text.replace('{', `{${text.slice(1, -1)},`);
    if (how === 6) text = `${random.pick(['\ufeff', ' '.repeat(5000), '\u0000', ')]}\',\n', '//x\n', ''])}${text}${random.pick(['', '\u0000', '}', text, '\n\n', ',', '\u2028'])}`;
    if (how === 7) text = random.pick(['', '[]', '7', '"x"', 'null', '{', '[', '{"batch":', '{"batch":{}}', '{"batch":[[],{},7,null,"x"]}', '[{}]', '{"a":1,}', "{'a':1}", '{"batch":[' + '{},'.repeat(3000) + '{}]}', '\\u0000', '-', '1e1000']);
    if (how === 8) text = put(text, random, `"${random.pick(['\\ud800', '\\udfff\\ud800', '\\x41', '\\u00', '\\u0000', '\n', '\\'])}"`);
    if (how === 9) text = put(text, random, JSON.stringify('long '.repeat(random.pick([10, 1000, 8000, 30000]))));
    if (how === 10) text = put(text, random, `[${'1,'.repeat(random.pick([100, 1001, 20000]))}1]`);
    if (how === 11) text = put(text, random, `{${Array.from({ length: random.pick([65, 101, 3000]) }, (_, i) => `"k${i}":${i}`).join(',')}}`);
    if (how >= 12) {
      bytes = Buffer.from(text);
      for (let i = 0; i < 1 + random.below(4); i++) bytes[random.below(bytes.length)] = random.below(256);
    }
    bytes ??= Buffer.from(text);
    return { method, path, headers: [basic(this.any(random)), ['content-type', random.pick(['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json; charset=utf-16', ''])]], body: bytes };
  }

  /** Packed bodies: whole, broken off, altered, packed twice, bombs. */
  gzip(random, number) {
    const event = JSON.stringify(random.chance(0.5) ? this.event(random, number) : { batch: [this.event(random, number)] });
    let packed = zlib.gzipSync(event);
    const how = random.below(8);
    if (how === 0) packed = packed.subarray(0, random.below(packed.length));
    if (how === 1) packed[random.below(packed.length)] ^= 1 + random.below(255);
    if (how === 2) packed = zlib.gzipSync(packed);
    if (how === 3) packed = bomb(random.pick([1, 10, 50]), random.pick([0, 32, 91, 34]));
    if (how === 4) packed = Buffer.concat([packed, packed, random.bytes(20)]);
    if (how === 5) packed = Buffer.from([0x1f, 0x8b, ...random.bytes(random.below(30))]);
    if (how === 6) packed = zlib.deflateSync(event);
    const path = random.weighed([[8, `/v1/${random.pick(EVENTS)}`], [1, `/v1/${random.pick(['products', 'orders', 'customers'])}/import`], [1, '/v1/rank']]);
    return { method: 'POST', path, headers: [basic(this.any(random)), ['content-encoding', random.pick(['gzip', 'gzip, gzip', 'br', 'identity', 'x'])]], body: packed };
  }

  /** Filters that are deep, long, wrong, or all of it; as text in an address, and in bodies. */
  filter(random) {
    const leaf = () => random.pick(['price < 5', 'brand = "Acme"', 'colour is missing', 'price in [1,2,3]', 'price > context.price', 'category in visitor.category', 'nothing = 1', '`a b` != "x"', 'price < "x"', 'title is not missing', 'price < 1e999']);
    const size = random.pick([1, 2, 10, 64, 65, 500, 3000]);
    const depth = random.pick([1, 15, 16, 17, 100, 5000]);
    const text = random.pick([
      () => Array.from({ length: size }, leaf).join(random.pick([' and ', ' or '])),
      () => `${'('.repeat(depth)}${leaf()}${')'.repeat(depth)}`,
      () => `${'not '.repeat(depth)}${leaf()}`,
      () => `${'not ('.repeat(depth)}${leaf()}${')'.repeat(random.below(depth + 1))}`,
      () => `brand in [${Array.from({ length: size }, () => '"x"').join(',')}]`,
      () => `${leaf()} and`, () => random.pick(ODD_TEXTS), () => `brand = "${random.pick(ODD_TEXTS)}`, () => 'a'.repeat(5000), () => '"'.repeat(99), () => '`'.repeat(99),
      () => `price < ${random.pick(ODD_NUMBERS)}`,
    ])();
    if (random.chance(0.5)) {
      const address = random.pick(['/v1/products', `/v1/recommendations/${random.pick(PLACEMENTS)}`]);
      const query = encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '')).slice(0, 60000);
      return { method: 'GET', path: `${address}?filter=${query}&limit=3`, headers: [basic(this.any(random))] };
    }
    const value = random.pick([
      () => JSON.stringify(text),
      () => '{"not":'.repeat(depth) + '{"attribute":"price","op":"<","value":5}' + '}'.repeat(depth),
      () => `{"and":[${Array.from({ length: size }, () => '{"attribute":"price","op":"<","value":5}').join(',')}]}`,
      () => '{"and":['.repeat(depth) + ']}'.repeat(depth),
      () => `{"attribute":"brand","op":"in","value":[${'"x",'.repeat(size)}"x"]}`,
      () => `{"attribute":"price","op":"${random.pick(['<', 'like', '', 'missing'])}","value":${random.pick(ODD_NUMBERS)}}`,
      () => '{"attribute":"price","op":"<","value":{"context":"price","basket":"x"}}',
    ])();
    const [method, path, body] = random.pick([
      ['POST', `/v1/recommendations/${random.pick(PLACEMENTS)}`, `{"filter":${value}}`],
      ['POST', '/v1/rank', `{"items":["p1","p2"],"filter":${value}}`],
      ['POST', '/v1/recommendations', `{"placements":[{"placement":"home","filter":${value}}]}`],
      ['PUT', `/v1/rules/f${random.below(9)}`, `{"name":"F","effect":{"kind":"hide","filter":${value}}}`],
      ['PUT', '/v1/placements/own', `{"strategy":"personal","filter":${value}}`],
      ['POST', '/v1/recommendations/home/preview', `{"rule":{"id":"f","name":"F","when":{"visitor":${value}},"effect":{"kind":"hide","filter":${value}}}}`],
      ['PUT', `/v1/rules/w${random.below(9)}`, `{"name":"W","when":{"visitor":${value}},"effect":{"kind":"pin","product":"p1","slot":1}}`],
      ['PUT', `/v1/segments/f${random.below(9)}`, `{"name":"F","filter":${value}}`],
      // Segments that ask for each other, and for themselves.
      ['PUT', `/v1/segments/f${random.below(9)}`, `{"name":"F","filter":"${random.pick(['', 'not '])}segments in [\\"f${random.below(9)}\\",\\"f${random.below(9)}\\"] or orders > 0"}`],
      ['POST', '/v1/segments/size', `{"filter":${value}}`],
      ['PUT', `/v1/experiments/f${random.below(9)}`, JSON.stringify({ ...experiment(), audience: 'X' }).replace('"X"', value)],
      ['PUT', `/v1/experiments/f${random.below(9)}`, JSON.stringify(experiment({ kind: 'rule', rule: { id: 'r', name: 'R', when: { visitor: 'X' }, effect: { kind: 'hide', filter: 'X' } } })).replaceAll('"X"', value)],
    ]);
    return { method, path, headers: [basic(this.any(random))], body: Buffer.from(body) };
  }

  /** Addresses that try to be others. */
  path(random) {
    const base = random.pick(['/v1/products/', '/v1/visitors/', '/v1/rules/', '/v1/recommendations/', '/v1/decisions/', '/v1/jobs/', '/v1/vectors/', '/v1/models/', '/uploads/', '/shop/', '/docs/', '/', '/v1/', '/v1/imports/', '/sourceConfig/', '/v1/projects/']);
    const tail = random.pick(ODD_TAILS);
    return { method: random.pick(['GET', 'GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND']), path: base + tail, headers: [basic(this.any(random))] };
  }

  /** Parameters that are doubled, missing, huge, of another type or encoded oddly. */
  query(random) {
    const path = random.pick([`/v1/recommendations/${random.pick(PLACEMENTS)}`, '/v1/products', '/v1/categories', '/sourceConfig/', '/v1/visitors/u:x', '/health', '/v1/models', `/v1/projects/${random.word(5)}/settings`]);
    const value = () => random.pick([random.pick(ODD_NUMBERS), encodeURIComponent(random.pick(ODD_TEXTS).replace(/[\ud800-\udfff]/g, '')), '%ff', '%', '%00', 'x'.repeat(20000), '-1', '0', '101', 'true', '', 'a,b,,c', ','.repeat(500), `${this.mark}-q@mail.example`]);
    const names = ['visitor_id', 'anonymous_id', 'language', 'audience', 'product_id', 'category', 'basket', 'limit', 'filter', 'cursor', 'q', 'facets', 'key', 'writeKey', 'x', '', '%00', 'limit[]', 'a[b]'];
    const pairs = Array.from({ length: 1 + random.below(5) }, () => `${random.pick(names)}=${value()}`);
    if (random.chance(0.1)) pairs.push(...Array.from({ length: 2000 }, () => 'limit=1'));
    return { method: random.pick(['GET', 'GET', 'GET', 'HEAD', 'DELETE']), path: `${path}?${pairs.join('&')}`, headers: random.chance(0.9) ? [basic(this.any(random))] : [] };
  }

  /** Headers that are long, many, doubled, or lie. */
  header(random, number) {
    const text = () => random.pick(['x'.repeat(4000), '\u00ff\u00fe', 'a'.repeat(200), '', ' ', '"', `${this.mark}-header`, '-1', '1e9', '%00', 'é', '*/*;q=9', '\u0080']);
    const odd = [
      () => basic(this.any(random)), () => ['authorization', `Bearer ${text()}`], () => ['authorization', 'Basic !!!!'], () => ['authorization', `Basic ${Buffer.from(random.bytes(9)).toString('base64')}`], () => ['authorization', text()],
      () => ['x-vitrine-user', text()], () => ['x-vitrine-user', `v1.${random.word(16)}.${random.word(6)}.99999999999.${random.word(43)}`], () => ['x-request-id', text().replace(this.mark, 'chosen')], () => ['traceparent', text()], () => ['x-amzn-trace-id', text()], () => ['if-match', random.pick(['"1"', '*', 'W/"1"', '"x"', text()])],
      () => ['accept-language', random.pick(['fr;q=0.5,en', `${'fr,'.repeat(2000)}`, text()])], () => ['origin', text()], () => ['accept', text()], () => ['range', 'bytes=0-1,5-9,-1'], () => ['expect', '100-continue'], () => ['content-type', text()], () => ['x-forwarded-for', '203.0.113.77'], () => ['cookie', `id=${this.mark}-cookie`], () => ['accept-encoding', 'gzip;q=9,br'], () => ['connection', 'upgrade'], () => ['upgrade', 'h2c'], () => ['x-http-method-override', 'DELETE'], () => ['access-control-request-method', 'PUT'], () => ['access-control-request-headers', text()], () => ['host', text()],
    ];
    const headers = Array.from({ length: 1 + random.below(8) }, () => random.pick(odd)());
    if (random.chance(0.1)) headers.push(...Array.from({ length: random.pick([60, 98, 150]) }, (_, i) => [`x-h${i}`, 'v']));
    const target = random.chance(0.5) ? { method: random.pick(['GET', 'OPTIONS', 'HEAD']), path: random.pick(['/v1/products?limit=1', '/v1/recommendations/home', '/v1/rules', '/health', '/metrics', '/', '/v1/models', '/docs/']) } : this.target(random, number);
    const body = target.body === undefined ? undefined : Buffer.from(JSON.stringify(target.body));
    return { method: target.method, path: target.path, headers: headers.map(([name, value]) => [name, value.replace(/[\r\n]/g, ' ')]), body };
  }

  /** Identifiers nobody would choose, where one is wanted. */
  id(random, number) {
    const id = random.pick([...ODD_TEXTS, `${this.mark}-${random.word(4)}`, `p${random.below(60)}`]).replace(/[\ud800-\udfff]/g, '');
    const written = encodeURIComponent(id);
    const as = JSON.stringify(id);
    const [method, path, body] = random.pick([
      ['GET', `/v1/products/${written}`], ['DELETE', `/v1/products/${written}x`], ['PATCH', `/v1/products/${written}`, '{"stock":1}'], ['GET', `/v1/visitors/${written}`], ['GET', `/v1/rules/${written}`], ['DELETE', `/v1/rules/${written}`],
      ['PUT', `/v1/rules/${written}`, '{"name":"X","effect":{"kind":"pin","product":"p1","slot":1}}'], ['PUT', `/v1/placements/${written}`, '{"strategy":"personal"}'], ['GET', `/v1/recommendations/${written}`], ['GET', `/v1/decisions/${written}`], ['POST', `/v1/decisions/${written}/replay`, '{}'], ['GET', `/v1/jobs/${written}`], ['POST', `/v1/models/${written}/activate`, '{}'],
      ['PUT', `/v1/vectors/${written}`, '{"product_id":"p1","vector":[1]}'], ['DELETE', `/v1/vectors/${written}`], ['POST', `/v1/imports/${written}`, ''], ['PUT', `/uploads/${written}`, 'x'], ['PUT', '/v1/products', `[{"id":${as},"title":"X","category":[${as}],"brand":${as}}]`],
      ['POST', '/v1/t', JSON.stringify({ ...this.event(random, number), anonymousId: id, userId: id, messageId: id })], ['POST', '/v1/a', `{"userId":${as},"previousId":${as}}`], ['POST', '/v1/recommendations/home', `{"anonymous_id":${as}}`], ['POST', '/v1/rank', `{"items":[${as},${as}],"product_id":${as}}`],
      ['POST', '/v1/recommendations/home', `{"history":[{"product_id":${as},"action":"view","timestamp":${as}}]}`],
    ]);
    return { method, path, headers: [basic(this.any(random))], body: body === undefined ? undefined : Buffer.from(body) };
  }

  /** Files of other systems, broken. */
  file(random, number) {
    const { kind, format, body } = file(random, number, this.mark);
    const query = random.weighed([[6, `?format=${format}`], [3, ''], [1, `?format=${random.pick(['csv', 'parquet', 'json', 'ndjson', 'google-xml', 'shopify-csv', 'x'])}&dates=day-first&currency=XXX`]]);
    return { method: 'POST', path: `/v1/${kind}/import${query}`, headers: [basic(this.server(random)), ['content-type', 'application/octet-stream']], body };
  }

  /** Bytes that are no request, or two, or half of one. They come on a connection of their own. */
  wire(random) {
    const key = `authorization: ${basic(this.any(random))[1]}\r\n`;
    const whole = `POST /v1/t HTTP/1.1\r\nhost: x\r\n${key}`;
    const text = random.pick([
      'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'get / http/1.1\r\n\r\n', '\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'GET  /  HTTP/1.1\r\n\r\n', 'GET /\u0000 HTTP/1.1\r\nhost: x\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', `GET /${'a'.repeat(100000)} HTTP/1.1\r\nhost: x\r\n\r\n`, `GET / HTTP/1.1\r\nhost: x\r\nx: ${'b'.repeat(500000)}\r\n\r\n`, `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(5000)}\r\n`,
      `${whole}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, `${whole}transfer-encoding: chunked\r\n\r\nzz\r\n`, `${whole}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx`, `${whole}transfer-encoding: chunked\r\n\r\n5;${'e'.repeat(20000)}\r\nhello\r\n0\r\n\r\n`, `${whole}transfer-encoding: gzip\r\n\r\n`, `${whole}content-length: -1\r\n\r\n`, `${whole}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, `${whole}content-length: 99999999999999999999\r\n\r\n`, `${whole}content-length: 50\r\n\r\nshort`, `${whole}x\r\n\r\n`, `${whole} folded: x\r\n\r\n`, `${whole}x : y\r\n\r\n`, 'CONNECT evil.example:443 HTTP/1.1\r\n\r\n', 'GET http://evil.example/v1/products HTTP/1.1\r\nhost: x\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', 'GET / HTTP/1.1\n\n',
    ]);
    const raw = random.chance(0.1) ? random.bytes(1 + random.below(2000)) : Buffer.from(text, 'latin1');
    return { method: 'RAW', path: '', raw };
  }

  /**
   * Any operation of the description, with e-mails, tokens and keys wherever something can be wrong: none of it is told back by an
   * error, and none gets into a log.
   */
  canary(random) {
    const operation = random.pick(OPERATIONS);
    const secret = () => random.pick([this.email(random), `${this.mark}-token-${random.word(8)}`, `v1.${random.word(16)}.${this.mark}${random.word(8)}.9999999999.${this.mark}${random.word(20)}`, `vs_${this.mark}${random.word(20)}`]);
    const path = operation.path.replace(/\{[^}]*\}/g, () => encodeURIComponent(random.chance(0.7) ? secret() : 'home'));
    const names = [...Object.keys(operation.query), 'limit', 'filter', 'cursor', 'language', 'audience', 'from', 'to', 'format', 'currency', 'dates', 'revision', 'of', 'ids', 'key', 'email', this.email(random)];
    const pairs = Array.from({ length: random.below(3) }, () => `${encodeURIComponent(random.pick(names))}=${encodeURIComponent(random.pick([secret(), `${secret()} <`, `email = "${secret()}" and`, `${secret()},${secret()}`]))}`);
    const headers = [random.chance(0.8) ? basic(this.server(random)) : random.pick([['authorization', `Bearer ${secret()}`], basic(secret()), ['authorization', secret()]])];
    if (random.chance(0.3)) headers.push([random.pick(['x-vitrine-user', 'if-match', 'origin', 'referer', 'cookie', 'traceparent', 'accept-language', 'content-type', 'user-agent', 'x-forwarded-for']), secret()]);
    const made = random.pick(BODIES)(secret);
    const text = typeof made === 'string' ? made : JSON.stringify(made);
    return { method: operation.method, path: `${random.chance(0.05) ? `/v1/${secret()}` : path}${pairs.length ? `?${pairs.join('&')}` : ''}`, headers, body: operation.reads ? Buffer.from(text) : undefined };
  }

  /** Pages and forms of the console. */
  console(random) {
    return page(this, random, { texts: ODD_TEXTS, numbers: ODD_NUMBERS, tails: ODD_TAILS });
  }

  /** What a good client sends, so that there is something to break. */
  good(random, number) {
    const { method, path, body, target } = this.target(random, number);
    // What stands there already is changed only by whoever says so.
    const over = random.chance(0.5) ? [['if-match', '*']] : [];
    return { method, path, target, headers: [basic(this.server(random)), ...over], body: Buffer.from(JSON.stringify(body)) };
  }
}

/** An experiment as it would be taken. */
const experiment = (change = { kind: 'strategy', placement: 'home', strategy: 'trending' }) => ({
  name: 'What many want', hypothesis: 'They do.', traffic: 0.5, audience: 'orders > 0', exclusive: { group: 'home', from: 0, to: 0.5 }, bandit: { floor: 0.1, half_life_days: 14 },
  design: { kind: 'variants', variants: [{ id: 'control', weight: 0.3 }, { id: 'other', weight: 0.7, changes: [change] }] }, metrics: { primary: 'conversion', guardrails: [{ metric: 'return_rate', margin: 0.1 }] },
});

/** Bodies with a secret where a name, a word of a list, a number, a time or a filter is due. */
const BODIES = [
  (secret) => ({ [secret()]: 1 }),
  (secret) => ({ name: secret(), [secret()]: secret() }),
  (secret) => secret(),
  (secret) => `"${secret()}"`,
  (secret) => `{"name": ${secret()}}`,
  (secret) => [secret(), { id: secret(), title: 7 }, { id: '', title: secret() }],
  (secret) => ({ id: secret(), title: secret(), price: secret() }),
  (secret) => ({ effect: { kind: secret() } }),
  (secret) => ({ effect: { kind: 'hide', filter: `email = "${secret()}" and` }, when: { from: secret(), visitor: secret() } }),
  (secret) => ({ effect: { kind: 'pin', product: `${secret()}\u0000`, slot: secret() } }),
  (secret) => ({ effect: { kind: 'content', slot: 'hero', payload: 1, [secret()]: 1 } }),
  (secret) => ({ strategy: secret() }),
  (secret) => ({ strategy: 'personal', filter: { attribute: secret(), op: secret(), value: secret() } }),
  (secret) => ({ strategy: 'personal', limit: secret(), [secret()]: 1 }),
  (secret) => ({ filter: `segments in ["${secret()}"` }),
  (secret) => ({ filter: `price < "${secret()}"` }),
  (secret) => ({ filter: { attribute: secret(), op: '=', value: secret() } }),
  (secret) => ({ filter: { attribute: 'price', op: '<', value: { [secret()]: secret() } } }),
  (secret) => ({ filter: { and: [{ attribute: 'email', op: '=', value: { context: secret() } }] } }),
  (secret) => ({ name: 'N', design: { kind: secret() }, metrics: { primary: secret() } }),
  (secret) => ({ name: 'N', design: { kind: 'variants', variants: [{ id: secret() }, { id: secret(), changes: [{ kind: secret() }, { kind: 'strategy', placement: secret(), strategy: secret() }] }] }, metrics: { primary: 'conversion', guardrails: [{ metric: secret() }] }, status: secret() }),
  (secret) => ({ default_purposes: [secret()] }),
  (secret) => ({ currency: secret(), click_days: 1, view_days: 1 }),
  (secret) => ({ keep: secret(), gate: secret() }),
  (secret) => ({ kind: secret(), scopes: [secret()], label: secret() }),
  (secret) => ({ kind: 'server', scopes: [secret()], label: `${secret()}\u0007` }),
  (secret) => ({ role: secret(), password: secret() }),
  (secret) => ({ shop: 'broken-1', name: secret(), password: secret() }),
  (secret) => ({ visitor_id: secret(), anonymous_id: secret(), history: [{ product_id: secret(), action: secret(), timestamp: secret() }] }),
  (secret) => ({ history: [{ product_id: 'p1', action: secret(), timestamp: secret() }], language: secret(), audience: secret() }),
  (secret) => ({ cursor: secret(), limit: 3, basket: [`${secret()}\u0000`], language: secret(), audience: secret() }),
  (secret) => ({ items: [`${secret()}\u0000`], placement: secret() }),
  (secret) => ({ placements: [{ placement: secret(), limit: secret() }] }),
  (secret) => ({ rule: { id: secret(), effect: { kind: secret() } }, placement: { [secret()]: 1, strategy: secret() } }),
  (secret) => ({ placement: { strategy: secret() }, rules: [{ id: 'a', name: 'A', effect: { kind: 'hide', filter: secret() } }] }),
  (secret) => ({ type: secret(), anonymousId: { [secret()]: 1 }, userId: `${secret()}\u0000`, messageId: secret(), timestamp: secret(), email: secret() }),
  (secret) => ({ batch: [{ type: secret() }, { type: 'track', anonymousId: `${secret()}\u0000`, event: secret() }, secret()] }),
  (secret) => `{"product_id":"${secret()}","vector":["${secret()}"]}\n{"${secret()}":1}\n`,
  (secret) => `id,title,price\n${secret()},${secret()},${secret()}\n"${secret()}\n`,
  (secret) => ({ erasure_id: secret(), signature: secret(), shop: secret() }),
];

const FAMILIES = [[26, 'json'], [8, 'gzip'], [12, 'filter'], [13, 'path'], [12, 'query'], [10, 'header'], [10, 'id'], [3, 'file'], [2, 'wire'], [12, 'good'], [10, 'canary'], [6, 'console']];

/** Puts something in the place of a value somewhere in JSON text. */
function put(text, random, value) {
  const values = [...text.matchAll(/:("[^"]*"|[0-9.]+|true|false|null|\[\]|\{)/g)];
  if (!values.length) return value;
  const at = random.pick(values);
  const from = at.index + 1;
  const until = from + (at[1] === '{' ? 0 : at[1].length);
  return at[1] === '{' ? `${text.slice(0, from)}{"x":${value},${text.slice(from + 1)}` : text.slice(0, from) + value + text.slice(until);
}

function deep(random) {
  const depth = random.pick([5, 64, 127, 128, 129, 1000, 20000, 100000]);
  return random.pick([() => '['.repeat(depth) + ']'.repeat(depth), () => '{"a":'.repeat(depth) + '1' + '}'.repeat(depth), () => '['.repeat(depth), () => '[{"a":'.repeat(depth) + '1'])();
}
