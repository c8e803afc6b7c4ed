// Amazon SQS on loopback, run as a worker thread: fauxqs is an ES module, and its work is kept out of the caller's thread.
import { parentPort } from 'node:worker_threads';
import { buildApp } from 'fauxqs';

const server = buildApp({ logger: false });
parentPort.postMessage(await server.listen({ port: 0, host: '127.0.0.1' }));
