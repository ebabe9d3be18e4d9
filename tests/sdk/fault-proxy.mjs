// Stands between an SDK and the stack and makes it send again: it answers 503, cuts connections, and does either after
// the stack has already taken the events, which is when a retry could count double.
//
// fault-proxy.mjs UPSTREAM SEED   prints its address; GET /__faults tells what it did.
//
// Which requests fail is drawn from the seed, the first message id and the attempt. No message fails more than twice:
// SDKs give up after three retries at the earliest, and giving up is not what is tested here.

import http from 'node:http';
import https from 'node:https';
import { gunzipSync } from 'node:zlib';

import { hash, random } from './plan.mjs';

const [upstream, seed] = process.argv.slice(2);
const target = new URL(upstream);
const MOST_FAULTS = 2;
const SHARE = 0.4;
/** What can happen: whether the stack gets the request, and what the client gets. */
const FAULTS = [
  { name: 'refused', forward: false, answer: 503 },
  { name: 'refused with Retry-After', forward: false, answer: 503, retryAfter: 1 },
  { name: 'cut before', forward: false },
  { name: 'taken, then 503', forward: true, answer: 503 },
  { name: 'taken, then cut', forward: true },
  { name: 'taken, then cut', forward: true },
];

const attempts = new Map();
const tally = { requests: 0, passed: 0, refusedByStack: 0, faults: {} };

function messageIds(body) {
  const text = body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body).toString() : body.toString();
  return [...text.matchAll(/"messageId"\s*:\s*"([^"]+)"/g)].map((m) => m[1]).sort();
}

/** The fault of a request, if it has one. */
function fault(ids) {
  if (!ids.length) return undefined;
  const attempt = Math.max(...ids.map((id) => attempts.get(id) ?? 0));
  for (const id of ids) attempts.set(id, attempt + 1);
  const draw = random(hash(`${seed} ${ids[0]} ${attempt}`));
  if (attempt >= MOST_FAULTS || draw() >= SHARE) return undefined;
  return FAULTS[Math.floor(draw() * FAULTS.length)];
}

function forward(request, body) {
  return new Promise((resolve, reject) => {
    const options = { host: target.hostname, port: target.port, method: request.method, path: request.url, headers: { ...request.headers } };
    // A deployed API is chosen by its name; a local one tells SDKs the address that they asked, which is this one.
    if (target.protocol === 'https:') options.headers.host = target.host;
    const onward = (target.protocol === 'https:' ? https : http).request(options, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
      answer.on('error', reject);
    });
    onward.on('error', reject);
    onward.end(body);
  });
}

function refuse(request, response, kind) {
  const headers = { 'Content-Type': 'application/problem+json', 'Access-Control-Allow-Origin': request.headers.origin ?? '*' };
  if (kind.retryAfter) headers['Retry-After'] = String(kind.retryAfter);
  response.writeHead(kind.answer, headers);
  response.end(JSON.stringify({ status: kind.answer, code: 'fault', message: kind.name }));
}

async function handle(request, response, body) {
  if (request.url === '/__faults') {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(tally));
    return;
  }
  const ids = request.method === 'POST' ? messageIds(body) : [];
  const kind = fault(ids);
  if (ids.length) tally.requests++;
  if (kind) tally.faults[kind.name] = (tally.faults[kind.name] ?? 0) + 1;
  const answer = !kind || kind.forward ? await forward(request, body) : undefined;
  if (ids.length && answer && answer.status !== 200) {
    tally.refusedByStack++;
    console.error(`the stack answered ${answer.status}: ${answer.body}`);
  }
  if (kind?.answer) return refuse(request, response, kind);
  if (kind) return request.socket.destroy();
  if (ids.length) tally.passed++;
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    handle(request, response, Buffer.concat(chunks)).catch((error) => {
      // The stack itself is not there: the client sees that too, and the log says so.
      console.error(`${request.method} ${request.url}: ${error.message}`);
      response.destroy();
    });
  });
});
// Idle connections stay open, so that every cut one is on purpose.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
