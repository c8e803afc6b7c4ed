import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Operations by their targets, such as `AWSEvents.PutEvents`. They throw a {@link ServiceError} for invalid requests. */
export type Operations = Readonly<Record<string, (input: unknown) => object>>;

/** An error response of a service. */
export class ServiceError extends Error {
  /** @param members additional members of the response */
  constructor(
    public readonly type: string,
    message: string,
    public readonly members: object = {},
  ) {
    super(message);
  }
}

/** The scheme of the URL of a server that listens on a Unix socket. The path of the socket follows. */
export const SOCKET_SCHEME = 'unix:';

/**
 * Serves the AWS JSON protocol for the services that the local runner implements itself. It runs programs, so it listens on a socket in a
 * folder that only the user can open: every request passes through the proxy that checks signatures.
 */
export class JsonServer {
  public static async start(): Promise<JsonServer> {
    const server = new JsonServer(await mkdtemp(join(tmpdir(), 'cdk-lambda-fsm-')));
    server.server.listen(server.socket);
    await once(server.server, 'listening');
    return server;
  }

  private readonly server = createServer((request, response) => void this.handle(request, response));

  private readonly operations = new Map<string, Operations[string]>();

  /** @param folder the folder of the socket; mkdtemp creates it with mode 0700 */
  private constructor(private readonly folder: string) {}

  /** Adds operations. */
  public add(operations: Operations): void {
    Object.entries(operations).forEach(([name, operation]) => this.operations.set(name, operation));
  }

  public get url(): string {
    return `${SOCKET_SCHEME}${this.socket}`;
  }

  public async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
    await rm(this.folder, { recursive: true, force: true });
  }

  private get socket(): string {
    // Windows has named pipes instead, outside of the file system.
    return process.platform === 'win32' ? join('\\\\.\\pipe', this.folder) : join(this.folder, 'socket');
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
    };
    try {
      const input = JSON.parse(await read(request)) as unknown;
      const target = String(request.headers['x-amz-target']);
      const operation = this.operations.get(target);
      if (!operation) {
        throw new ServiceError(
          'UnknownOperationException',
          `The local runner does not support ${target}. It supports ${[...this.operations.keys()].join(', ')}.`,
        );
      }
      answer(200, operation(input));
    } catch (error) {
      const { type, members } = error instanceof ServiceError ? error : { type: 'SerializationException', members: {} };
      answer(400, { __type: type, message: (error as Error).message, ...members });
    }
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
