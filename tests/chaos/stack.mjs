// The stack as a process: started, killed without warning, started again on the same folder.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { pause } from './random.mjs';

const PROGRAM = process.env.VITRINE_LOCAL;
/** The stack must not find another table or folder in the environment. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS_|VITRINE_)/.test(name)));

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

class Program {
  constructor(data) {
    this.data = data;
    this.log = path.join(data, '..', `${path.basename(data)}.log`);
    this.child = undefined;
  }

  /** Starts and waits for a line of its log. False if it was killed before it said it. */
  async launch(args, ready, patience = 120_000) {
    const from = existsSync(this.log) ? statSync(this.log).size : 0;
    const log = openSync(this.log, 'a');
    const child = spawn(PROGRAM, args, { stdio: ['ignore', log, log], env: { RUST_LOG: 'warn', ...ENVIRONMENT } });
    closeSync(log);
    running.add(child);
    this.child = child;
    child.ended = new Promise((resolve) => {
      child.on('exit', (code, signal) => {
        running.delete(child);
        child.over = { code, signal };
        resolve();
      });
    });
    const start = Date.now();
    for (;;) {
      const said = readFileSync(this.log).subarray(from).toString();
      const found = ready.exec(said);
      if (found) return found;
      if (child.over?.signal === 'SIGKILL') return false;
      if (child.over) throw new Error(`${args.join(' ')} ended by itself: ${said.slice(-2000)}`);
      if (Date.now() - start > patience) throw new Error(`${args.join(' ')} is not ready: ${said.slice(-2000)}`);
      await pause(5);
    }
  }

  /** Ends it without warning. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.child.ended;
  }
}

/** The whole stack on a folder. */
export class Stack extends Program {
  constructor(data, { port, table } = {}) {
    super(data);
    this.port = port;
    this.table = table;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async on(data, options = {}) {
    return new Stack(data, { port: await freePort(), ...options });
  }

  /** False if it was killed while it started. */
  async start() {
    const args = ['--data-dir', this.data, '--port', String(this.port), '--empty'];
    if (this.table) args.push('--dynamodb-endpoint', this.table);
    return Boolean(await this.launch(args, /^Ready in/m));
  }

  /** Where its table listens. */
  endpoint() {
    return this.table ?? JSON.parse(readFileSync(path.join(this.data, 'running.json'))).dynamodb;
  }

  /** How far a reader of the stream is. */
  place(reader) {
    try {
      return readFileSync(path.join(this.data, 'stream', reader), 'utf8').trim();
    } catch {
      return '';
    }
  }

  /** Waits until both readers have nothing left: at one place, and for a while. */
  async idle({ patience = 600_000, quiet = 1500 } = {}) {
    const start = Date.now();
    let since = Date.now();
    let before = '';
    for (;;) {
      const [fold, archive] = [this.place('fold'), this.place('archive')];
      if (fold !== archive || fold !== before) since = Date.now();
      before = fold;
      if (fold && Date.now() - since > quiet) return;
      if (Date.now() - start > patience) throw new Error(`the readers of the stream are at ${fold} and ${archive} and do not end`);
      await pause(50);
    }
  }
}

/** The table of a folder alone. */
export class TableAlone extends Program {
  async start() {
    const [, endpoint] = await this.launch(['table', '--data-dir', this.data], /The table is at (http:\S+)/);
    this.url = endpoint;
    return endpoint;
  }
}

/** Runs a command on the folder of a stack, which may run: its exit status and what it told. */
export function command(stack, ...words) {
  const done = spawnSync(PROGRAM, [...words, '--data-dir', stack.data], { encoding: 'utf8', env: { ...ENVIRONMENT } });
  return { status: done.status, told: (done.stdout || done.stderr).trim() };
}

/** Makes a shop, in the table of a folder or of another endpoint, and gives back its keys. */
export function createShop(name, data, endpoint) {
  const args = ['shops', 'create', name, '--data-dir', data];
  if (endpoint) args.unshift('--dynamodb-endpoint', endpoint);
  const made = spawnSync(PROGRAM, args, { encoding: 'utf8', env: { ...ENVIRONMENT } });
  if (made.status !== 0) throw new Error(`no shop could be made: ${made.stderr}`);
  const key = (kind) => new RegExp(`${kind} key +(\\S+)`).exec(made.stdout)[1];
  return { shop: name, browser: key('browser'), server: key('server') };
}
