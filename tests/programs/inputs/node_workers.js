// Workers that come, go and are ended in the middle of their work; buffers that one thread makes and another drops; the
// pool of threads behind compression, hashes and files: what it prints depends on its argument alone.
'use strict';
const { Worker, isMainThread, parentPort, workerData, MessageChannel } = require('worker_threads');
const crypto = require('crypto');
const fs = require('fs/promises');
const http = require('http');
const util = require('util');
const vm = require('vm');
const zlib = require('zlib');

const THREADS = 6;
const deflate = util.promisify(zlib.deflate);
const inflate = util.promisify(zlib.inflate);
const scrypt = util.promisify(crypto.scrypt);

function digest(value) {
  return crypto.createHash('sha256').update(value).digest('hex').slice(0, 16);
}

// Fills a buffer with bytes that only this seed has.
function fill(buffer, seed) {
  let state = seed * 2654435761 >>> 0;
  for (let i = 0; i < buffer.length; i += 97) {
    state = Math.imul(state, 1664525) + 1013904223 >>> 0;
    buffer[i] = state >>> 24;
  }
  return buffer;
}

// Kinds of workers -----------------------------------------------------------------------------------------------------

const kinds = {
  // Sends buffers away, which are gone here from then on, and drops those that it gets.
  passer({ seed, count }) {
    let sum = 0;
    parentPort.on('message', bytes => {
      for (let i = 0; i < bytes.length; i += 97) sum = sum * 31 + bytes[i] >>> 0;
      if (--count === 0) { parentPort.postMessage({ sum }); parentPort.close(); }
    });
    for (let i = 0; i < count; i++) {
      const bytes = fill(new Uint8Array(1 + (seed * 7919 + i * 104729) % 60000), seed + i);
      parentPort.postMessage(bytes, [bytes.buffer]);
    }
  },

  // Works until it is ended from outside. Without zlib: Node itself aborts when a worker is ended between the making of a
  // stream and its start ("close before init").
  endless({ seed, gate }) {
    const kept = [];
    const flag = new Int32Array(gate);
    for (let i = 0; ; i++) {
      kept[i % 500] = fill(Buffer.allocUnsafeSlow(1 + (seed + i * 7919) % 9000), i);
      if (i % 50 === 0) {
        kept[i % 500] = [structuredClone(new Map([[i, Buffer.alloc(20000, i & 255)]])), new TextEncoder().encode('t'.repeat(i)),
          JSON.parse('[' + '{"a":"b"},'.repeat(50) + '0]')];
      }
      if (i === 300) { Atomics.add(flag, 0, 1); Atomics.notify(flag, 0); }
    }
  },

  // All workers add to the same memory, each in turn where they meet.
  adder({ seed, shared, count }) {
    const cells = new Int32Array(shared);
    for (let i = 0; i < count; i++) Atomics.add(cells, (seed + i) % cells.length, i % 7);
    parentPort.postMessage(digest(structuredClone(new Map([[seed, Buffer.alloc(5000, seed)]])).get(seed)));
  },

  // Contexts and compiled modules, made and dropped.
  compiler({ seed, count }) {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const context = vm.createContext({ seed, i });
      sum += vm.runInContext('let t = 0; for (let k = 0; k < 2000; k++) t = t * 31 + seed + i + k | 0; t', context);
      const memory = new WebAssembly.Memory({ initial: 4, maximum: 20 });
      memory.grow(3);
      fill(new Uint8Array(memory.buffer), seed + i);
      sum += new Uint8Array(memory.buffer)[97] + wasmAdd()(seed, i);
    }
    parentPort.postMessage(sum | 0);
  },
};

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
function wasmAdd() {
  const code = '0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b';
  return new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(code, 'hex'))).exports.add;
}

// The main thread ------------------------------------------------------------------------------------------------------

function inWorker(kind, data) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { kind, data } });
    let result;
    worker.on('message', message => { result = message; });
    worker.on('error', reject);
    worker.on('exit', code => (code === 0 ? resolve(result) : reject(new Error(`${kind} ended with ${code}`))));
  });
}

const all = task => Promise.all([...Array(THREADS).keys()].map(task));

