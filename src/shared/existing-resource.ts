import { Arn, ArnFormat, Token, type Stack } from 'aws-cdk-lib';
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

/**
 * Rejects a value that is no resource, such as an ARN, which only JavaScript callers can pass.
 *
 * @returns whether the value is a resource
 */
export function checkResource(errors: ValidationErrors, kind: keyof typeof SERVICES, value: object): boolean {
  if (`${kind}Arn` in Object(value)) return true;
  const className = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
  errors.add(
    `Invalid ${kind} ${JSON.stringify(value)}: expected a ${className}, for example ${className}.from${className}Arn(…).`,
  );
  return false;
}

/** Rejects a resource that was imported by the ARN of a resource of another service. */
export function checkService(errors: ValidationErrors, kind: keyof typeof SERVICES, arn: string, stack: Stack): void {
  const literal = literalOf(arn, stack);
  const [, , service] = literal?.split(':') ?? [];
  if (service === undefined || service === SERVICES[kind]) return;
  errors.add(
    `The existing ${kind} has the ARN ${literal} of the service ${service}: expected arn:aws:${SERVICES[kind]}:…. Import it by its own ARN.`,
  );
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
 */
export function checkLocation(
  errors: ValidationErrors,
  kind: string,
  { env }: { readonly env: Location },
  stack: Stack,
  parts: readonly ('account' | 'region')[] = ['account', 'region'],
): void {
  for (const part of parts) {
    const [actual, expected] = [env[part], stack[part]];
    if (actual === undefined || actual === expected) continue;
    if (Token.isUnresolved(actual) || Token.isUnresolved(expected)) continue;
    const name = part === 'region' ? 'Region' : part;
    const scope = parts.length > 1 ? 'account and Region' : 'Region';
    errors.add(
      `The existing ${kind} is in ${name} ${actual}, but the workflow is in ${name} ${expected}. Use a ${kind} in the workflow's ${scope}.`,
    );
  }
}
