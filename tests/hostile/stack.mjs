// The real program as a process: started, watched, stopped, its log read.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Connection, basic, json } from './wire.mjs';

/** No limit that a run meets. */
const LIMITS = { VITRINE_KEY_RATE: '1000000', VITRINE_KEY_BURST: '1000000', VITRINE_VISITOR_RATE: '1000000', VITRINE_VISITOR_BURST: '1000000' };

export class Stack {
  /** Starts `vitrine-local` on a folder of its own, on any free port, without the sample shop. */
  static async start(binary, { log = 'info', args = ['--empty'], limits = LIMITS } = {}) {
    const stack = new Stack();
    stack.binary = binary;
    stack.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-hostile-'));
    stack.data = path.join(stack.folder, 'data');
    fs.mkdirSync(stack.data);
    stack.logFile = path.join(stack.folder, 'log');
    const out = fs.openSync(stack.logFile, 'a');
    stack.process = spawn(binary, ['--data-dir', stack.data, '--port', '0', ...args], {
      stdio: ['ignore', out, out],
      // A few keys and visitors stand for the whole world here; what they may ask is tested by tests/tests/it/limits.rs.
      env: { ...limits, ...process.env, RUST_LOG: `${log},dynoxide=error`, RUST_BACKTRACE: '1' },
    });
    stack.exited = new Promise((resolve) => stack.process.once('exit', resolve));
    fs.closeSync(out);
    for (let i = 0; i < 1200; i++) {
      const address = /the API +http:\/\/127\.0\.0\.1:(\d+)\//.exec(stack.log());
      if (address) {
        stack.port = Number(address[1]);
        return stack;
      }
      if (stack.process.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    stack.process.kill('SIGKILL');
    throw new Error(`the stack did not start:\n${stack.log()}`);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  log() {
    return fs.readFileSync(this.logFile, 'latin1');
  }

  alive() {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  /** Panics that the log tells of. */
  panics() {
    return this.log().split('\n').filter((line) => line.includes('panicked'));
  }

  /** Memory that the process holds, in MB. */
  rss() {
    return this.memory('VmRSS');
  }

  /** The most that it held since it began or since `resetPeak`, in MB: the kernel counts, so that no moment escapes. */
  peak() {
    return this.memory('VmHWM');
  }

  /** Forgets the highest memory so far, so that a stage has its own; what is held now. */
  resetPeak() {
    fs.writeFileSync(`/proc/${this.process.pid}/clear_refs`, '5');
    return this.rss();
  }

  memory(name) {
    const status = fs.readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    // A process that has ended holds none; that it lives is asked apart.
    const found = new RegExp(`${name}:\\s+(\\d+) kB`).exec(status);
    if (!found && this.alive()) throw new Error(`/proc tells no ${name}`);
    return Number(found?.[1] ?? 0) / 1024;
  }

  /** Makes a shop with the program's own command. */
  shop(name) {
    const made = spawnSync(this.binary, ['shops', 'create', name, '--data-dir', this.data], { encoding: 'utf8' });
    const key = (kind) => new RegExp(`${kind} key +(\\S+)`).exec(made.stdout)?.[1];
    if (!key('server')) throw new Error(`the shop ${name} was not made: ${made.stderr}`);
    return new Shop(this, name, key('browser'), key('server'));
  }

  async stop() {
    this.process.kill('SIGTERM');
    const late = setTimeout(() => this.process.kill('SIGKILL'), 20_000);
    await this.exited;
    clearTimeout(late);
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A shop and plain calls of it. */
export class Shop {
  constructor(stack, name, browser, server) {
    Object.assign(this, { stack, name, browser, server, connection: new Connection(stack.port) });
  }

  /** Status and JSON of a call with a key of the shop. */
  async call(key, method, address, body, headers = []) {
    const given = body === undefined ? undefined : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const answer = await this.connection.ask({ method, path: address, headers: [basic(key), ...headers], body: given });
    return { ...answer, json: answer.body ? json(answer) : undefined };
  }

  /** As `call`, for one that must succeed. */
  async ok(key, method, address, body, headers) {
    const answer = await this.call(key, method, address, body, headers);
    if (!(answer.status >= 200 && answer.status < 300)) {
      throw new Error(`${method} ${address}: ${answer.status ?? JSON.stringify(answer)} ${answer.body?.toString().slice(0, 500)}`);
    }
    return answer.json;
  }

  /** Waits until an answer is as it should be. */
  async eventually(address, holds, seconds = 60) {
    let last;
    for (let i = 0; i < seconds * 5; i++) {
      last = await this.call(this.server, 'GET', address);
      if (last.status === 200 && holds(last.json)) return last.json;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${address} never became what it should be: ${last.status} ${last.body?.toString().slice(0, 500)}`);
  }

  /** Trains the shop's models and waits. */
  async retrain() {
    const { job_id: id } = await this.ok(this.server, 'POST', '/v1/retrain');
    return this.eventually(`/v1/jobs/${id}`, (job) => job.state === 'done' || job.state === 'failed', 300);
  }
}
