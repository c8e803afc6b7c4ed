import { randomBytes } from 'node:crypto';

/** The credentials of one run of the local runner. Only processes that know them can use its services. */
export interface RunCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Creates credentials that no other run has. The secret has 240 random bits. */
export function createRunCredentials(): RunCredentials {
  return {
    accessKeyId: `LOCAL${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
}
