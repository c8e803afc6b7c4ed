import { once } from 'node:events';
import {
  Agent,
  createServer,
  request,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkNoBrowser, withoutCors } from './browser-requests';
import { SOCKET_SCHEME } from './json-server';
import { isForm, Refusal, refuse } from './refusal';
import { readBody, REQUEST_TIMEOUTS } from './request-body';
import { checkSignature, readSignature } from './request-signature';
import type { RunCredentials } from './run-credentials';
import { SeededRandom } from '../../testing/determinism/seeded-random';

/** The faults to inject into requests. */
export interface Faults {
  /**
   * The fraction of requests that fail: 0 to 1. Half of them fail before they reach the service, half after they took effect. Half
   * of the former are throttled. Of the others, half get an internal error, and half lose their connection.
   */
  readonly share: number;
  /** The seed that selects the failing requests. */
  readonly seed: number | string;
}

/** The sender of a request: a function, a client of the application, or AWS itself (such as an event source mapping). */
export type Caller = 'function' | 'client' | 'mapping';

export interface FaultProxyOptions {
  /** The credentials with which every request must be signed. */
  readonly credentials: RunCredentials;
  /** The URL of each embedded server, by the signing name of its service: `dynamodb`, `sqs`. */
  readonly servers: Readonly<Record<string, string>>;
  /** @default - none */
  readonly faults?: Faults;
}

