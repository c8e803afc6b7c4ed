import { once } from 'node:events';
import { Agent, createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SeededRandom } from '../testing/seeded-random';

/** How many requests fail, and which. */
export interface Faults {
  /**
   * The share of requests that fail, from 0 to 1. Half of them fail before they reach the service, half after they took effect; half are
   * answered with an internal error, half end with a lost connection.
   */
  readonly share: number;
  /** Decides which. */
  readonly seed: number | string;
}

/** Who sends a request: a function, a client of the application, or what AWS does itself (an event source mapping). */
export type Caller = 'function' | 'client' | 'mapping';

export interface FaultProxyOptions {
  /** The URL of each embedded server, by the name that requests to its service are signed for: `dynamodb`, `sqs`. */
  readonly servers: Readonly<Record<string, string>>;
  /** @default none fails */
  readonly faults?: Faults;
}

/** A request to a service that is down, as far as it can be told apart from others. */
export interface HitRequest {
  /** `PutItem`, for example. */
  readonly operation: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Stands between AWS clients and the embedded servers: it sends each request to the server of its service, counts it, and lets some fail.
 *
 * Each kind of caller has an endpoint of its own. The requests of mappings fail only while their service is down.
 */
export class FaultProxy {
  public static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  private readonly server = createServer((incoming, outgoing) => void this.handle(incoming, outgoing));
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
   * Where a caller's requests go, for example as `AWS_ENDPOINT_URL`.
   *
   * @param service of which the requests are taken to be; that for which they are signed when left out
   */
  public endpoint(caller: Caller, service?: string): string {
    return [this.origin, caller, ...service === undefined ? [] : [service]].join('/');
  }

  /** How many requests a caller has sent, by service and operation: `dynamodb.PutItem`. */
  public requests(caller: Caller): Readonly<Record<string, number>> {
    return Object.fromEntries(this.counts.get(caller) ?? []);
  }

  /** How many of them were made to fail. */
  public get faults(): number {
    return this.failed;
  }

  /**
   * Lets requests to a service fail, until it is brought up again.
   *
   * @param isHit which of them
   */
  public takeDown(service: string, isHit: (request: HitRequest) => boolean = () => true): void {
    this.down.set(service, isHit);
  }

  public bringUp(service: string): void {
    this.down.delete(service);
  }

  /**
   * Gives a queue the URL by which functions and clients shall know it. A queue's URL tells an AWS client where to send its requests, and
   * the one that the embedded server has given it leads past the proxy.
   */
  public nameQueue(name: string, actualUrl: string): string {
    const url = `${this.origin}/queue/${name}`;
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
    // It listens on a port, so its address is one.
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    try {
      const body = await read(incoming);
      const [, caller = '', named] = incoming.url?.split('/') ?? [];
      const service = named || serviceOf(incoming.headers);
      const operation = operationOf(incoming.headers, body);
      this.count(caller, `${service}.${operation}`);
      if (this.down.get(service)?.({ operation, body: body.toString() })) {
        refuse(outgoing, 503, 'ServiceUnavailable', `${service} is down.`);
        return;
      }
      const fails = caller !== 'mapping' && this.random.chance(this.options.faults?.share ?? 0);
      if (fails && this.random.chance(0.5)) {
        this.fail(outgoing);
        return;
      }
      const answer = await this.forward(service, incoming, body);
      if (fails) {
        this.fail(outgoing);
        return;
      }
      outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      // The caller is told as a client of AWS would be, and the proxy goes on.
      if (!outgoing.headersSent) {
        refuse(outgoing, 502, 'InternalServerError', `The embedded server did not answer: ${(error as Error).message}`);
      }
    }
  }

  private forward(service: string, incoming: IncomingMessage, body: Buffer): Promise<Answer> {
    const server = this.options.servers[service];
    if (server === undefined) {
      throw new Error(`There is no embedded server for "${service}", only for ${Object.keys(this.options.servers).join(', ')}.`);
    }
    const translated = service === 'sqs' ? this.translateQueueUrl(body) : body;
    const headers = { ...incoming.headers, 'host': new URL(server).host, 'content-length': String(translated.length) };
    return new Promise((resolve, reject) => {
      const outward = request(server, { method: incoming.method, headers, agent: this.agent }, (answer) => {
        const { 'transfer-encoding': _, ...answerHeaders } = answer.headers;
        read(answer).then((answerBody) => resolve({
          status: answer.statusCode ?? 500,
          headers: { ...answerHeaders, 'content-length': String(answerBody.length) },
          body: answerBody,
        }), reject);
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
    this.failed++;
    if (this.random.chance(0.5)) {
      refuse(outgoing, 500, 'InternalServerError', 'This failure is injected.');
    } else {
      outgoing.destroy();
    }
  }

  private count(caller: string, operation: string): void {
    const counts = this.counts.get(caller) ?? new Map<string, number>();
    this.counts.set(caller, counts.set(operation, (counts.get(operation) ?? 0) + 1));
  }
}

/** The service that a request is signed for: `Credential=key/date/region/SERVICE/aws4_request`. */
function serviceOf(headers: IncomingHttpHeaders): string {
  return /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1] ?? 'unsigned';
}

/** `PutItem` out of `DynamoDB_20120810.PutItem`, `Publish` out of a form with `Action=Publish`. */
function operationOf(headers: IncomingHttpHeaders, body: Buffer): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    return target.slice(target.indexOf('.') + 1);
  }
  return (isForm(headers) && new URLSearchParams(body.toString()).get('Action')) || 'unknown';
}

/** The older protocol of AWS, which SNS speaks: a form is answered with XML. */
function isForm(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false;
}

function refuse(outgoing: ServerResponse, status: number, type: string, message: string): void {
  if (isForm(outgoing.req.headers)) {
    outgoing.writeHead(status, { 'content-type': 'text/xml' })
      .end(`<ErrorResponse><Error><Type>Receiver</Type><Code>${type}</Code><Message>${message.replace(/[<&]/g, '?')}</Message></Error></ErrorResponse>`);
    return;
  }
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': type }).end(JSON.stringify({ __type: type, message }));
}

async function read(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
