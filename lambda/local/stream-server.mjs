// Amazon Kinesis on loopback, run as a worker thread, which keeps its work out of the caller's thread.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import kinesalite from 'kinesalite';

const server = kinesalite({ createStreamMs: 0, deleteStreamMs: 0, updateStreamMs: 0, shardLimit: 1000 });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
parentPort.postMessage(`http://127.0.0.1:${server.address().port}`);
