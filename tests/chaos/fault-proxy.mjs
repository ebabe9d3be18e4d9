// Stands before the table and answers as an overloaded table does: throttles, conflicts of transactions, answers that are
// lost after the write, and silence. Reads of the stream are throttled, lost and silent too.
//
// What is answered is only what AWS itself would answer to that call. A condition is never said to have failed when it
// did not: that would be a lie about the data, not a fault.

import http from 'node:http';

import { Random } from './random.mjs';

/** How long a silent connection is kept open. */
const SILENCE = 60_000;
const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'TransactWriteItems']);
const READS = new Set(['GetItem', 'Query', 'BatchGetItem', 'BatchWriteItem', 'Scan', 'GetRecords']);

const THROTTLED = {
  __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  message: 'The level of configured provisioned throughput for the table was exceeded.',
};
const CONFLICT = {
  __type: 'com.amazonaws.dynamodb.v20120810#TransactionConflictException',
  message: 'Transaction is ongoing for the item',
};
const cancelled = (items) => ({
  __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
  message: 'Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]',
  Message: 'Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]',
  CancellationReasons: Array.from({ length: items }, (_, n) =>
    n === 0 ? { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' } : { Code: 'None' },
  ),
});

export class FaultProxy {
  /** `shares`: throttles, conflicts, lost, hangs. */
  constructor(upstream, seed, shares) {
    this.target = new URL(upstream);
    this.random = new Random(`${seed} proxy`);
    this.shares = shares;
    this.tally = { calls: 0, throttled: 0, conflicts: 0, lost: 0, silent: 0 };
    this.on = false;
    /** Whether reading the stream has to wait. */
    this.held = undefined;
    this.agent = new http.Agent({ keepAlive: true });
    this.server = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('error', () => {});
      request.on('end', () => this.handle(request, response, Buffer.concat(chunks)).catch(() => response.destroy()));
    });
    this.server.keepAliveTimeout = 600_000;
  }

  start() {
    return new Promise((resolve) => {
      this.server.listen(0, '127.0.0.1', () => {
        this.url = `http://127.0.0.1:${this.server.address().port}`;
        resolve(this.url);
      });
    });
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
    this.agent.destroy();
  }

  forward(request, body) {
    return new Promise((resolve, reject) => {
      const { hostname: host, port } = this.target;
      const onward = http.request({ host, port, method: request.method, path: request.url, headers: request.headers, agent: this.agent }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }));
      });
      onward.on('error', reject);
      onward.end(body);
    });
  }

  async handle(request, response, body) {
    const operation = String(request.headers['x-amz-target'] ?? '').split('.').pop();
    const fault = this.draw(operation);
    if (fault === 'throttled') return refuse(response, THROTTLED);
    if (fault === 'conflicts') {
      const items = operation === 'TransactWriteItems' ? JSON.parse(body).TransactItems.length : 0;
      return refuse(response, items ? cancelled(items) : CONFLICT);
    }
    if (fault === 'silent' && this.random.chance(0.5)) return silence(response);
    if (this.held && operation === 'GetRecords') await this.held;
    const answer = await this.forward(request, body);
    if (fault === 'silent') return silence(response);
    if (fault === 'lost') return request.socket.destroy();
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  draw(operation) {
    if (!this.on || !(WRITES.has(operation) || READS.has(operation))) return undefined;
    this.tally.calls++;
    const { throttled, conflicts, lost, silent } = this.shares;
    let point = this.random.next();
    const among = [['throttled', throttled], ['conflicts', conflicts], ['lost', lost], ['silent', silent]];
    for (const [fault, share] of among) {
      point -= share;
      if (point >= 0) continue;
      // Reads do not get into conflict.
      if (fault === 'conflicts' && !WRITES.has(operation)) return undefined;
      this.tally[fault]++;
      return fault;
    }
    return undefined;
  }
}

function refuse(response, error) {
  const body = JSON.stringify(error);
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function silence(response) {
  const timer = setTimeout(() => response.destroy(), SILENCE);
  timer.unref();
  response.on('close', () => clearTimeout(timer));
}
