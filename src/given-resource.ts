import { Token, type Stack } from 'aws-cdk-lib';
import type { Problems } from './problems';

/** Where something is. */
interface Place {
  readonly account?: string;
  readonly region?: string;
}

/**
 * Refuses a resource that lies elsewhere than the workflow. What is known only at deployment is left to AWS.
 *
 * @param what the kind of resource, as `queue`
 * @param stack that of the workflow
 * @param parts what must be the same; of a queue and a topic not the account, if their policies let the workflow's in
 */
export function checkPlace(
  problems: Problems, what: string, { env }: { readonly env: Place }, stack: Stack, parts: readonly ('account' | 'region')[] = ['account', 'region'],
): void {
  for (const part of parts) {
    const [theirs, ours] = [env[part], stack[part]];
    if (theirs === undefined || theirs === ours || Token.isUnresolved(theirs) || Token.isUnresolved(ours)) continue;
    const whole = parts.length > 1 ? 'account and Region' : 'Region';
    problems.add(`the given ${what} is in the ${part} ${theirs}, but the workflow in ${ours}. Give a ${what} in the workflow's ${whole}.`);
  }
}
