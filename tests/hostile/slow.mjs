// Clients that send a byte now and then, bodies that never end, uploads to nobody and many uploads at once: others are served
// meanwhile.

import net from 'node:net';

import { Connection, basic } from './wire.mjs';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Opens slow connections, asks good questions beside them, and tells how long those took before and meanwhile. */
export async function slow({ stack, shop, connections = 60, seconds = 8 }) {
  const ask = async (count) => {
    const connection = new Connection(stack.port);
    const times = [];
    let wrong = 0;
    for (let i = 0; i < count; i++) {
      const sent = performance.now();
      const answer = await connection.ask({ method: 'GET', path: '/v1/categories', headers: [basic(shop.browser)] });
      times.push(performance.now() - sent);
      if (answer.status !== 200) wrong++;
      await sleep((seconds * 1000) / 200);
    }
    connection.close();
    times.sort((a, b) => a - b);
    return { p50: times[times.length >> 1], p95: times[Math.floor(times.length * 0.95)], wrong };
  };
  const before = await ask(60);
  const key = `authorization: ${basic(shop.server)[1]}\r\n`;
  const heads = [
    'GET /v1/categories HTTP/1.1\r\nhost: x\r\nx-slow: ',
    `POST /v1/t HTTP/1.1\r\nhost: x\r\n${key}content-length: 100000\r\n\r\n{"type":"track","x":"`,
    `POST /v1/products/import HTTP/1.1\r\nhost: x\r\n${key}transfer-encoding: chunked\r\n\r\n`,
    'PUT /uploads/made-up HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000000\r\n\r\n',
  ];
  const chunk = (at) => (at % 4 === 2 ? '1\r\nx\r\n' : 'x');
  const sockets = Array.from({ length: connections }, (_, at) => {
    const socket = net.connect(stack.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(heads[at % heads.length]);
    const timer = setInterval(() => socket.writable && socket.write(chunk(at)), 300);
    socket.on('close', () => clearInterval(timer));
    return socket;
  });
  await sleep(1000);
  const meanwhile = await ask(200);
  sockets.forEach((socket) => socket.destroy());
  return { before, meanwhile, connections };
}

/**
 * Pours bytes into an upload that is nobody's; how many megabytes were sent, and the answer. After the head and a first
 * piece it waits a moment for an answer, as clients with large files do: who writes on into a connection that is
 * being closed may never read what was answered before (RFC 9112, section 9.6).
 */
export async function flood({ stack, megabytes = 300 }) {
  return new Promise((resolve) => {
    const socket = net.connect(stack.port, '127.0.0.1');
    const block = Buffer.alloc(1 << 20, 120);
    let sent = 0;
    let answer = '';
    const done = () => {
      clearTimeout(start);
      clearTimeout(late);
      socket.destroy();
      resolve({ sent, status: Number(answer.split(' ')[1]) || undefined });
    };
    const pour = () => {
      while (sent < megabytes && !socket.destroyed) {
        sent++;
        if (!socket.write(block)) return socket.once('drain', pour);
      }
      return undefined;
    };
    const start = setTimeout(pour, 2000);
    const late = setTimeout(done, 20_000);
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      done();
    });
    socket.on('error', done);
    socket.on('close', done);
    const head = `PUT /uploads/made-up HTTP/1.1\r\nhost: x\r\ncontent-length: ${megabytes << 20}\r\n\r\n`;
    socket.write(Buffer.concat([Buffer.from(head), block.subarray(0, 1 << 16)]));
  });
}

/**
 * Sends large files to addresses that are a shop's own, all at once: the last piece of each is kept back until all the others
 * have arrived. The statuses of the answers.
 */
export async function uploads({ stack, shop, files = 12, megabytes = 64 }) {
  const addresses = [];
  for (let i = 0; i < files; i++) addresses.push(new URL((await shop.ok(shop.server, 'POST', '/v1/imports/products?format=ndjson')).upload.url));
  const block = Buffer.alloc(1 << 20, '\n');
  let open;
  const gate = new Promise((resolve) => (open = resolve));
  const waiting = new Set();
  // Whoever has gone is waited for by nobody.
  const waits = (address) => waiting.add(address).size === files && open();
  return Promise.all(addresses.map((address) => new Promise((resolve) => {
    const socket = net.connect(stack.port, '127.0.0.1');
    let answer = '';
    const done = () => {
      clearTimeout(late);
      socket.destroy();
      resolve(Number(answer.split(' ')[1]) || undefined);
      waits(address);
    };
    const late = setTimeout(done, 300_000);
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      done();
    });
    socket.on('error', done);
    socket.on('close', done);
    socket.write(`PUT ${address.pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: ${megabytes << 20}\r\n\r\n`);
    let sent = 0;
    const pour = () => {
      while (sent < megabytes - 1 && !socket.destroyed) {
        sent++;
        if (!socket.write(block)) return socket.once('drain', pour);
      }
      waits(address);
      return gate.then(() => socket.writable && socket.write(block));
    };
    pour();
  })));
}
