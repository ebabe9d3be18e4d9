// The catalogue: feeds in every format, while the client waits and by upload, and what a complete feed no longer names.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { RUN, call, catalogue, expected, feed, ok, upload } from './shop.mjs';

const PRODUCTS = ['google.tsv', 'google.rss.xml', 'google.atom.xml', 'shopify-old.csv', 'shopify-new.csv', 'shopify.json', 'jsonld.json',
  'products.ndjson', 'content.ndjson'];

test('a stack says that it is there, and who it lets in', async () => {
  assert.equal((await ok('GET', '/health')).status, 'ok');
  assert.equal((await ok('GET', '/openapi.json')).openapi.slice(0, 3), '3.1');
  for (const [path, key, status] of [['/v1/models', 'nobody', 401], ['/v1/models', 'browser', 403]]) {
    const refused = await call('GET', path, { key });
    assert.equal(refused.status, status);
    assert.match(refused.headers.get('content-type'), /^application\/problem\+json/);
    assert.ok(refused.value.request_id, JSON.stringify(refused.value));
  }
});

for (const name of PRODUCTS) {
  test(`${name} is imported while the client waits`, async () => {
    const report = await ok('POST', `/v1/products/import?filename=${name}&currency=USD&site=https://shop.example`, { body: feed(name) });
    // A product that the feed keeps as a draft is not on sale, and refused.
    const { rows, refused, products, drafts = 0 } = expected[name];
    assert.deepEqual([report.read, report.refused, report.written + report.unchanged], [rows, refused + drafts, products - drafts],
      JSON.stringify(report).slice(0, 500));
  });
}

test('a packed file is the same file', async () => {
  const report = await ok('POST', '/v1/products/import?filename=products.ndjson', {
    body: gzipSync(feed('products.ndjson')), headers: { 'content-encoding': 'gzip' },
  });
  assert.deepEqual([report.refused, report.written, report.unchanged], [1, 0, expected['products.ndjson'].products]);
});

test('a product is read, changed and withdrawn', async () => {
  const product = { id: `${RUN}-single`, title: 'A kettle', price: 20, currency: 'EUR', cost: 9, category: ['Kitchen'] };
  assert.equal((await ok('PUT', '/v1/products', { body: product })).written, 1);
  await ok('PATCH', `/v1/products/${product.id}`, { body: { price: 18.5 } });
  assert.equal((await ok('GET', `/v1/products/${product.id}`)).price, 18.5);
  assert.equal((await ok('GET', `/v1/products/${product.id}`, { key: 'browser' })).cost, undefined);
  assert.equal((await call('DELETE', `/v1/products/${product.id}`)).status, 204);
  assert.equal((await call('GET', `/v1/products/${product.id}`)).status, 404);
});

test('a file too large for a request goes to an upload address, and a job imports it', async () => {
  const text = 'as long as the descriptions of real feeds are, so that few products make a large file. '.repeat(45);
  const product = (n) => JSON.stringify({ id: `${RUN}-large-${n}`, title: `Number ${n}`, description: `${n}: ${text}`, category: ['Large'], price: 1 + n, currency: 'EUR' });
  const count = 1_600;
  const body = Array.from({ length: count }, (_, n) => product(n)).join('\n');
  // What API Gateway and Lambda together let through is 6 MB, and base64 takes a third of it.
  assert.ok(body.length > 6 << 20, `${body.length} bytes`);
  const result = await upload('products', 'format=ndjson', body);
  assert.deepEqual([result.read, result.written, result.refused], [count, count, 0]);
  assert.equal((await ok('GET', `/v1/products/${RUN}-large-${count - 1}`)).title, `Number ${count - 1}`);
});

test('an upload that nobody asked for is refused', async () => {
  const { upload } = await ok('POST', '/v1/imports/products');
  const address = new URL(upload.url);
  // Another object: whatever the last part of the path is, a signature or a seal covers it.
  address.pathname = `${address.pathname.slice(0, -4)}beef`;
  const refused = await fetch(address, { method: 'PUT', body: 'id,title\n1,One\n' });
  assert.ok(refused.status >= 400 && refused.status < 500, `answered ${refused.status}`);
});

test('what a complete feed does not name is withdrawn, but not by a feed with a bad row', async () => {
  const few = catalogue(['kept'], 12);
  const path = '/v1/products/import?format=json&complete=true';
  const broken = [{ ...few[0], title: null }, ...few.slice(1)];
  const kept = await ok('POST', path, { body: broken });
  assert.deepEqual([kept.refused, kept.withdrawn], [1, 0], JSON.stringify(kept).slice(0, 500));
  const report = await ok('POST', path, { body: few });
  assert.equal(report.refused, 0, JSON.stringify(report).slice(0, 500));
  assert.ok(report.withdrawn >= 1_600, JSON.stringify(report).slice(0, 500));
  assert.equal((await call('GET', `/v1/products/${RUN}-large-0`)).status, 404);
  assert.equal((await call('GET', `/v1/products/${few[0].id}`)).status, 200);
});

test('own vectors are kept with the shop', async () => {
  const rows = [0, 1, 2].map((n) => JSON.stringify({ product_id: `${RUN}-v${n}`, vector: [n, 1, 0, 0] })).join('\n');
  await ok('PUT', '/v1/vectors/acceptance', { body: rows });
  // A matrix as NumPy writes it, with the identifiers of its rows sent before.
  const ids = [0, 1].map((n) => `${RUN}-v${n}`);
  await ok('PUT', '/v1/vectors/acceptance/ids', { body: ids });
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }";
  const length = new Uint8Array(new Uint16Array([header.length]).buffer);
  const matrix = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, Buffer.from(header), new Uint8Array(new Float32Array([1, 2, 3, 4]).buffer)]);
  assert.equal((await ok('PUT', '/v1/vectors/acceptance', { body: matrix })).products, 2);
  assert.ok(JSON.stringify(await ok('GET', '/v1/vectors')).includes('acceptance'));
  const { status } = await call('DELETE', '/v1/vectors/acceptance');
  assert.ok(status < 300, `answered ${status}`);
});
