// eslint-disable-next-line import/no-nodejs-modules -- the seal of a token is computed synchronously
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isExecutionId } from '../envelope/codec';
import type { ExecutionKey, Ports } from '../ports';

/** Prefix of the ids of mails from callback tokens. The ids of other senders cannot begin with `$`. */
const CALLBACK_MAIL = '$callback/';

/** The unverified content of a callback token; see {@link isGenuine}. */
export interface Claim extends ExecutionKey {
  readonly step: number;
  /** HMAC of all of these with the secret of the step. */
  readonly seal: string;
}

/** Letters, digits, `-`, `_` and `.`, so that a token fits into a URL, a header and an environment variable without escaping. */
const TOKEN = /^([A-Za-z0-9_-]{2,171})\.([A-Za-z0-9_-]{1,36})\.(0|[1-9]\d{0,14})\.([A-Za-z0-9_-]{43})$/;

/**
 * Issues the token of a step. All attempts at the step get the same token, because an attempt that died may have handed it out already, and
 * the next attempt, with the same idempotency key, finds the work of that attempt running.
 *
 *     attempt 0   token T ── starts the work with T ── dies
 *     attempt 1              token T ── starts the work again: it is running already ── parks
 *     the work                                                                            ── completes T
 *
 * A random secret of the step seals the token, so a token can be neither forged nor changed into the token of another step or
 * execution.
 *
 * @param events the events that the step can wait for
 */
export async function issueToken(
  { mailbox, random }: Pick<Ports, 'mailbox' | 'random'>,
  execution: ExecutionKey,
  step: number,
  events: readonly string[],
): Promise<string> {
  const { executionId, incarnation } = execution;
  const secret = await mailbox.createSecret(execution, step, { secret: random.id(), events });
  const id = Buffer.from(executionId).toString('base64url');
  return `${id}.${incarnation}.${step}.${sealOf(secret, execution, step)}`;
}

/** @returns nothing if the text does not have the format of a token */
export function readToken(token: string): Claim | undefined {
  const [, id = '', incarnation = '', step, seal = ''] = TOKEN.exec(token) ?? [];
  const executionId = Buffer.from(id, 'base64url').toString();
  // Base64 can encode one text in several ways; only the encoding of `issueToken` is a token.
  const isCanonical = Buffer.from(executionId).toString('base64url') === id;
  if (!isCanonical || !isExecutionId(executionId)) return undefined;
  return { executionId, incarnation, step: Number(step), seal };
}

/** The id of the mail from a token. Each event of the step counts once. */
export function callbackMailId(step: number, event: string): string {
  return `${CALLBACK_MAIL}${step}/${event}`;
}

/** Whether this workflow issued the token for exactly this step of this execution. */
export function isGenuine(claim: Claim, secret: string): boolean {
  return timingSafeEqual(Buffer.from(claim.seal), Buffer.from(sealOf(secret, claim, claim.step)));
}

function sealOf(secret: string, { executionId, incarnation }: ExecutionKey, step: number): string {
  return createHmac('sha256', secret).update(`${step}.${incarnation}.${executionId}`).digest('base64url');
}
