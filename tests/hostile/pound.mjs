// The hostile requests, many at once, and what every answer has to be.

import { pageFault } from './console.mjs';
import { Hostile } from './hostile.mjs';
import { Connection, bytesOf, json } from './wire.mjs';

/** What is wrong with an answer; nothing if it is as promised. */
export function fault(request, answer) {
  if (answer.late) return 'no answer within a minute';
  if (request.method === 'RAW') {
    // What is no HTTP never reaches a handler: it is answered below, without a body, or the connection is closed.
    return answer.status >= 500 ? `status ${answer.status}` : undefined;
  }
  if (answer.dropped) return `no answer, the connection was closed (${answer.dropped})`;
  if (answer.status >= 500) return `status ${answer.status}`;
  // Refused by the HTTP library: no handler saw it, so there is no request id.
  if ([400, 414, 431].includes(answer.status) && answer.body.length === 0 && !answer.headers['x-request-id']) return 'below';
  if (request.console) {
    const wrong = pageFault(request, answer);
    if (wrong || answer.headers['content-type']?.startsWith('text/html')) return wrong;
  }
  if (answer.status < 400 || request.method === 'HEAD') return undefined;
  if (!answer.headers['content-type']?.startsWith('application/problem+json')) return `status ${answer.status} as ${answer.headers['content-type']}`;
  const problem = json(answer);
  if (!problem) return 'the problem is no JSON';
  if (typeof problem.request_id !== 'string' || problem.request_id.length < 8) return 'the problem names no request';
  if (problem.request_id !== answer.headers['x-request-id']) return 'the header names another request than the body';
  if (problem.status !== answer.status) return `a problem of status ${problem.status} under status ${answer.status}`;
  if (typeof problem.detail !== 'string' || typeof problem.code !== 'string') return 'the problem says nothing';
  return undefined;
}

/** Sends request numbers `from` to `from + count` over some connections; tells what was wrong. */
export async function pound({ stack, seed, shops, mark, count, from = 0, connections = 16, secrets = [], families, progress }) {
  const hostile = new Hostile({ seed, shops, mark, families });
  const faults = [];
  const statuses = {};
  const asked = {};
  const good = {};
  let next = from;
  let below = 0;
  const leaks = [];
  let slowest = { ms: 0 };
  const began = Date.now();
  const worker = async () => {
    const connection = new Connection(stack.port);
    while (next < from + count && stack.alive()) {
      const number = next++;
      if (progress && number % 10_000 === 0 && number > from) progress(`${number} of ${from + count}, ${Math.round(stack.rss())} MB`);
      const request = hostile.request(number);
      const sent = performance.now();
      const answer = await ask(connection, stack.port, request);
      const ms = performance.now() - sent;
      if (ms > slowest.ms) slowest = { ms, number, family: request.family };
      const status = answer.status ?? (answer.late ? 'late' : 'closed');
      statuses[status] = (statuses[status] ?? 0) + 1;
      asked[request.family] = (asked[request.family] ?? 0) + 1;
      // A console that leads to its door has taken nothing.
      const taken = answer.headers?.location?.startsWith('/console/sign-in') ? 401 : answer.status;
      if (request.target) good[request.target] = Math.min(good[request.target] ?? 999, taken ?? 999);
      const wrong = fault(request, answer);
      if (wrong === 'below') below++;
      else if (wrong) faults.push({ number, family: request.family, wrong, request: shown(request), answer: answer.body?.toString('latin1').slice(0, 300) });
      // A key, a token or an e-mail is never told back by an error, whoever sent it. A page tells its shop's staff what the shop has.
      const isPage = request.console && answer.headers?.['content-type']?.startsWith('text/html');
      if (answer.status >= 400 && answer.body.length && !isPage && [mark, ...secrets].some((secret) => answer.body.includes(secret))) {
        leaks.push({ number, family: request.family, request: shown(request), answer: answer.body.toString('latin1').slice(0, 600) });
      }
      if (request.method === 'RAW') below++;
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return { sent: next - from, faults, statuses, families: asked, good, below, leaks, slowest, seconds: (Date.now() - began) / 1000 };
}

async function ask(connection, port, request) {
  if (request.raw) {
    const own = new Connection(port, 3_000);
    const answer = await own.send(request.raw, { last: true });
    own.close();
    // Half a request is waited for; that is no fault.
    return answer.late ? { dropped: 'half a request' } : answer;
  }
  return connection.ask(request);
}

export function shown(request) {
  const bytes = request.raw ?? bytesOf(request);
  return bytes.toString('latin1').replace(/(authorization|cookie): [^\r]*/g, '$1: …').slice(0, 400);
}
