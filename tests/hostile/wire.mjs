// HTTP/1.1 by hand: a client that sends what a library would refuse to send, and reads any answer.

import net from 'node:net';

/** The bytes of a request; `headers` is a list of pairs, so that one may stand twice. */
export function bytesOf({ method = 'GET', path = '/', headers = [], body, host = 'shop.example' }) {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of headers) head += `${name}: ${value}\r\n`;
  if (body !== undefined) head += `content-length: ${body.length}\r\n`;
  const start = Buffer.from(`${head}\r\n`, 'latin1');
  return body === undefined ? start : Buffer.concat([start, body]);
}

/** Reads answers from the bytes of a connection. */
class Reader {
  constructor() {
    this.buffer = Buffer.alloc(0);
  }

  /** The next answer, or nothing as long as it is not whole. `ended` says that nothing more will come. */
  take(bodiless, ended) {
    for (;;) {
      const end = this.buffer.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      const [first, ...lines] = this.buffer.toString('latin1', 0, end).split('\r\n');
      const status = Number(first.split(' ')[1]);
      const headers = {};
      for (const line of lines) {
        const colon = line.indexOf(':');
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      if (status >= 100 && status < 200) {
        this.buffer = this.buffer.subarray(end + 4);
        continue;
      }
      const rest = this.buffer.subarray(end + 4);
      let body;
      let used;
      if (bodiless || status === 204 || status === 304) {
        [body, used] = [Buffer.alloc(0), 0];
      } else if (headers['transfer-encoding'] === 'chunked') {
        const whole = unchunked(rest);
        if (!whole) return undefined;
        [body, used] = whole;
      } else if (headers['content-length'] !== undefined) {
        used = Number(headers['content-length']);
        if (rest.length < used) return undefined;
        body = rest.subarray(0, used);
      } else {
        if (!ended) return undefined;
        [body, used] = [rest, rest.length];
      }
      this.buffer = rest.subarray(used);
      return { status, headers, body: Buffer.from(body), closes: headers.connection === 'close' };
    }
  }
}

function unchunked(bytes) {
  const parts = [];
  let at = 0;
  for (;;) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = parseInt(bytes.toString('latin1', at, line), 16);
    const from = line + 2;
    if (bytes.length < from + size + 2) return undefined;
    parts.push(bytes.subarray(from, from + size));
    at = from + size + 2;
    if (size === 0) return [Buffer.concat(parts), at];
  }
}

/** A connection that is kept while the server keeps it. */
export class Connection {
  constructor(port, patience = 60_000) {
    this.port = port;
    this.patience = patience;
    this.socket = null;
  }

  close() {
    this.socket?.destroy();
    this.socket = null;
  }

  /** Sends bytes and reads one answer: `{status, headers, body}`, `{dropped}` or `{late}`. */
  send(bytes, { bodiless = false, last = false } = {}) {
    return new Promise((resolve) => {
      // The server may have closed it after its last answer.
      if (this.socket && (this.socket.destroyed || this.socket.readableEnded || !this.socket.writable)) this.close();
      const fresh = !this.socket;
      const socket = this.socket ?? net.connect(this.port, '127.0.0.1');
      socket.setNoDelay(true);
      this.socket = socket;
      const reader = new Reader();
      const done = (answer) => {
        clearTimeout(timer);
        socket.removeAllListeners();
        socket.on('error', () => {});
        if (answer.closes || answer.dropped || answer.late || last || answer.status === 400 || answer.status === 413) this.close();
        resolve(answer);
      };
      const timer = setTimeout(() => done({ late: true }), this.patience);
      const over = (why) => done(reader.take(bodiless, true) ?? { dropped: why, fresh });
      socket.on('data', (data) => {
        reader.buffer = reader.buffer.length ? Buffer.concat([reader.buffer, data]) : data;
        const answer = reader.take(bodiless, false);
        if (answer) done(answer);
      });
      socket.on('error', (error) => over(error.code));
      socket.on('close', () => over('closed'));
      socket.write(bytes);
    });
  }

  /** As `send`, for a request; a kept connection that the server had closed meanwhile is opened again. */
  async ask(request) {
    const bytes = bytesOf(request);
    const bodiless = request.method === 'HEAD';
    const answer = await this.send(bytes, { bodiless });
    // Refused before all of it was written: the system forgets an answer that nobody had read by then. Once may be chance.
    const again = answer.dropped && (!answer.fresh || answer.dropped === 'EPIPE');
    return again ? this.send(bytes, { bodiless }) : answer;
  }
}

/** JSON of an answer, or nothing. */
export function json(answer) {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return undefined;
  }
}

export const basic = (key) => ['authorization', `Basic ${Buffer.from(`${key}:`).toString('base64')}`];
