// Which call a request is, for every kind of request that the functions make.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { calls, place, signer } from './calls.mjs';

const dynamodb = (operation, body) => calls('POST', '/', { 'x-amz-target': `DynamoDB_20120810.${operation}` }, JSON.stringify(body ?? {}), 'dynamodb');

test('calls of the table', () => {
  assert.deepEqual(dynamodb('PutItem'), [{ service: 'dynamodb', operation: 'PutItem' }]);
  // What counts of a transaction is what is in it.
  const written = dynamodb('TransactWriteItems', { TransactItems: [{ Put: {} }, { Put: {} }, { Delete: {} }, { ConditionCheck: {} }] });
  assert.deepEqual(written.map(({ operation }) => operation), ['TransactWriteItems/ConditionCheck', 'TransactWriteItems/Delete', 'TransactWriteItems/Put']);
});

test('calls of the bucket, and where they reach', () => {
  const s3 = (method, url, body = '') => calls(method, url, {}, body, 's3').map(({ operation, on }) => `${operation} ${on}`);
  assert.deepEqual(s3('GET', '/bucket/shops/a/models/1/model'), ['GetObject models/*']);
  assert.deepEqual(s3('PUT', '/bucket/shops/a/jobs/orders/1?X-Amz-Signature=x'), ['PutObject jobs/orders/*']);
  assert.deepEqual(s3('GET', '/bucket?list-type=2&prefix=shops%2F&delimiter=%2F'), ['ListObjectsV2 *']);
  assert.deepEqual(s3('GET', '/bucket?list-type=2&prefix=shops%2Fa%2Fevents%2F'), ['ListObjectsV2 events/*']);
  const both = '<Delete><Object><Key>shops/a/models/1</Key></Object><Object><Key>shops/a/models/2</Key></Object><Object><Key>shops/a/events/1</Key></Object></Delete>';
  assert.deepEqual(s3('POST', '/bucket?delete', both), ['DeleteObjects models/*', 'DeleteObjects events/*']);
  assert.deepEqual(s3('GET', '/bucket?versions=&prefix=shops%2Fa%2F'), ['ListObjectVersions *']);
  assert.deepEqual(s3('DELETE', '/bucket/shops/a/events/1?versionId=2'), ['DeleteObjectVersion events/*']);
  assert.deepEqual(s3('POST', '/bucket/key?uploads'), ['POST /bucket/key?uploads undefined']);
  assert.equal(place('elsewhere/a'), '*');
});

test('other services, and what nobody knows', () => {
  const parameter = calls('POST', '/', { 'x-amz-target': 'AmazonSSM.GetParameter' }, '{"Name":"/vitrine/secret"}', 'ssm');
  assert.deepEqual(parameter, [{ service: 'ssm', operation: 'GetParameter', on: '/vitrine/secret' }]);
  assert.deepEqual(calls('POST', '/v1/thing?x=1', {}, '', 'strange'), [{ service: 'strange', operation: 'POST /v1/thing?x' }]);
});

test('who signed: in the header, or in a presigned address', () => {
  const header = 'AWS4-HMAC-SHA256 Credential=ASIA1/20261128/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=ab';
  assert.deepEqual(signer('/', { authorization: header }), { key: 'ASIA1', service: 'dynamodb' });
  assert.deepEqual(signer('/b/k?X-Amz-Credential=ASIA2%2F20261128%2Fus-east-1%2Fs3%2Faws4_request', {}), { key: 'ASIA2', service: 's3' });
  assert.equal(signer('/', {}), undefined);
});
