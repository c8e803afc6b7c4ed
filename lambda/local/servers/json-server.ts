import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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

/** Serves the AWS JSON protocol on the loopback interface, for the services that the local runner implements itself. */
export class JsonServer {
  public static async start(): Promise<JsonServer> {
    const server = new JsonServer();
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  private readonly server = createServer((request, response) => void this.handle(request, response));

  private readonly operations = new Map<string, Operations[string]>();

  /** Adds operations. */
  public add(operations: Operations): void {
    Object.entries(operations).forEach(([name, operation]) => this.operations.set(name, operation));
  }

  public get url(): string {
    // The server listens on a port, so its address is an AddressInfo.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
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
