import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A response: a status, and a body that is sent as JSON. */
export type Answer = readonly [status: number, body: object];

/** A server on the loopback interface that implements the parts of an AWS service that a test needs. */
export abstract class ServiceServer {
  public static async start<S extends ServiceServer>(this: new () => S): Promise<S> {
    const service = new this();
    await new Promise<void>((resolve) => service.server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  private readonly server: Server = createServer((request, response) => void this.handle(request, response));

  public get endpoint(): string {
    // A TCP server has an address with a port.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  public async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** @returns nothing to leave the request without a response */
  protected abstract answer(request: IncomingMessage, body: Buffer): Answer | undefined;

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = this.answer(request, Buffer.concat(chunks));
    if (!answer) return;
    const [status, body] = answer;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  }
}
