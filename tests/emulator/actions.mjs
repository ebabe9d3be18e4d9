// Which permission an AWS request needs, read from the request alone: the words that a role's policy has.

/** What each item of a write transaction needs; the transaction itself has no permission of its own. */
const TRANSACTED = { Put: 'PutItem', Delete: 'DeleteItem', Update: 'UpdateItem', ConditionCheck: 'ConditionCheckItem', Get: 'GetItem' };

/** Services whose protocol names the operation in a header, and their prefix in policies. */
const TARGETS = [
  [/^DynamoDB_20120810\./, 'dynamodb'],
  [/^DynamoDBStreams_20120810\./, 'dynamodb'],
  [/^AmazonSSM\./, 'ssm'],
  [/^AWSStepFunctions\./, 'states'],
  [/^AmazonSQS\./, 'sqs'],
  [/^AWSEvents\./, 'events'],
  [/^TrentService\./, 'kms'],
];

/** Query parameters that make another operation of a method on a bucket or an object. */
function s3(method, path, query) {
  const ofObject = path.split('/').filter(Boolean).length > 1;
  if (!ofObject) {
    if (method === 'GET' && (query.has('list-type') || ![...query.keys()].some((name) => name !== 'prefix' && name !== 'delimiter'))) return 's3:ListBucket';
    if (method === 'GET' && query.has('uploads')) return 's3:ListBucketMultipartUploads';
    if (method === 'GET' && query.has('location')) return 's3:GetBucketLocation';
    if (method === 'HEAD') return 's3:ListBucket';
    if (method === 'POST' && query.has('delete')) return 's3:DeleteObject';
    return undefined;
  }
  if (method === 'GET' || method === 'HEAD') return query.has('uploadId') ? 's3:ListMultipartUploadParts' : 's3:GetObject';
  if (method === 'PUT') return 's3:PutObject';
  if (method === 'POST' && (query.has('uploads') || query.has('uploadId'))) return 's3:PutObject';
  if (method === 'DELETE') return query.has('uploadId') ? 's3:AbortMultipartUpload' : 's3:DeleteObject';
  return undefined;
}

/** Access key and service of a request: from its header, or from the query of a presigned address. */
export function signer(url, headers) {
  const { searchParams } = new URL(url, 'http://host');
  const credential = /Credential=([^,\s]+)/.exec(headers.authorization ?? '')?.[1] ?? searchParams.get('X-Amz-Credential');
  const [key, , , service] = (credential ?? '').split('/');
  return key && service ? { key, service } : undefined;
}

/** The permissions that a request needs; one that nobody knows is named by what it looks like. */
export function actions(method, url, headers, body, service) {
  const { pathname, searchParams } = new URL(url, 'http://host');
  const target = headers['x-amz-target'] ?? '';
  const known = TARGETS.find(([pattern]) => pattern.test(target));
  if (known) {
    const [pattern, prefix] = known;
    const operation = target.replace(pattern, '');
    if (operation === 'TransactWriteItems' || operation === 'TransactGetItems') {
      const items = JSON.parse(body).TransactItems;
      return [...new Set(items.flatMap((item) => Object.keys(item)).map((kind) => `${prefix}:${TRANSACTED[kind] ?? kind}`))];
    }
    return [`${prefix}:${operation}`];
  }
  if (service === 's3') {
    const action = s3(method, pathname, searchParams);
    if (action) return [action];
  }
  if (service === 'lambda' && method === 'POST' && /\/invocations$/.test(pathname)) return ['lambda:InvokeFunction'];
  return [`${service}: ${method} ${pathname}${searchParams.size ? `?${[...searchParams.keys()].join('&')}` : ''}`];
}
