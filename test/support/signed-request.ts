import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';
import type { Local } from '../../lambda/local';

/** A request to a local stack, signed by independent code, so that a test can alter any part of it. */
export interface SignedRequest {
  readonly service: string;
  /** The service in the Authorization header. @default - the service that is signed */
  readonly claimedService?: string;
  readonly target?: string;
  readonly contentType?: string;
  readonly body?: string;
  /** Milliseconds since the epoch. @default - now */
  readonly time?: number;
  readonly secretAccessKey?: string;
  readonly accessKeyId?: string;
  /** Alters the signed headers before they are sent. `undefined` removes one. */
  readonly altered?: Readonly<Record<string, string | undefined>>;
  /** Replaces the body after it is signed. */
  readonly alteredBody?: string;
  readonly method?: string;
  readonly path?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** Signs a request with the credentials of the stack and sends it. */
export function send({ environment }: Pick<Local, 'environment'>, options: SignedRequest): Promise<Answer> {
  const { service, target, body = '{}', method = 'POST', contentType = 'application/x-amz-json-1.1' } = options;
  const endpoint = new URL(environment.AWS_ENDPOINT_URL!);
  const date = new Date(options.time ?? Date.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const signed: Record<string, string> = {
    'content-type': contentType,
    host: endpoint.host,
    'x-amz-date': date,
    ...(target !== undefined && { 'x-amz-target': target }),
  };
  const names = Object.keys(signed).join(';');
  const canonical = [
    method,
    endpoint.pathname,
    '',
    ...Object.entries(signed).map(([name, value]) => `${name}:${value}`),
    '',
    names,
    createHash('sha256').update(body).digest('hex'),
  ].join('\n');
  const scope = `${date.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const claimedScope = scope.replace(`/${service}/`, `/${options.claimedService ?? service}/`);
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: string | Buffer = `AWS4${options.secretAccessKey ?? environment.AWS_SECRET_ACCESS_KEY}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const headers: Record<string, string | undefined> = {
    ...signed,
    authorization: `AWS4-HMAC-SHA256 Credential=${options.accessKeyId ?? environment.AWS_ACCESS_KEY_ID}/${claimedScope}, SignedHeaders=${names}, Signature=${signature}`,
    ...options.altered,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: endpoint.hostname,
        port: endpoint.port,
        path: options.path ?? endpoint.pathname,
        method,
        headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
        agent: false,
      },
      (answer) => {
        let received = '';
        answer.on('data', (chunk: Buffer) => (received += chunk.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: received }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.alteredBody ?? body);
  });
}
