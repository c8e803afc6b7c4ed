import { createHash, createHmac, type Hash } from 'node:crypto';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { IamCacheConfiguration } from '../../contract/configuration';
import { MissingPackageError } from '../missing-package';

/**
 * The seconds for which a token is valid: the maximum that ElastiCache accepts. An open connection outlives its token.
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html#auth-iam-limits
 */
const LIFETIME = 900;

/**
 * Creates the token with which an IAM identity authenticates to a cache instead of a password: a presigned connect request without its
 * scheme. Sends no request.
 *
 * @param now milliseconds since the epoch
 */
export async function authenticationToken(
  cache: Pick<IamCacheConfiguration, 'cacheName' | 'userName' | 'region' | 'nodeBased'>,
  credentials: AwsCredentialIdentityProvider,
  now: number,
): Promise<string> {
  const { SignatureV4 } = await loadSigner();
  const signer = new SignatureV4({ service: 'elasticache', region: cache.region, credentials, sha256: Sha256 });
  // ElastiCache stores names in lower case and computes the signature with them.
  const hostname = cache.cacheName.toLowerCase();
  const { query = {} } = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      headers: { host: hostname },
      query: { Action: 'connect', User: cache.userName, ...(!cache.nodeBased && { ResourceType: 'ServerlessCache' }) },
    },
    { expiresIn: LIFETIME, signingDate: new Date(now) },
  );
  const parameters = Object.entries(query)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
    .sort();
  return `${hostname}/?${parameters.join('&')}`;
}

/** A bundler ignores a missing package only if the code handles the failure of its import. */
async function loadSigner(): Promise<typeof import('@smithy/signature-v4')> {
  try {
    return await import('@smithy/signature-v4');
  } catch (thrown) {
    throw new MissingPackageError('@smithy/signature-v4', 'IAM authentication with Amazon ElastiCache', thrown);
  }
}

/** SHA-256 of Node.js with the interface that the signer requires. */
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
    throw new Error('Not supported: the signer never resets a hash.');
  }
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === 'string') return data;
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