// Every worker's buffers go to the next worker.
function ring(count) {
  const workers = [...Array(THREADS).keys()].map(
    seed => new Worker(__filename, { workerData: { kind: 'passer', data: { seed: seed + 1, count } } }));
  return Promise.all(workers.map((worker, at) => new Promise((resolve, reject) => {
    worker.on('message', message => {
      if (message instanceof Uint8Array) workers[(at + 1) % THREADS].postMessage(message, [message.buffer]);
      else resolve(message.sum);
    });
    worker.on('error', reject);
  })));
}

async function endedInTheMiddle() {
  const gate = new SharedArrayBuffer(4);
  const workers = [...Array(THREADS).keys()].map(
    seed => new Worker(__filename, { workerData: { kind: 'endless', data: { seed, gate } } }));
  const flag = new Int32Array(gate);
  while (Atomics.load(flag, 0) < THREADS) await new Promise(resolve => setTimeout(resolve, 5));
  return Promise.all(workers.map(worker => worker.terminate()));
}

// Compression, hashes and files on the pool's threads.
async function pool(scale) {
  const results = await Promise.all([...Array(150 * scale).keys()].map(async i => {
    const plain = fill(Buffer.alloc(500 + i * 7919 % 90000), i);
    const packed = await deflate(plain, { level: 1 + i % 9 });
    const key = i % 30 === 0 ? (await scrypt('secret', String(i), 32, { N: 1024 })).toString('hex') : '';
    await fs.writeFile(`file${i % 20}.${i}`, packed);
    const again = await inflate(await fs.readFile(`file${i % 20}.${i}`));
    await fs.unlink(`file${i % 20}.${i}`);
    return `${again.equals(plain)}${key}`;
  }));
  return digest(results.join());
}

// A server on a socket of this process, and clients.
async function requests(count) {
  const server = http.createServer((request, response) => {
    const hash = crypto.createHash('sha1');
    request.on('data', chunk => hash.update(chunk));
    request.on('end', () => response.end(hash.digest('hex') + 'x'.repeat(request.url.length * 1000)));
  });
  await new Promise(resolve => server.listen('http.sock', resolve));
  const one = i => new Promise((resolve, reject) => {
    const request = http.request({ socketPath: 'http.sock', path: '/' + 'p'.repeat(i % 50), method: 'POST' }, response => {
      const chunks = [];
      response.on('data', chunk => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks)));
    });
    request.on('error', reject);
    request.end(fill(Buffer.alloc(i * 997 % 70000), i));
  });
  const answers = [];
  for (let i = 0; i < count; i += 20) answers.push(...await Promise.all([...Array(20).keys()].map(k => one(i + k))));
  await new Promise(resolve => server.close(resolve));
  return digest(Buffer.concat(answers));
}

function ports() {
  const { port1, port2 } = new MessageChannel();
  return new Promise(resolve => {
    const seen = [];
    port2.on('message', message => {
      if (seen.push(message.size) === 500) { port2.close(); resolve(digest(seen.join())); }
    });
    const entries = count => [...Array(count).keys()].map(k => [`key${k}`, { k, text: 't'.repeat(k) }]);
    for (let i = 0; i < 500; i++) port1.postMessage(new Map(entries(i % 60)));
  });
}

async function main(scale) {
  for (let round = 0; round < 2; round++) console.log('ring', (await ring(150 * scale)).join());
  for (let round = 0; round < 3 * scale; round++) console.log('ended in the middle', (await endedInTheMiddle()).join());
  const shared = new SharedArrayBuffer(4096);
  const added = await all(seed => inWorker('adder', { seed, shared, count: 200000 * scale }));
  console.log('shared', added.join(), digest(Buffer.from(shared)));
  console.log('compiled', (await all(seed => inWorker('compiler', { seed, count: 30 * scale }))).join());
  console.log('pool', await pool(scale));
  console.log('requests', await requests(200 * scale));
  console.log('ports', await ports());
}

if (isMainThread) main(Number(process.argv[2])).catch(error => { console.error(error); process.exit(1); });
else kinds[workerData.kind](workerData.data);
