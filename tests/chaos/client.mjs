// Clients of the stack: one request and its answer, and a crowd that sends batches until they are answered.

import http from 'node:http';

import { Random, pause } from './random.mjs';

/** One request. Rejects if there is no whole answer in time. */
export function ask(url, { method = 'GET', key, body, headers = {}, timeout = 30_000, agent } = {}) {
  return new Promise((resolve, reject) => {
    const authorization = key ? { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` } : {};
    const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const request = http.request(url, { method, headers: { ...authorization, ...headers }, agent }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        clearTimeout(timer);
        if (!answer.complete) return reject(new Error('the answer broke off'));
        const said = Buffer.concat(chunks).toString();
        let json;
        try {
          json = JSON.parse(said);
        } catch {
          json = undefined;
        }
        resolve({ status: answer.statusCode, headers: answer.headers, text: said, json });
      });
    });
    const timer = setTimeout(() => request.destroy(new Error('timeout')), timeout);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.end(text);
  });
}

/** Asks until the answer is one of the statuses. */
export async function insist(url, options = {}) {
  const { statuses = [200], patience = 60_000, every = 100 } = options;
  const start = Date.now();
  for (;;) {
    let told;
    try {
      const answer = await ask(url, options);
      if (statuses.includes(answer.status)) return answer;
      told = `${answer.status} ${answer.text.slice(0, 300)}`;
    } catch (error) {
      told = error.message;
    }
    if (Date.now() - start > patience) throw new Error(`${options.method ?? 'GET'} ${url}: ${told}`);
    await pause(every);
  }
}

/** A crowd of clients that share a list of batches. Each sends a batch again until it is answered 200. */
export class Crowd {
  constructor({ url, key, batches, clients, seed, timeout = 20_000, wait = [20, 300] }) {
    Object.assign(this, { url, key, clients, timeout, wait, seed });
    this.waiting = [...batches].reverse();
    this.total = batches.length;
    this.answered = 0;
    this.events = 0;
    this.attempts = 0;
    this.statuses = {};
    this.timeouts = 0;
    this.longest = 0;
    this.times = [];
    this.refused = [];
  }

  async send() {
    const clients = Array.from({ length: this.clients }, (_, number) => this.client(number));
    await Promise.all(clients);
  }

  async client(number) {
    const random = new Random(`${this.seed} client ${number}`);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let batch = this.waiting.pop(); batch; batch = this.waiting.pop()) {
      await this.deliver(batch, agent, random);
      if (batch.again) await this.deliver(batch, agent, random);
      this.answered++;
      this.events += batch.events.length;
    }
    agent.destroy();
  }

  async deliver(batch, agent, random) {
    const body = JSON.stringify({ batch: batch.events.map((event) => event.sent) });
    const headers = { 'content-type': 'application/json' };
    for (;;) {
      this.attempts++;
      const start = Date.now();
      try {
        const answer = await ask(`${this.url}/v1/batch`, { method: 'POST', key: this.key, body, headers, agent, timeout: this.timeout });
        const took = Date.now() - start;
        this.longest = Math.max(this.longest, took);
        this.times.push(took);
        this.statuses[answer.status] = (this.statuses[answer.status] ?? 0) + 1;
        if (answer.status === 200) {
          batch.answer = answer.json;
          return;
        }
        // Whatever is refused for good is a fault of the test or of the stack: sending it again would not help.
        if (answer.status < 500) throw Object.assign(new Error(`a batch was refused: ${answer.status} ${answer.text}`), { final: true });
      } catch (error) {
        if (error.final) throw error;
        const name = error.message === 'timeout' ? 'no answer in time' : 'cut';
        if (name !== 'cut') {
          this.timeouts++;
          this.longest = Math.max(this.longest, Date.now() - start);
        }
        this.statuses[name] = (this.statuses[name] ?? 0) + 1;
      }
      await pause(random.between(...this.wait));
    }
  }

  percentile(share) {
    const sorted = [...this.times].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }
}
