// The two proxies of the emulator, against a server that says what it got.

import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { event, front, recorder } from './proxies.mjs';

const opened = [];
after(() => opened.forEach((server) => server.close() || server.closeAllConnections()));
const listening = async (server) => {
  opened.push(server);
  if (!server.listening) await new Promise((done) => server.once('listening', done));
  return `http://127.0.0.1:${server.address().port}`;
};
const upstream = await listening(http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const refused = request.headers['x-amz-target']?.endsWith('DeleteItem');
    response.writeHead(refused ? 400 : 200, { 'content-type': 'application/json' });
    if (request.url.endsWith('/invocations')) {
      response.end(JSON.stringify({ statusCode: 204, headers: { 'access-control-max-age': '900' }, body: '' }));
    } else if (refused) response.end('{"__type":"AccessDeniedException"}');
    else response.end(JSON.stringify({ url: request.url, headers: request.headers, bytes: Buffer.concat(chunks).length }));
  });
}).listen(0, '127.0.0.1'));

test('the recorder passes on unchanged and remembers who asked for what', async () => {
  const address = await listening(recorder(upstream, 0));
  const authorization = 'AWS4-HMAC-SHA256 Credential=ASIA1/20261128/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=ab';
  const ask = (operation) => fetch(`${address}/`, { method: 'POST', body: '{}', headers: { authorization, 'x-amz-target': `DynamoDB_20120810.${operation}` } });
  const seen = await (await ask('PutItem')).json();
  assert.deepEqual([seen.url, seen.headers.host, seen.bytes], ['/', new URL(address).host, 2]);
  await (await ask('PutItem')).text();
  await (await ask('DeleteItem')).text();
  assert.deepEqual(await (await fetch(`${address}/_recorder`)).json(), [
    { key: 'ASIA1', service: 'dynamodb', operation: 'PutItem', count: 2, denied: 0 },
    { key: 'ASIA1', service: 'dynamodb', operation: 'DeleteItem', count: 1, denied: 1 },
  ]);
});

test('the front has no path, keeps the host, and sends packed bodies as bytes', async () => {
  const address = await listening(front(upstream, 'abc', 'collect'));
  const plain = await (await fetch(`${address}/v1/t?x=1`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).json();
  assert.deepEqual([plain.url, plain.headers.host, plain.headers['content-type'], plain.headers['x-forwarded-proto']],
    ['/_aws/execute-api/abc/$default/v1/t?x=1', new URL(address).host, 'application/json', 'http']);
  const packed = await (await fetch(`${address}/v1/batch`, { method: 'POST', body: gzipSync('{}'), headers: { 'content-type': 'application/json' } })).json();
  assert.equal(packed.headers['content-type'], 'application/octet-stream');
});

test('what browsers ask before they send goes to the function', async () => {
  const address = await listening(front(upstream, 'abc', 'collect'));
  const asked = await fetch(`${address}/v1/t`, { method: 'OPTIONS', headers: { origin: 'http://shop' } });
  assert.deepEqual([asked.status, asked.headers.get('access-control-max-age')], [204, '900']);
  const { rawPath, rawQueryString, requestContext } = event({ method: 'OPTIONS', url: '/v1/t?a=b', headers: {} });
  assert.deepEqual([rawPath, rawQueryString, requestContext.http.method], ['/v1/t', 'a=b', 'OPTIONS']);
});
