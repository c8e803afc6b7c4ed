import type { Stack } from 'aws-cdk-lib';

/** @returns the text of an ARN whose only token is the partition, which is equal for all resources of an account; undefined with other tokens */
export function literalOf(arn: string, stack: Stack): string | undefined {
  const resolved: unknown = stack.resolve(arn);
  if (typeof resolved === 'string') return resolved;
  const join = memberOf(resolved, 'Fn::Join');
  if (!Array.isArray(join) || join[0] !== '' || !Array.isArray(join[1])) return undefined;
  const parts = join[1].map((part: unknown) => (memberOf(part, 'Ref') === 'AWS::Partition' ? 'aws' : part));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
}

/** @returns the logical ID of the resource with an attribute, such as an ARN; undefined for any other value */
export function logicalIdOf(attribute: string, stack: Stack): string | undefined {
  const operand = memberOf(stack.resolve(attribute), 'Fn::GetAtt');
  return Array.isArray(operand) ? String(operand[0]) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}
