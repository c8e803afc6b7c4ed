// eslint-disable-next-line import/no-nodejs-modules -- the seal of a token is made at once, without a promise
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isExecutionId } from './codec';
import type { Mail, Ports } from './ports';

/** What the ids of the mails begin with that callback tokens have brought. Those of others cannot begin with `$`. */
const CALLBACK_MAIL = '$callback/';

/** What a callback token says of itself; whether it says the truth, {@link isGenuine} tells. */
export interface Claim {
  readonly executionId: string;
  readonly step: number;
  /** Made of both with the secret of the execution. */
  readonly seal: string;
}

/** Letters, digits, `-`, `_` and `.`, so that a token fits into a URL, a header and an environment variable as it is. */
const TOKEN = /^([A-Za-z0-9_-]{2,171})\.(0|[1-9]\d{0,14})\.([A-Za-z0-9_-]{43})$/;

/**
 * The token of a step: the same for each of its attempts, since an attempt that died may have handed it out already, and what it has
 * started is what the next attempt, under the same idempotency key, finds running.
 *
 *     attempt 0   token T ── starts the work with T ── dies
 *     attempt 1              token T ── starts the work again: it runs already ── parks
 *     the work                                                                            ── completes T
 *
 * It is sealed with a random secret of the execution, so it cannot be made by anybody who has not been given it, nor be changed into that
 * of another step or execution.
 */
export async function issueToken({ mailbox, random }: Pick<Ports, 'mailbox' | 'random'>, executionId: string, step: number): Promise<string> {
  const secret = await mailbox.createSecret(executionId, random.id());
  return `${Buffer.from(executionId).toString('base64url')}.${step}.${sealOf(secret, executionId, step)}`;
}

/** @returns nothing when it is not of the form of a token */
export function readToken(token: string): Claim | undefined {
  const [, id = '', step, seal = ''] = TOKEN.exec(token) ?? [];
  const executionId = Buffer.from(id, 'base64url').toString();
  // Base64 has several spellings of one text; only that of `issueToken` is a token.
  const isCanonical = Buffer.from(executionId).toString('base64url') === id;
  return isCanonical && isExecutionId(executionId) ? { executionId, step: Number(step), seal } : undefined;
}

/** The id of the mail that a token brings: each event counts once. A wrong one, which no state takes, does not keep the right one away. */
export function callbackMailId(step: number, event: string): string {
  return `${CALLBACK_MAIL}${step}/${event}`;
}

/** Whether a callback token has brought the mail. */
export function isCallback({ id }: Pick<Mail, 'id'>): boolean {
  return id.startsWith(CALLBACK_MAIL);
}

/** Whether the token was issued, for this very step of this very execution. */
export function isGenuine({ executionId, step, seal }: Claim, secret: string): boolean {
  return timingSafeEqual(Buffer.from(seal), Buffer.from(sealOf(secret, executionId, step)));
}

function sealOf(secret: string, executionId: string, step: number): string {
  return createHmac('sha256', secret).update(`${step}.${executionId}`).digest('base64url');
}
