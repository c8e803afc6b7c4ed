import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal';
import type { RunCredentials } from './run-credentials';

/** The parts of an Authorization header. */
export interface Signature {
  /** The service for which the request is signed, such as `dynamodb`. */
  readonly service: string;
  readonly region: string;
  /** The day, such as `20261130`. */
  readonly day: string;
  readonly signedHeaders: readonly string[];
  readonly value: string;
}

/** The milliseconds by which the time of a signature may differ from now, as in AWS. */
const MAX_SKEW_MS = 5 * 60_000;

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([\w-]+)\/(\d{8})\/([\w-]+)\/([\w-]+)\/aws4_request, ?SignedHeaders=([a-z\d;_-]+), ?Signature=([\da-f]{64})$/;

/**
 * Reads the signature of a request and checks everything that does not depend on the body, so that a stranger's body is not read.
 *
 * @param now milliseconds since the epoch
 * @throws Refusal if the request is not signed, or not with the credentials of this run
 */
export function readSignature(incoming: IncomingMessage, credentials: RunCredentials, now: number): Signature {
  const { headers } = incoming;
  // A header that occurs twice could mean one value to this check and another to the server behind it.
  const repeated = Object.entries(incoming.headersDistinct).find(([, values = []]) => values.length > 1)?.[0];
  if (repeated !== undefined) throw invalid(`The header ${repeated} occurs twice.`);
  if (!/^\/[\w./~-]*$/.test(incoming.url ?? '')) {
    throw invalid('The path has a query or special characters, which no request to the local runner needs.');
  }
  if (headers.authorization === undefined) {
    throw new Refusal(
      403,
      'MissingAuthenticationTokenException',
      'The request is not signed. Use the credentials that the local runner prints.',
    );
  }
  const [, accessKeyId, day, region, service, names, value] = AUTHORIZATION.exec(headers.authorization) ?? [];
  if (!accessKeyId || !day || !region || !service || !names || !value) {
    throw invalid('The Authorization header is not a Signature Version 4.');
  }
  if (accessKeyId !== credentials.accessKeyId) {
    throw new Refusal(
      403,
      'UnrecognizedClientException',
      'The access key is not of this run. Each run of the local runner has its own credentials: use those that it prints.',
    );
  }
  const signedHeaders = names.split(';');
  const unsigned = Object.keys(headers).find((name) => mustBeSigned(name) && !signedHeaders.includes(name));
  if (unsigned !== undefined) throw invalid(`The header ${unsigned} is not signed.`);
  const time = timeOf(headers['x-amz-date']);
  if (!(Math.abs(now - time) <= MAX_SKEW_MS) || !String(headers['x-amz-date']).startsWith(day)) {
    throw invalid('Signature expired: its time is missing, or differs from now by more than 5 minutes.');
  }
  return { service, region, day, signedHeaders, value };
}

/** @throws Refusal if the request is not the one that was signed */
export function checkSignature(
  incoming: IncomingMessage,
  body: Buffer,
  signature: Signature,
  { secretAccessKey }: RunCredentials,
): void {
  const { headers, method, url = '' } = incoming;
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const declared = headers['x-amz-content-sha256'];
  // The header replaces the hash in AWS. Here, it may not exempt the body from the signature.
  if (declared !== undefined && declared !== bodyHash) throw invalid('The body does not match x-amz-content-sha256.');
  const canonicalHeaders = signature.signedHeaders.map(
    (name) =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/\s+/g, ' ')}\n`,
  );
  const canonicalRequest = [method, url, '', canonicalHeaders.join(''), signature.signedHeaders.join(';'), bodyHash];
  const scope = [signature.day, signature.region, signature.service, 'aws4_request'];
  const text = [
    'AWS4-HMAC-SHA256',
    headers['x-amz-date'],
    scope.join('/'),
    createHash('sha256').update(canonicalRequest.join('\n')).digest('hex'),
  ].join('\n');
  const key = scope.reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  const expected = createHmac('sha256', key).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature.value, 'hex'))) {
    throw invalid('The signature does not match the request. Check the secret access key.');
  }
}

/** The headers that change the meaning of a request. */
function mustBeSigned(name: string): boolean {
  return name === 'host' || name === 'content-type' || name === 'content-encoding' || name.startsWith('x-amz-');
}

/** Parses `20261130T071143Z`. */
function timeOf(date: string | string[] | undefined): number {
  return Date.parse(String(date).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function invalid(message: string): Refusal {
  return new Refusal(403, 'InvalidSignatureException', message);
}
