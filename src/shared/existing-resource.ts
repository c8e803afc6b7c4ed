import { Arn, ArnFormat, Token, type IResource, type Stack } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { literalOf } from './literal';
import type { ValidationErrors } from './validation-errors';

/** The account and Region of a resource. */
interface Location {
  readonly account?: string;
  readonly region?: string;
}

/** The names of services in ARNs, by the kind of resource. */
const SERVICES = { queue: 'sqs', stream: 'kinesis', table: 'dynamodb', topic: 'sns' };

/** The properties that name a resource. */
const NAMES = {
  queue: 'queueName',
  stream: 'streamName',
  table: 'tableName',
  topic: 'topicName',
} satisfies typeof SERVICES;

/**
 * Rejects an existing resource that a workflow of the stack cannot use: one of another account or Region, one of another environment without a
 * name, and one that was imported by the ARN of another service.
 *
 * @param parts what must match; see {@link checkLocation}
 */
export function checkExisting(
  errors: ValidationErrors,
  kind: keyof typeof SERVICES,
  { env, node }: Pick<IResource, 'env' | 'node'>,
  arn: string,
  stack: Stack,
  parts?: readonly ('account' | 'region')[],
): void {
  if (!checkLocation(errors, kind, { env }, stack, parts)) return;
  if (!isKnownIn(stack, arn)) {
    errors.add(
      `The existing ${kind} "${node.path}" belongs to a stack of another account, and its name is unknown at synthesis. Set its ${NAMES[kind]}, or import it by its ARN.`,
    );
    return;
  }
  const literal = literalOf(arn, stack);
  const [, , service] = literal?.split(':') ?? [];
  if (service === undefined || service === SERVICES[kind]) return;
  errors.add(
    `The existing ${kind} has the ARN ${literal} of the service ${service}: expected arn:aws:${SERVICES[kind]}:…. Import it by its own ARN.`,
  );
}

/** Whether a stack can name a resource: the AWS CDK throws for a resource without a physical name in a stack of another environment. */
export function isKnownIn(stack: Stack, arn: string): boolean {
  try {
    stack.resolve(arn);
    return true;
  } catch {
    return false;
  }
}

/** The account and Region of a table. The `env` of a table that is imported by its ARN is that of its scope. */
export function locationOf({ tableArn, env }: dynamodb.ITable): Required<Location> {
  const { account, region } = Arn.split(tableArn, ArnFormat.SLASH_RESOURCE_NAME);
  const known = (part: string | undefined, other: string) => (part && !Token.isUnresolved(part) ? part : other);
  return { account: known(account, env.account), region: known(region, env.region) };
}

/**
 * Rejects an existing resource in another account or Region than the workflow. Skips tokens: AWS rejects the resource at deployment.
 *
 * @param kind kind of the resource, for example `queue`
 * @param stack stack of the workflow
 * @param parts what must match. Queues and topics match by Region only: their resource policies can grant access across accounts.
 * @returns whether all parts match
 */
export function checkLocation(
  errors: ValidationErrors,
  kind: string,
  { env }: { readonly env: Location },
  stack: Stack,
  parts: readonly ('account' | 'region')[] = ['account', 'region'],
): boolean {
  let matches = true;
  for (const part of parts) {
    const [actual, expected] = [env[part], stack[part]];
    if (actual === undefined || actual === expected) continue;
    if (Token.isUnresolved(actual) || Token.isUnresolved(expected)) continue;
    const name = part === 'region' ? 'Region' : part;
    matches = false;
    const scope = parts.length > 1 ? 'account and Region' : 'Region';
    errors.add(
      `The existing ${kind} is in ${name} ${actual}, but the workflow is in ${name} ${expected}. Use a ${kind} in the workflow's ${scope}.`,
    );
  }
  return matches;
}
