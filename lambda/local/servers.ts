import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';

export interface ServersOptions {
  /**
   * The file that the DynamoDB tables are kept in, so that they outlive the process.
   *
   * @default - in memory
   */
  readonly databaseFile?: string;
}

/** The embedded servers: what speaks the protocols of AWS on loopback. */
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

/** What names the URL of a DynamoDB to be used in place of the embedded one. */
const DYNAMODB_VARIABLE = 'FSM_LOCAL_DYNAMODB';

/**
 * Starts Amazon DynamoDB (dynoxide), Amazon SQS and SNS (fauxqs) and Amazon Kinesis (kinesalite) on free ports of the loopback interface.
 *
 * dynoxide is a program for this platform; where there is none, set `FSM_LOCAL_DYNAMODB` to the URL of another DynamoDB, such as
 * DynamoDB local.
 *
 * @throws Error when a server cannot be started
 */
export async function startServers(options: ServersOptions = {}): Promise<Servers> {
  const started = await Promise.allSettled([
    startDynamoDb(options.databaseFile), startThread('queue-server.mjs', 'fauxqs@1.9.2'), startThread('stream-server.mjs', 'kinesalite@3.3.3'),
  ]);
  const [dynamodb, queues, streams] = started;
  const stop = async () => {
    await Promise.all(started.map((server) => (server.status === 'fulfilled' ? server.value.stop() : undefined)));
  };
  if (dynamodb.status === 'rejected' || queues.status === 'rejected' || streams.status === 'rejected') {
    await stop();
    throw started.find((server) => server.status === 'rejected')?.reason;
  }
  return { dynamodb: dynamodb.value.url, sqs: queues.value.url, sns: queues.value.url, kinesis: streams.value.url, stop };
}

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** How often another port is tried when someone else was faster to take the one that was free. */
const PORTS = 5;

async function startDynamoDb(databaseFile?: string): Promise<Server> {
  const other = process.env[DYNAMODB_VARIABLE];
  if (other !== undefined) {
    return { url: other, stop: async () => undefined };
  }
  for (let tried = 1; ; tried++) {
    try {
      return await startDynoxide(await freePort(), databaseFile);
    } catch (error) {
      if (tried === PORTS || !(error as Error).message.includes('already in use')) {
        throw error;
      }
    }
  }
}

async function startDynoxide(port: number, databaseFile?: string): Promise<Server> {
  const database = databaseFile === undefined ? [] : ['--db-path', databaseFile];
  // A server that outlived its owner would hold the database file. So the shell ends it when its own input ends, and that ends
  // with this process, however it ends.
  const shell = spawn('/bin/sh', [
    '-c', 'exec 3<&0; "$@" & server=$!; { cat <&3 > /dev/null; kill "$server"; } 2> /dev/null & wait "$server"',
    'sh', dynoxide(), 'serve', '--port', String(port), ...database,
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
  if (await Promise.race([listening, exited.then(() => false)]) === false) {
    shell.stdin.end();
    throw new Error(`The embedded DynamoDB does not start: ${output.join(' ') || 'it says nothing'}`);
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
    throw new Error(`The embedded DynamoDB, the package ${name}, is not installed. Where there is none for this platform, ` +
      `run another DynamoDB and set ${DYNAMODB_VARIABLE} to its URL, for example http://127.0.0.1:8000.`);
  }
}

/** A server that runs as a thread of its own, which says the server's URL and nothing else. */
async function startThread(file: string, dependency: string): Promise<Server> {
  // With no loader of the caller's: the file is plain JavaScript.
  const worker = new Worker(join(__dirname, file), { execArgv: [] });
  const [url] = await once(worker, 'message').catch((error: Error) => {
    const isMissing = 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    throw isMissing ? new Error(`An embedded server, ${dependency}, is not installed: npm install --save-dev ${dependency}`) : error;
  });
  return {
    // An error of the thread rejects the promise above.
    url: url as string,
    stop: async () => {
      await worker.terminate();
    },
  };
}

/** A port that nobody listens on now. (dynoxide does not tell which one it was given.) */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
