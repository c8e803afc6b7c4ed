import { Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { WORKFLOW_VARIABLE } from '#contract';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_BYTES = 4096;

/** The least number of characters of a value that is known only at deployment. */
const LEAST_LENGTHS: Readonly<Record<string, number>> = {
  'AWS::AccountId': 12,
  'AWS::Partition': 3,
  'AWS::Region': 9,
  'AWS::StackName': 1,
  'AWS::URLSuffix': 13,
};

/** An ARN has at least a partition, a service, a Region and an account. */
const LEAST_ARN_LENGTH = 30;

/** The environment variables of a function, with the tokens that CloudFormation resolves. */
export function environmentOf(fn: lambda.Function): Readonly<Record<string, unknown>> {
  const definition = fn.node.defaultChild;
  if (!(definition instanceof lambda.CfnFunction)) return {};
  const resolved = Stack.of(fn).resolve(definition.environment) as
    { readonly variables?: Readonly<Record<string, unknown>> } | undefined;
  return resolved?.variables ?? {};
}

/**
 * Checks that the environment of a function is not certain to exceed the limit of Lambda, which only a deployment would report.
 *
 * @returns the error, if any
 */
export function checkEnvironmentSize(fn: lambda.Function): readonly string[] {
  const sizes = Object.entries(environmentOf(fn)).map(([name, value]) => ({
    name,
    bytes: Buffer.byteLength(name) + leastBytes(value),
  }));
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total <= MAX_BYTES) return [];
  const largest = sizes
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 5)
    .map(({ name, bytes }) => `${name}: ${bytes}`)
    .join(', ');
  return [
    `The environment variables of the function have at least ${total} bytes; expected at most ${MAX_BYTES} bytes (Lambda limit). The largest are ${largest}. ` +
      'Remove or shorten variables in environment, or give the function fewer Amazon ECS tasks.',
  ];
}

/**
 * Checks that nothing has replaced the configuration of the workflow in the environment of its function, such as the configuration of another
 * workflow that the actions use.
 *
 * @param configuration the value of the workflow
 * @returns the error, if any
 */
export function checkConfiguration(fn: lambda.Function, configuration: string): readonly string[] {
  const actual = environmentOf(fn)[WORKFLOW_VARIABLE];
  if (JSON.stringify(actual) === JSON.stringify(Stack.of(fn).resolve(configuration))) return [];
  return [
    `The environment variable ${WORKFLOW_VARIABLE} of the function contains the configuration of its own workflow, and was replaced. ` +
      "Pass the configuration of another workflow in a variable of another name, for example with addEnvironment('PAYMENTS', payments.clientConfiguration), and create the client with WorkflowClient.fromEnvironment('PAYMENTS').",
  ];
}

function leastBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value !== 'object' || value === null) return String(value).length;
  const [[kind, operand] = ['', undefined]] = Object.entries(value);
  if (kind === 'Ref') return LEAST_LENGTHS[String(operand)] ?? 0;
  if (kind === 'Fn::GetAtt') return Array.isArray(operand) && /Arn$/.test(String(operand[1])) ? LEAST_ARN_LENGTH : 0;
  if (kind === 'Fn::Join' && Array.isArray(operand) && Array.isArray(operand[1])) {
    return operand[1].reduce((sum: number, part: unknown) => sum + leastBytes(part), 0);
  }
  return 0;
}
