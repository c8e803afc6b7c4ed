import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { App, AssetStaging, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Construct } from 'constructs';
import { FsmWorkflow, MachineDefinition, type FsmWorkflowProps } from 'cdk-lambda-fsm';

// The CDK checks each template against the schemas of CloudFormation. That takes seconds; `templates.test.ts` alone has it done.
process.env.CDK_VALIDATION ??= 'false';

export const ACTIONS = path.join(__dirname, 'actions', 'order.actions.ts');

/** A machine in the form of an author. */
export const ORDER = {
  name: 'order',
  initial: 'reserving',
  states: {
    reserving: { do: 'reserve', on: { reserved: 'charging' } },
    charging: { do: 'charge', on: { charged: 'done' } },
    done: { final: true },
  },
};

/** What `cdk init` writes into a new app's cdk.json; without it, equal statements are not merged. */
export const NEW_APP_CONTEXT = { '@aws-cdk/aws-iam:minimizePolicies': true };

export const ENVIRONMENT = { env: { account: '123456789012', region: 'eu-west-1' } };

/** Where the apps of a test file leave what they make, so that equal code is staged once. */
export const OUTPUT = mkdtempSync(path.join(tmpdir(), 'cdk.out-'));
afterAll(() => rmSync(OUTPUT, { recursive: true, force: true }));

export function newStack(outdir = OUTPUT): Stack {
  return new Stack(new App({ outdir, context: NEW_APP_CONTEXT }), 'Stack', ENVIRONMENT);
}

/** A workflow of one sound machine, but for what the properties say. */
export function newWorkflow(scope: Construct, props: Partial<FsmWorkflowProps> = {}): FsmWorkflow {
  return new FsmWorkflow(scope, 'Orders', { machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS, ...props });
}

/** The template of a stack with one such workflow. */
export function synthesize(props: (stack: Stack) => Partial<FsmWorkflowProps> = () => ({})): Template {
  const stack = newStack();
  newWorkflow(stack, props(stack));
  return Template.fromStack(stack);
}

/** The message of the error that such a workflow is refused with. */
export function refusal(props: (stack: Stack) => Partial<FsmWorkflowProps>): string {
  const stack = newStack();
  try {
    newWorkflow(stack, props(stack));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('The workflow was not refused.');
}

/** What a role or user may do, each resource with its actions. Fails on anything but allowed actions without conditions. */
export function permissions(template: Template, policy: string | RegExp): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [id, { Properties }] of Object.entries(template.findResources('AWS::IAM::Policy'))) {
    if (!(typeof policy === 'string' ? id.startsWith(policy) : policy.test(id))) continue;
    for (const { Effect, Action, Resource, Condition } of Properties.PolicyDocument.Statement) {
      if (Effect !== 'Allow' || Condition) throw new Error(`Unexpected statement: ${JSON.stringify({ Effect, Condition })}`);
      for (const resource of [Resource].flat()) {
        const name = nameOf(resource);
        found[name] = [...new Set([...found[name] ?? [], ...[Action].flat()])].sort();
      }
    }
  }
  return found;
}

/** `Fn::GetAtt` and `Ref` as the logical id without its hash. */
function nameOf(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const { 'Fn::GetAtt': attribute, Ref: reference } = resource as { 'Fn::GetAtt'?: [string, string]; 'Ref'?: string };
  if (attribute) return `${withoutHash(attribute[0])}.${attribute[1]}`;
  return reference ? withoutHash(reference) : JSON.stringify(resource);
}

export function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

/** The properties of the only event source mapping whose logical id begins so. */
export function mapping(template: Template, id: string): Record<string, unknown> {
  const mappings = Object.entries(template.findResources('AWS::Lambda::EventSourceMapping')).filter(([name]) => withoutHash(name) === `OrdersFunction${id}`);
  expect(mappings).toHaveLength(1);
  return mappings[0]![1].Properties;
}

/** The directories of the code that was staged for the functions of an app. */
export function assetsOf(stack: Stack): string[] {
  return stack.node.root.node.findAll().flatMap((construct) => construct instanceof AssetStaging ? [construct.absoluteStagedPath] : []);
}

/** The directory of the code that was staged for the only function of an app. */
export function assetOf(stack: Stack): string {
  const assets = assetsOf(stack);
  if (assets.length !== 1) throw new Error(`There are ${assets.length} assets.`);
  return assets[0]!;
}
