import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { App, AssetStaging, Duration, Stack, aws_sqs as sqs } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Construct } from 'constructs';
import { FsmWorkflow, MachineDefinition, type FsmWorkflowProps } from 'cdk-lambda-fsm';

export const ACTIONS = path.join(__dirname, '..', 'src', 'workflow', 'code', 'actions', 'order.actions.ts');

/** A machine as a user writes it. */
export const ORDER = {
  name: 'order',
  initial: 'reserving',
  states: {
    reserving: { do: 'reserve', on: { reserved: 'charging' } },
    charging: { do: 'charge', on: { charged: 'done' } },
    done: { final: true },
  },
};

/** The context that `cdk init` writes to cdk.json. It merges equal policy statements. */
export const NEW_APP_CONTEXT = { '@aws-cdk/aws-iam:minimizePolicies': true };

export const ENVIRONMENT = { env: { account: '123456789012', region: 'eu-west-1' } };

/** The output directory of all apps in a test file, so that equal assets are staged once. */
export const OUTPUT = mkdtempSync(path.join(tmpdir(), 'cdk.out-'));
afterAll(() => rmSync(OUTPUT, { recursive: true, force: true }));

export function newStack(outdir = OUTPUT): Stack {
  return new Stack(new App({ outdir, context: NEW_APP_CONTEXT }), 'Stack', ENVIRONMENT);
}

/** A valid workflow, with the properties overridden. */
export function newWorkflow(scope: Construct, props: Partial<FsmWorkflowProps> = {}): FsmWorkflow {
  return new FsmWorkflow(scope, 'Orders', {
    machines: [MachineDefinition.fromObject(ORDER)],
    actions: ACTIONS,
    ...props,
  });
}

/** The template of a stack with such a workflow. */
export function synthesize(props: (stack: Stack) => Partial<FsmWorkflowProps> = () => ({})): Template {
  const stack = newStack();
  newWorkflow(stack, props(stack));
  return Template.fromStack(stack);
}

/** The message of the error that rejects such a workflow. */
export function refusal(props: (stack: Stack) => Partial<FsmWorkflowProps>): string {
  const stack = newStack();
  try {
    newWorkflow(stack, props(stack));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('The workflow was not rejected.');
}

/** The allowed actions of a policy by resource. Throws for statements with conditions or other effects. */
export function permissions(template: Template, policy: string | RegExp): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [id, { Properties }] of Object.entries(template.findResources('AWS::IAM::Policy'))) {
    if (!(typeof policy === 'string' ? id.startsWith(policy) : policy.test(id))) continue;
    for (const { Effect, Action, Resource, Condition } of Properties.PolicyDocument.Statement) {
      if (Effect !== 'Allow' || Condition) {
        throw new Error(`Unexpected statement: ${JSON.stringify({ Effect, Condition })}`);
      }
      for (const resource of [Resource].flat()) {
        const name = nameOf(resource);
        found[name] = [...new Set([...(found[name] ?? []), ...[Action].flat()])].sort();
      }
    }
  }
  return found;
}

/** Replaces `Fn::GetAtt` and `Ref` with the logical ID, without its hash. */
function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const { 'Fn::GetAtt': attribute, Ref: reference } = resource as { 'Fn::GetAtt'?: [string, string]; Ref?: string };
  if (attribute) return `${withoutHash(attribute[0])}.${attribute[1]}`;
  return reference ? withoutHash(reference) : JSON.stringify(resource);
}

export function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

/** The properties of the only event source mapping whose construct ID starts with this text. */
export function mapping(template: Template, id: string): Record<string, unknown> {
  const mappings = Object.entries(template.findResources('AWS::Lambda::EventSourceMapping')).filter(([name]) =>
    name.startsWith(`OrdersFunction${id}`),
  );
  expect(mappings).toHaveLength(1);
  return mappings[0]![1].Properties;
}

/** The staged asset directories of an app. */
export function assetsOf(stack: Stack): string[] {
  stack.node.root.node.findAll().forEach((construct) => App.isApp(construct) && construct.synth());
  return stack.node.root.node
    .findAll()
    .flatMap((construct) => (construct instanceof AssetStaging ? [construct.absoluteStagedPath] : []));
}

/** The staged asset directory of an app with one asset. */
export function assetOf(stack: Stack): string {
  const assets = assetsOf(stack);
  if (assets.length !== 1) throw new Error(`Expected one asset, found ${assets.length}.`);
  return assets[0]!;
}

/** An existing queue that a workflow accepts, unless the properties spoil it. */
export function existingQueue(scope: Construct, id: string, props: sqs.QueueProps = {}): sqs.Queue {
  return new sqs.Queue(scope, id, {
    visibilityTimeout: Duration.minutes(3),
    deadLetterQueue: { queue: new sqs.Queue(scope, `${id}DeadLetters`), maxReceiveCount: 10 },
    ...props,
  });
}
