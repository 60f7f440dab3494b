// Workers, buffers, compression, hashes, JSON: what it prints depends on its argument alone.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');
const { execFileSync } = require('child_process');

function digest(value) {
  return crypto.createHash('sha256').update(value).digest('hex').slice(0, 16);
}

// A small generator of numbers with a seed, since Math.random has none.
function generator(seed) {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
}

function documents(seed, count) {
  const next = generator(seed);
  const list = [];
  for (let i = 0; i < count; i++) {
    const fields = {};
    for (let f = 0; f < 3 + next() % 6; f++) fields['f' + next() % 100] = 'v'.repeat(next() % 60) + next();
    list.push({ id: i, fields, parents: list.length ? [next() % list.length] : [] });
  }
  return list;
}

function work({ seed, scale }) {
  const text = JSON.stringify(documents(seed, 4000 * scale));
  const packed = zlib.gzipSync(text, { level: 5 });
  const same = zlib.gunzipSync(packed).toString() === text;
  const brotli = zlib.brotliDecompressSync(zlib.brotliCompressSync(text.slice(0, 200000),
    { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } })).length;
  const buffers = [];
  const next = generator(seed + 1);
  for (let i = 0; i < 3000 * scale; i++) {
    buffers.push(Buffer.allocUnsafeSlow(1 + next() % 20000).fill(i & 255));
    if (buffers.length > 200) buffers.splice(next() % 200, 1);
  }
  const joined = Buffer.concat(buffers);
  const index = new Map(JSON.parse(text).map(d => [d.id, Object.keys(d.fields).sort().join()]));
  const matches = text.match(/"f1\d":"v{5,}\d+"/g).length;
  return { seed, same, brotli, joined: digest(joined), index: digest(JSON.stringify([...index])), matches };
}

function inWorker(seed, scale) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { seed, scale } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function main(scale) {
  console.log(JSON.stringify(work({ seed: 1, scale })));
  for (let round = 0; round < 3; round++) {
    const results = await Promise.all([0, 1, 2, 3].map(i => inWorker(10 + round * 4 + i, scale)));
    for (const result of results) console.log(JSON.stringify(result));
  }
  const key = crypto.scryptSync('password', 'salt', 32, { N: 4096, r: 8, p: 1 });
  const cipher = crypto.createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
  console.log(digest(Buffer.concat([cipher.update(Buffer.alloc(5000000, 7)), cipher.final()])));
  console.log(execFileSync(process.execPath, ['-p', '[...Array(1000).keys()].reduce((a, b) => a + b)']).toString().trim());
}

if (isMainThread) main(Number(process.argv[2])).catch(error => { console.error(error); process.exit(1); });
else parentPort.postMessage(work(workerData));
