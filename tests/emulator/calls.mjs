// Which call of AWS a request is, in the words of shared/store/calls.json and infra/calls.json, read from the request alone.

/** Services whose protocol names the operation in a header, and their name in the lists. */
const TARGETS = [
  [/^DynamoDB_20120810\./, 'dynamodb'],
  [/^DynamoDBStreams_20120810\./, 'dynamodbstreams'],
  [/^AmazonSSM\./, 'ssm'],
];

/** Access key and service of a request: from its header, or from the query of a presigned address. */
export function signer(url, headers) {
  const { searchParams } = new URL(url, 'http://host');
  const credential = /Credential=([^,\s]+)/.exec(headers.authorization ?? '')?.[1] ?? searchParams.get('X-Amz-Credential');
  const [key, , , service] = (credential ?? '').split('/');
  return key && service ? { key, service } : undefined;
}

/** Where an object lies below its shop: `models/*`, `jobs/orders/*`; everything for whoever looks at the shops themselves. */
export function place(key) {
  const [shops, shop, kind, job] = key.split('/');
  if (shops !== 'shops' || !shop || !kind) return '*';
  return kind === 'jobs' && job ? `jobs/${job}/*` : `${kind}/*`;
}

function s3(method, pathname, query, body) {
  const [bucket, ...parts] = pathname.split('/').filter(Boolean);
  const key = decodeURIComponent(parts.join('/'));
  const one = (operation) => [{ service: 's3', operation, on: place(key) }];
  if (!bucket) return undefined;
  if (!key) {
    if (method === 'GET' && query.has('list-type')) return [{ service: 's3', operation: 'ListObjectsV2', on: place(query.get('prefix') ?? '') }];
    if (method === 'GET' && query.has('versions')) return [{ service: 's3', operation: 'ListObjectVersions', on: place(query.get('prefix') ?? '') }];
    if (method === 'POST' && query.has('delete')) {
      return [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map((found) => ({ service: 's3', operation: 'DeleteObjects', on: place(found[1]) }));
    }
    return undefined;
  }
  if (query.has('uploadId') || query.has('uploads')) return undefined;
  if (method === 'GET') return one('GetObject');
  if (method === 'HEAD') return one('HeadObject');
  if (method === 'PUT') return one('PutObject');
  if (method === 'DELETE') return one(query.has('versionId') ? 'DeleteObjectVersion' : 'DeleteObject');
  return undefined;
}

/** The calls of a request, each kind once; one that nobody knows is named by what it looks like. */
export function calls(method, url, headers, body, service) {
  const { pathname, searchParams } = new URL(url, 'http://host');
  const target = headers['x-amz-target'] ?? '';
  const known = TARGETS.find(([pattern]) => pattern.test(target));
  if (known) {
    const [pattern, name] = known;
    const operation = target.replace(pattern, '');
    if (operation === 'TransactWriteItems' || operation === 'TransactGetItems') {
      const kinds = new Set(JSON.parse(body).TransactItems.flatMap((item) => Object.keys(item)));
      return [...kinds].sort().map((kind) => ({ service: name, operation: `${operation}/${kind}` }));
    }
    return [{ service: name, operation, ...(name === 'ssm' ? { on: JSON.parse(body).Name } : {}) }];
  }
  const found = service === 's3' ? s3(method, pathname, searchParams, body) : undefined;
  if (found) return found.filter((call, n) => found.findIndex((other) => other.on === call.on) === n);
  return [{ service, operation: `${method} ${pathname}${searchParams.size ? `?${[...searchParams.keys()].join('&')}` : ''}` }];
}
