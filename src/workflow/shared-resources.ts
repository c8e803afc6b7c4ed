import { Stack, Stage, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { literalOf } from '../shared/literal';
import type { ValidationErrors } from '../shared/validation-errors';

/** How a workflow uses a resource. */
export type ResourceUse = 'receives' | 'dead letters' | 'locks' | 'journal' | 'journal as an event source';

/** A resource that a workflow uses. */
export interface UsedResource {
  /** The property that names the resource. */
  readonly property: string;
  readonly arn: string;
  readonly use: ResourceUse;
}

interface Claim {
  readonly path: string;
  readonly use: ResourceUse;
}

/** By app: the workflows that use each existing resource. */
const CLAIMS = new WeakMap<IConstruct, Map<string, Claim[]>>();

/** By app: the workflow with each name. */
const NAMES = new WeakMap<IConstruct, Map<string, string>>();

/** The uses that several workflows can make of one resource: keys start with the name of the workflow, and dead letters are told apart. */
const SHAREABLE: readonly ResourceUse[] = ['dead letters', 'locks', 'journal'];

/** Rejects a resource that another workflow uses, unless both can share it. */
export function checkSharedResources(
  errors: ValidationErrors,
  used: readonly UsedResource[],
  workflow: IConstruct,
): void {
  const { node } = workflow;
  const claims = CLAIMS.get(node.root) ?? new Map<string, Claim[]>();
  CLAIMS.set(node.root, claims);
  for (const { property, arn, use } of used) {
    const key = identityOf(arn, Stack.of(workflow));
    const earlier = claims.get(key) ?? [];
    const conflict = earlier.find((claim) => claim.path !== node.path && !canShare(claim.use, use));
    if (conflict) errors.add(`${property}: ${describe(conflict, use)}`);
    claims.set(key, [...earlier, { path: node.path, use }]);
  }
}

/** Rejects the name of another workflow in the same account and Region. */
export function checkUniqueName(errors: ValidationErrors, name: string | undefined, workflow: IConstruct): void {
  if (name === undefined || Token.isUnresolved(name)) return;
  const { node } = workflow;
  const names = NAMES.get(node.root) ?? new Map<string, string>();
  NAMES.set(node.root, names);
  const { environment } = Stack.of(workflow);
  // Stages without an environment may be deployed to different accounts.
  const stage = environment.includes('unknown') ? (Stage.of(workflow)?.node.path ?? '') : '';
  const key = JSON.stringify([environment, stage, name]);
  const other = names.get(key);
  if (other !== undefined && other !== node.path) {
    errors.add(
      `Invalid workflowName "${name}": workflow "${other}" has the same name in the same account and Region, so their metrics, and their items in shared tables, could not be told apart. Use another name.`,
    );
  }
  names.set(key, other ?? node.path);
}

function canShare(a: ResourceUse, b: ResourceUse): boolean {
  return a === b && SHAREABLE.includes(a);
}

function describe({ path, use }: Claim, own: ResourceUse): string {
  if (use === 'receives' && own === 'receives') {
    return `workflow "${path}" already receives from this resource, and would receive envelopes of machines that it does not have. Use one resource per workflow.`;
  }
  if (use.startsWith('journal') && own.startsWith('journal')) {
    return (
      `workflow "${path}" uses this table as well, and the stream of the table is the event source of at least one of them, which would receive the envelopes of both. ` +
      'Use one checkpoint table per workflow, or another event source.'
    );
  }
  return `workflow "${path}" already uses this resource for another purpose (${use}; here: ${own}). Use another resource.`;
}

/**
 * Identifies a resource within the app. The ARN of a resource of the app is one token. An ARN with tokens for the account or the Region
 * identifies a resource within its stack only.
 */
function identityOf(arn: string, stack: Stack): string {
  if (/^\$\{Token\[[^\]]*\]\}$/.test(arn)) return arn;
  return literalOf(arn, stack) ?? `${stack.node.addr} ${JSON.stringify(stack.resolve(arn))}`;
}
