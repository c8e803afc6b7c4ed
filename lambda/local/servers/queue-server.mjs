// Amazon SQS and SNS on the loopback interface, run as a worker thread: fauxqs is an ES module, and its load stays off the caller's thread.
import { parentPort } from 'node:worker_threads';
import { buildApp } from 'fauxqs';

// Amazon SQS accepts characters beyond U+FFFF, such as emoji. fauxqs 1.9 checks surrogates one by one and rejects them, so its expression is
// recompiled with the `u` flag.
const { INVALID_MESSAGE_BODY_CHAR } = await import(
  new URL('./sqs/sqsTypes.js', import.meta.resolve('fauxqs')).href
).catch(() => ({}));
INVALID_MESSAGE_BODY_CHAR?.compile('[^\\t\\n\\r -\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]', 'u');

const server = buildApp({ logger: false });
parentPort.postMessage(await server.listen({ port: 0, host: '127.0.0.1' }));
