import { createHash, createHmac, type Hash } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { IamCacheConfiguration } from '../configuration';

/**
 * How long a token can be used to authenticate, in seconds: the most that ElastiCache takes. A connection that it has opened goes on.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html#auth-iam-limits
 */
const LIFETIME = 900;

/**
 * A token with which an IAM identity authenticates to a cache, in place of a password: a request to connect, signed but never
 * made, without its scheme. Nothing is sent for it.
 *
 * @param now milliseconds since the epoch
 */
export async function authenticationToken(
  cache: Pick<IamCacheConfiguration, 'cacheName' | 'userName' | 'region' | 'nodeBased'>, credentials: AwsCredentialIdentityProvider, now: number,
): Promise<string> {
  const signer = new SignatureV4({ service: 'elasticache', region: cache.region, credentials, sha256: Sha256 });
  // ElastiCache keeps names in small letters, and reckons the signature with those.
  const hostname = cache.cacheName.toLowerCase();
  const { query = {} } = await signer.presign({
    method: 'GET',
    protocol: 'https:',
    hostname,
    path: '/',
    headers: { host: hostname },
    query: { Action: 'connect', User: cache.userName, ...!cache.nodeBased && { ResourceType: 'ServerlessCache' } },
  }, { expiresIn: LIFETIME, signingDate: new Date(now) });
  const parameters = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).sort();
  return `${hostname}/?${parameters.join('&')}`;
}

/** SHA-256 of Node.js, in the shape that the signer wants. */
class Sha256 {
  private readonly hash: Pick<Hash, 'digest'> & { update(data: string | Uint8Array): unknown };

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytes(secret));
  }

  public update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytes(data));
  }

  public async digest(): Promise<Uint8Array> {
    return this.hash.digest();
  }

  public reset(): void {
    throw new Error('The signer of requests resets no hash.');
  }
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === 'string') return data;
  return data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
