// Stands on both sides of the emulator.
//
//   proxies.mjs recorder UPSTREAM PORT   between the functions and their AWS: passes everything on, and remembers who
//                                        asked for what. GET /_recorder tells it.
//   proxies.mjs front UPSTREAM API PREFLIGHT
//                                        in front of the HTTP API, as a domain of its own is: the address has no path.
//                                        PREFLIGHT is the function that the API's route for OPTIONS leads to.
//
// Both print where they listen.
//
// The recorder changes nothing, so that signatures hold; the front makes up for what the emulator's API lacks, see README.md.

import http from 'node:http';
import { pathToFileURL } from 'node:url';

import { calls as callsOf, signer } from './calls.mjs';

function pass(target, request, response, body, { path = request.url, headers = request.headers, seen } = {}) {
  const onward = http.request({ host: target.hostname, port: target.port, method: request.method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.rawHeaders);
    // Refusals are short; only these are looked into.
    const chunks = [];
    if (seen && answer.statusCode >= 400) answer.on('data', (chunk) => chunks.push(chunk));
    answer.on('end', () => seen?.(answer.statusCode, Buffer.concat(chunks).toString()));
    answer.pipe(response);
  });
  onward.on('error', (error) => {
    console.error(`${request.method} ${request.url}: ${error.message}`);
    response.destroy();
  });
  onward.end(body);
}

function serve(handle, port) {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks)));
  });
  server.keepAliveTimeout = 600_000;
  server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
  return server;
}

/** Remembers every call: access key, service, operation, where it reached, how often, how often refused. */
export function recorder(upstream, port) {
  const target = new URL(upstream);
  const calls = new Map();
  return serve((request, response, body) => {
    if (request.url === '/_recorder') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify([...calls.values()]));
      return;
    }
    const { key, service } = signer(request.url, request.headers) ?? { key: 'nobody', service: 'unsigned' };
    const named = callsOf(request.method, request.url, request.headers, body.toString(), service).map((call) => {
      const name = JSON.stringify([key, call]);
      if (!calls.has(name)) calls.set(name, { key, ...call, count: 0, denied: 0 });
      return calls.get(name);
    });
    pass(target, request, response, body, {
      seen: (status, text) => {
        const denied = (status === 400 || status === 403) && text.includes('AccessDenied');
        for (const call of named) {
          call.count++;
          if (denied) call.denied++;
        }
      },
    });
  }, port);
}

/** The event that an HTTP API makes of a request without a body. */
export function event({ method, url, headers }) {
  const { pathname, search } = new URL(url, 'http://host');
  return {
    version: '2.0', routeKey: `${method} /{proxy+}`, rawPath: pathname, rawQueryString: search.slice(1), headers: { ...headers }, isBase64Encoded: false,
    requestContext: { accountId: '000000000000', stage: '$default', requestId: 'preflight', http: { method, path: pathname, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' } },
  };
}

/** Asks the function itself: the emulator's API answers every OPTIONS on its own and looks at no route. */
async function preflight(upstream, name, request, response) {
  // The emulator's root key, which needs no signature.
  const authorization = 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=none';
  const invoked = await fetch(`${upstream}/2015-03-31/functions/${name}/invocations`, {
    method: 'POST', headers: { authorization }, body: JSON.stringify(event(request)),
  });
  const { statusCode = 502, headers = {}, body = '' } = await invoked.json();
  response.writeHead(statusCode, headers);
  response.end(body ?? '');
}

/** The HTTP API at the root of an address. */
export function front(upstream, api, preflightFunction, port = 0) {
  const target = new URL(upstream);
  return serve((request, response, body) => {
    if (request.method === 'OPTIONS') {
      preflight(upstream, preflightFunction, request, response).catch((error) => {
        console.error(`OPTIONS ${request.url}: ${error.message}`);
        response.destroy();
      });
      return;
    }
    // What API Gateway adds and the emulator leaves out: how the client reached the API.
    const headers = { 'x-forwarded-proto': 'http', ...request.headers };
    // The emulator hands a packed body with a textual type on as text and breaks it; as bytes it arrives.
    if (body[0] === 0x1f && body[1] === 0x8b) headers['content-type'] = 'application/octet-stream';
    pass(target, request, response, body, { path: `/_aws/execute-api/${api}/$default${request.url}`, headers });
  }, port);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind, upstream, ...more] = process.argv.slice(2);
  if (kind === 'recorder') recorder(upstream, Number(more[0]));
  else front(upstream, ...more);
}
