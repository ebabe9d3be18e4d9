// Files of other systems for the imports: small whole ones, and what can go wrong with them.

import fs from 'node:fs';
import zlib from 'node:zlib';

const FEEDS = new URL('../../samples/feeds/', import.meta.url);
const KEPT = new URL('../fuzz/corpus/feed/', import.meta.url);
const read = (name) => fs.readFileSync(new URL(name, FEEDS));
const kept = (name) => fs.readFileSync(new URL(name, KEPT));

const known = {
  'google-tsv': ['products', read('google.tsv').subarray(0, 6000)],
  'google-xml': ['products', Buffer.from('<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>x1</g:id><g:title>Tea</g:title><g:price>3.50 EUR</g:price><g:product_type>A &gt; B</g:product_type></item></channel></rss>')],
  'shopify-csv': ['products', Buffer.from('Handle,Title,Body (HTML),Vendor,Type,Variant SKU,Variant Price\nmug,Mug,<p>Good</p>,Acme,Cups,M1,9.50\n')],
  'shopify-json': ['products', Buffer.from('{"products":[{"id":1,"title":"Mug","handle":"mug","vendor":"Acme","variants":[{"id":2,"sku":"M1","price":"9.50"}]}]}')],
  'json-ld': ['products', Buffer.from('{"@context":"https://schema.org","@type":"Product","sku":"m1","name":"Mug","offers":{"@type":"Offer","price":9.5,"priceCurrency":"EUR"}}')],
  ndjson: ['products', Buffer.from('{"id":"n1","title":"Mug","price":9.5,"currency":"EUR"}\n{"id":"n2","title":"Cup"}\n')],
  json: ['products', Buffer.from('[{"id":"n1","title":"Mug","price":9.5,"currency":"EUR"}]')],
  csv: ['orders', Buffer.from('order_id,time,user_id,product_id,quantity,price,currency\no1,2026-01-05T10:00:00Z,anna,n1,2,3.50,EUR\n')],
  parquet: ['orders', kept('orders.parquet')],
};

/** Parquet files of a few bytes that stand for many: a page, a dictionary, lengths of texts, columns and lists that say they are huge, and gzip that is. */
const huge = ['page', 'dictionary', 'lengths', 'children', 'lists', 'gzip'].map((name) => kept(`${name}.parquet`));

/** A file, whole or broken: what it is sent as, and its bytes. */
export function file(random, number, mark) {
  const how = random.below(16);
  const format = how === 13 || how === 14 ? 'parquet' : random.pick(Object.keys(known));
  const [usual, whole] = known[format];
  const kind = random.weighed([[8, usual], [1, 'orders'], [1, 'customers'], [1, 'products']]);
  let body = Buffer.from(whole);
  if (how === 0) body = body.subarray(0, random.below(body.length));
  if (how === 1) for (let i = 0; i < 1 + random.below(8); i++) body[random.below(body.length)] = random.below(256);
  if (how === 2) body = zlib.gzipSync(body).subarray(0, 10 + random.below(60));
  if (how === 3) body = bomb(random.pick([1, 10, 30]), random.pick([0, 10, 32, 34, 44, 60, 91, 123]));
  if (how === 4) body = zlib.gzipSync(Buffer.concat([body, Buffer.from(`\n${mark}@mail.example,${'"'.repeat(2000)}\n`)]));
  if (how === 5) body = Buffer.from([...'id,title\n'].join('') + '1,'.repeat(random.pick([10, 2000, 100000])));
  if (how === 6) body = Buffer.from(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, i) => `<!ENTITY ${'bcdefghij'[i]} "${`&${'abcdefghi'[i]};`.repeat(10)}">`).join('')}<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><g:id>&x;</g:id><title>&j;</title></item></channel></rss>`);
  if (how === 7) body = Buffer.from('<a>'.repeat(random.pick([10, 63, 65, 50000])));
  if (how === 8) body = Buffer.from(`{"products":${'['.repeat(random.pick([10, 127, 129, 100000]))}`);
  if (how === 9) body = Buffer.from(random.pick(['', '\n', '\u0000', 'PAR1', 'PAR1PAR1', 'PK\u0003\u0004', '\ufffe', '{}', '[]', '[{}]', 'null', 'id\ttitle\n', '\ufeffid,title\n1,A\n', 'a;b;c\n"', '{"id":"1"}{"id"', '<', '<rss/>', '<rss>&nosuch;</rss>', `${number}`]), random.pick(['utf8', 'utf8', 'utf16le']));
  if (how === 10) body = Buffer.concat([Buffer.from('PAR1'), random.bytes(random.below(300)), Buffer.from([random.below(256), random.below(256), random.pick([0, 255]), random.pick([0, 127])]), Buffer.from('PAR1')]);
  if (how === 11) body = Buffer.from(`{"id":"${'x'.repeat(random.pick([129, 70000, 1100000]))}","title":"${mark}@mail.example","price":1e999}\n`);
  if (how === 12) body = random.bytes(random.below(3000));
  if (how === 13) body = random.pick(huge);
  if (how === 14) body[random.below(body.length)] ^= 1 << random.below(8);
  return { kind, format, body };
}

const bombs = new Map();

/** So many megabytes of one byte, packed. */
export function bomb(megabytes, byte) {
  const name = `${megabytes} ${byte}`;
  if (!bombs.has(name)) bombs.set(name, zlib.gzipSync(Buffer.alloc(megabytes << 20, byte), { level: 9 }));
  return bombs.get(name);
}
