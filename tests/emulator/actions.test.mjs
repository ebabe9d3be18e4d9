// What a request needs, for every kind of request that the functions make.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { actions, signer } from './actions.mjs';

const dynamo = (operation, body) => actions('POST', '/', { 'x-amz-target': `DynamoDB_20120810.${operation}` }, JSON.stringify(body ?? {}), 'dynamodb');

test('calls of the table', () => {
  assert.deepEqual(dynamo('PutItem'), ['dynamodb:PutItem']);
  assert.deepEqual(dynamo('BatchWriteItem'), ['dynamodb:BatchWriteItem']);
  // A policy knows no transactions, only what is in them.
  assert.deepEqual(dynamo('TransactWriteItems', { TransactItems: [{ Put: {} }, { Put: {} }, { Delete: {} }, { ConditionCheck: {} }] }),
    ['dynamodb:PutItem', 'dynamodb:DeleteItem', 'dynamodb:ConditionCheckItem']);
  assert.deepEqual(dynamo('TransactGetItems', { TransactItems: [{ Get: {} }] }), ['dynamodb:GetItem']);
});

test('calls of the bucket', () => {
  const s3 = (method, url) => actions(method, url, {}, '', 's3');
  assert.deepEqual(s3('GET', '/bucket/shops/a/model'), ['s3:GetObject']);
  assert.deepEqual(s3('HEAD', '/bucket/shops/a/model'), ['s3:GetObject']);
  assert.deepEqual(s3('PUT', '/bucket/shops/a/model'), ['s3:PutObject']);
  assert.deepEqual(s3('DELETE', '/bucket/shops/a/model'), ['s3:DeleteObject']);
  assert.deepEqual(s3('POST', '/bucket/key?uploads'), ['s3:PutObject']);
  assert.deepEqual(s3('GET', '/bucket?list-type=2&prefix=shops'), ['s3:ListBucket']);
  assert.deepEqual(s3('GET', '/bucket/?prefix=shops'), ['s3:ListBucket']);
  assert.deepEqual(s3('POST', '/bucket?delete'), ['s3:DeleteObject']);
  assert.deepEqual(s3('PATCH', '/bucket/key'), ['s3: PATCH /bucket/key']);
});

test('other services, and what nobody knows', () => {
  assert.deepEqual(actions('POST', '/', { 'x-amz-target': 'AmazonSSM.GetParameter' }, '{}', 'ssm'), ['ssm:GetParameter']);
  assert.deepEqual(actions('POST', '/2015-03-31/functions/f/invocations', {}, '{}', 'lambda'), ['lambda:InvokeFunction']);
  assert.deepEqual(actions('POST', '/v1/thing?x=1', {}, '', 'strange'), ['strange: POST /v1/thing?x']);
});

test('who signed: in the header, or in a presigned address', () => {
  const header = 'AWS4-HMAC-SHA256 Credential=ASIA1/20261128/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=ab';
  assert.deepEqual(signer('/', { authorization: header }), { key: 'ASIA1', service: 'dynamodb' });
  assert.deepEqual(signer('/b/k?X-Amz-Credential=ASIA2%2F20261128%2Fus-east-1%2Fs3%2Faws4_request', {}), { key: 'ASIA2', service: 's3' });
  assert.equal(signer('/', {}), undefined);
});
