// Amazon SQS and SNS on loopback, run as a worker thread: fauxqs is an ES module, and its work is kept out of the caller's thread.
import { parentPort } from 'node:worker_threads';
import { buildApp } from 'fauxqs';

// Amazon SQS takes the characters beyond U+FFFF (emoji, for example), but fauxqs 1.9 looks at halves of them and refuses. Its expression is
// made anew in its place.
const { INVALID_MESSAGE_BODY_CHAR } = await import(new URL('./sqs/sqsTypes.js', import.meta.resolve('fauxqs')).href).catch(() => ({}));
INVALID_MESSAGE_BODY_CHAR?.compile('[^\\t\\n\\r -\\uD7FF\\uE000-\\uFFFD\\u{10000}-\\u{10FFFF}]', 'u');

const server = buildApp({ logger: false });
parentPort.postMessage(await server.listen({ port: 0, host: '127.0.0.1' }));