/** A request to a service that is down. */
export interface HitRequest {
  /** The operation, such as `PutItem`. */
  readonly operation: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * A proxy between AWS clients and the embedded servers. It checks the sender of each request, forwards the request to the server of its service, counts the requests, and
 * injects faults.
 *
 * Each kind of caller has its own endpoint. The requests of mappings fail only while their service is down.
 */
export class FaultProxy {
  public static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  private readonly server = createServer(
    REQUEST_TIMEOUTS,
    (incoming, outgoing) => void this.handle(incoming, outgoing),
  );
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 });
  private readonly random: SeededRandom;
  private readonly counts = new Map<string, Map<string, number>>();
  private readonly down = new Map<string, (request: HitRequest) => boolean>();
  private readonly queueUrls = new Map<string, string>();
  private failed = 0;

  private constructor(private readonly options: FaultProxyOptions) {
    this.random = new SeededRandom(options.faults?.seed ?? 0);
  }

  /**
   * Returns the endpoint of a caller, for example for `AWS_ENDPOINT_URL`.
   *
   * @param service the service by which the requests are counted and forwarded; by default, the service for which they are signed
   */
  public endpoint(caller: Caller, service?: string): string {
    return [this.origin, caller, ...(service === undefined ? [] : [service])].join('/');
  }

  /** Returns the number of requests of a caller, by service and operation, such as `dynamodb.PutItem`. */
  public requests(caller: Caller): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts.get(caller) ?? []);
  }

  /** The number of injected faults. */
  public get faults(): number {
    return this.failed;
  }

  /**
   * Takes a service down: requests to it fail until {@link bringUp}.
   *
   * @param isHit selects the requests that fail; by default, all
   */
  public takeDown(service: string, isHit: (request: HitRequest) => boolean = () => true): void {
    this.down.set(service, isHit);
  }

  /** Ends the outage of a service. */
  public bringUp(service: string): void {
    this.down.delete(service);
  }

  /**
   * Assigns the URL by which functions and clients know a queue. AWS clients send requests to the URL of a queue, and the URL of the embedded
   * server would bypass the proxy.
   *
   * @param path the account and the name of the queue, as in the URLs of Amazon SQS
   */
  public nameQueue(path: string, actualUrl: string): string {
    const url = `${this.origin}/${path}`;
    this.queueUrls.set(url, actualUrl);
    return url;
  }

  public async stop(): Promise<void> {
    this.agent.destroy();
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private get port(): number {
    // The server listens on a port, so its address is an AddressInfo.
    return (this.server.address() as AddressInfo).port;
  }

  private async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      checkNoBrowser(incoming, this.port);
      const signature = readSignature(incoming, this.options.credentials, Date.now());
      const body = await readBody(incoming, signature.service);
      checkSignature(incoming, body, signature, this.options.credentials);
      const [, caller = '', named] = incoming.url?.split('/') ?? [];
      const service = named || signature.service;
      const operation = operationOf(incoming.headers, body);
      this.count(caller, `${service}.${operation}`);
      if (this.down.get(service)?.({ operation, body: body.toString() })) {
        refuse(outgoing, new Refusal(503, 'ServiceUnavailable', `${service} is down.`));
        return;
      }
      const fails = caller !== 'mapping' && this.random.chance(this.options.faults?.share ?? 0);
      if (fails && this.random.chance(0.5)) {
        if (this.random.chance(0.5)) refuse(outgoing, new Refusal(400, 'ThrottlingException', 'Injected throttling.'));
        else this.fail(outgoing);
        this.failed += 1;
        return;
      }
      const answer = await this.forward(service, incoming, body);
      if (fails) {
        this.fail(outgoing);
        this.failed += 1;
        return;
      }
      outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      // The caller gets an error response of AWS, and the proxy keeps running.
      if (outgoing.headersSent) return;
      if (error instanceof Refusal) {
        // The rest of the body is not read, so the connection cannot serve another request.
        outgoing.setHeader('connection', 'close');
        refuse(outgoing, error);
        return;
      }
      refuse(
        outgoing,
        new Refusal(502, 'InternalServerError', `The embedded server did not respond: ${(error as Error).message}`),
      );
    }
  }

  private forward(service: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const server = this.options.servers[service];
    if (server === undefined) {
      throw new Error(
        `The local runner does not support the service "${service}". It supports ${Object.keys(this.options.servers).join(', ')}.`,
      );
    }
    const translated = service === 'sqs' ? this.translateQueueUrl(body) : body;
    // The body is complete: a transfer encoding beside its length would describe it twice.
    const { 'transfer-encoding': _encoding, ...incomingHeaders } = incoming.headers;
    const isSocket = server.startsWith(SOCKET_SCHEME);
    const host = isSocket ? 'localhost' : new URL(server).host;
    const headers = { ...incomingHeaders, host, 'content-length': String(translated.length) };
    const target = isSocket
      ? { socketPath: server.slice(SOCKET_SCHEME.length) }
      : { hostname: new URL(server).hostname, port: new URL(server).port };
    return new Promise((resolve, reject) => {
      const outward = request({ ...target, method: incoming.method, headers, agent: this.agent }, (answer) => {
        const { 'transfer-encoding': _, ...answerHeaders } = answer.headers;
        read(answer).then(
          (answerBody) =>
            resolve({
              status: answer.statusCode ?? 500,
              headers: { ...withoutCors(answerHeaders), 'content-length': String(answerBody.length) },
              body: answerBody,
            }),
          reject,
        );
      });
      outward.on('error', reject);
      outward.end(translated);
    });
  }

  private translateQueueUrl(body: Buffer): Buffer {
    const input = JSON.parse(body.toString('utf8')) as { readonly QueueUrl?: string };
    const actual = input.QueueUrl === undefined ? undefined : this.queueUrls.get(input.QueueUrl);
    return actual === undefined ? body : Buffer.from(JSON.stringify({ ...input, QueueUrl: actual }));
  }

  private fail(outgoing: ServerResponse): void {
    if (this.random.chance(0.5)) {
      refuse(outgoing, new Refusal(500, 'InternalServerError', 'Injected fault.'));
    } else {
      outgoing.destroy();
    }
  }

  private count(caller: string, operation: string): void {
    const counts = this.counts.get(caller) ?? new Map<string, number>();
    this.counts.set(caller, counts.set(operation, (counts.get(operation) ?? 0) + 1));
  }
}

/** Returns the operation: `PutItem` for the target `DynamoDB_20120810.PutItem`, `Publish` for a form with `Action=Publish`. */
function operationOf(headers: IncomingHttpHeaders, body: Buffer): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    return target.slice(target.indexOf('.') + 1);
  }
  return (isForm(headers) && new URLSearchParams(body.toString()).get('Action')) || 'unknown';
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
