// The table as it is, read and written over its own API. The embedded engine wants a signature and does not check it.

import http from 'node:http';

import { ask } from './client.mjs';

/** Sort key of a profile. */
export const PROFILE = '~PROFILE';

const agent = new http.Agent({ keepAlive: true });

async function call(endpoint, operation, body) {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': `DynamoDB_20120810.${operation}`,
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
  };
  const answer = await ask(endpoint, { method: 'POST', body: JSON.stringify(body), headers, agent, timeout: 120_000 });
  if (answer.status !== 200) throw new Error(`${operation}: ${answer.status} ${answer.text}`);
  return answer.json;
}

/** Every item of the table, by page. */
export async function* items(endpoint) {
  let from;
  do {
    const page = await call(endpoint, 'Scan', { TableName: 'vitrine', ConsistentRead: true, ...(from && { ExclusiveStartKey: from }) });
    for (const item of page.Items) yield { pk: item.PK.S, sk: item.SK.S, document: item.d?.S };
    from = page.LastEvaluatedKey;
  } while (from);
}

export async function put(endpoint, pk, sk, document) {
  await call(endpoint, 'PutItem', { TableName: 'vitrine', Item: { PK: { S: pk }, SK: { S: sk }, d: { S: document } } });
}

/** Every event in the table: visitor, time and message id as its key has them. */
export async function events(endpoint, shop) {
  const found = [];
  const prefix = `S#${shop}#V#`;
  for await (const { pk, sk } of items(endpoint)) {
    if (!pk.startsWith(prefix) || !sk.startsWith('E#')) continue;
    const [, time, id] = /^E#(\d+)#(.*)$/.exec(sk);
    found.push({ visitor: pk.slice(prefix.length), time: Number(time), id });
  }
  return found;
}
