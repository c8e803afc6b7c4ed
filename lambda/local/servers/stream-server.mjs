// Amazon Kinesis on the loopback interface, run as a worker thread, so that its load stays off the caller's thread.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import kinesalite from 'kinesalite';

const server = kinesalite({ createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0, shardLimit: 1000 });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
parentPort.postMessage(`http://127.0.0.1:${server.address().port}`);
