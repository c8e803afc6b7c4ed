import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { checkDatabaseFile } from './database-file';

export interface ServersOptions {
  /**
   * The file that stores the DynamoDB tables, so that they outlive the process.
   *
   * @default - tables are in memory
   */
  readonly databaseFile?: string;
}

/** The embedded servers, which serve the protocols of AWS on the loopback interface. */
export interface Servers {
  /** URL of Amazon DynamoDB and DynamoDB Streams. */
  readonly dynamodb: string;
  /** URL of Amazon SQS. The queues are in memory. */
  readonly sqs: string;
  /** URL of Amazon SNS, which delivers to the queues of `sqs` only. The topics are in memory. */
  readonly sns: string;
  /** URL of Amazon Kinesis. The streams are in memory. */
  readonly kinesis: string;
  stop(): Promise<void>;
}

/** The environment variable with the URL of a DynamoDB server that replaces the embedded one. */
const DYNAMODB_VARIABLE = 'FSM_LOCAL_DYNAMODB';

/**
 * Starts Amazon DynamoDB (dynoxide), Amazon SQS and SNS (fauxqs) and Amazon Kinesis (kinesalite) on free ports of the loopback interface.
 *
 * dynoxide is a native program. On a platform that it does not support, set `FSM_LOCAL_DYNAMODB` to the URL of another DynamoDB server, such
 * as DynamoDB local.
 *
 * @throws Error if a server cannot be started
 */
export async function startServers(options: ServersOptions = {}): Promise<Servers> {
  const started = await Promise.allSettled([
    startDynamoDb(options.databaseFile),
    startThread('queue-server.mjs', 'fauxqs@1.9.2'),
    startThread('stream-server.mjs', 'kinesalite@3.3.3'),
  ]);
  const [dynamodb, queues, streams] = started;
  const stop = async () => {
    await Promise.all(started.map((server) => (server.status === 'fulfilled' ? server.value.stop() : undefined)));
  };
  if (dynamodb.status === 'rejected' || queues.status === 'rejected' || streams.status === 'rejected') {
    await stop();
    throw started.find((server) => server.status === 'rejected')?.reason;
  }
  return {
    dynamodb: dynamodb.value.url,
    sqs: queues.value.url,
    sns: queues.value.url,
    kinesis: streams.value.url,
    stop,
  };
}

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** Maximum number of ports to try. Another process may take a free port first. */
const MAX_PORTS = 5;

async function startDynamoDb(databaseFile?: string): Promise<Server> {
  const other = process.env[DYNAMODB_VARIABLE];
  if (other !== undefined) {
    if (databaseFile !== undefined) {
      throw new Error(
        `The database file "${databaseFile}" has no effect while ${DYNAMODB_VARIABLE} is set. Omit one of them.`,
      );
    }
    return { url: other, stop: async () => undefined };
  }
  for (let tried = 1; ; tried++) {
    try {
      return await startDynoxide(await freePort(), databaseFile);
    } catch (error) {
      if (tried === MAX_PORTS || !(error as Error).message.includes('already in use')) {
        throw error;
      }
    }
  }
}

async function startDynoxide(port: number, databaseFile?: string): Promise<Server> {
  if (databaseFile !== undefined) checkDatabaseFile(databaseFile);
  const database = databaseFile === undefined ? [] : ['--db-path', databaseFile];
  // A server that outlived this process would keep the database file open. So the shell kills the server when its standard input ends, which
  // happens whenever this process ends, even after SIGKILL.
  const shell = spawn('/bin/sh', [
    '-c',
    'exec 3<&0; "$@" & server=$!; { cat <&3 > /dev/null; kill "$server"; } 2> /dev/null & wait "$server"',
    'sh',
    dynoxide(),
    'serve',
    '--port',
    String(port),
    ...database,
  ]);
  const exited = once(shell, 'exit');
  const output: string[] = [];
  const listening = new Promise<true>((resolve) => {
    for (const stream of [shell.stdout, shell.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        output.push(line);
        if (line.includes('listening')) {
          resolve(true);
        }
      });
    }
  });
  if ((await Promise.race([listening, exited.then(() => false)])) === false) {
    shell.stdin.end();
    throw new Error(`Cannot start the embedded DynamoDB: ${output.join(' ') || 'no output'}`);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      shell.stdin.end();
      await exited;
    },
  };
}

function dynoxide(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'dynoxide');
  } catch {
    throw new Error(
      `Missing package ${name}, the embedded DynamoDB. If there is none for this platform, start another DynamoDB server ` +
        `and set ${DYNAMODB_VARIABLE} to its URL, for example http://127.0.0.1:8000.`,
    );
  }
}

/** Starts a server as a worker thread, which posts the URL of the server. */
async function startThread(file: string, dependency: string): Promise<Server> {
  // Without the loaders of this process: the file is plain JavaScript.
  const worker = new Worker(join(__dirname, file), { execArgv: [] });
  const [url] = await once(worker, 'message').catch((error: Error) => {
    const isMissing = 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    throw isMissing
      ? new Error(`Missing package ${dependency}, an embedded server. Install it: npm install --save-dev ${dependency}`)
      : error;
  });
  return {
    // The first message is the URL: an error of the thread rejects the promise above.
    url: url as string,
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** Returns a free port. dynoxide does not report the port that the system assigns to it. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
