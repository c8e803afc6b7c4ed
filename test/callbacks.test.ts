import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Snippets } from './snippets';

/* Every snippet of docs/callbacks.md is compiled as a user's project would compile it; what can run, is run. */

const snippets = Snippets.of('docs/callbacks.md', '.readme/callbacks');

test('the page has the snippets that are tested here, and no code that is not', () => {
  expect(snippets.names).toEqual(['video.machine.ts', 'video.actions.ts', 'callback.ts', 'video.test.ts', 'video-stack.ts']);
  expect(snippets.blocks).toBe(snippets.names.length);
});

test('they compile', () => {
  expect(snippets.problems()).toEqual([]);
}, 120_000);

test('the stack is synthesized, with a task, a callback, and two rules that start executions', () => {
  // The snippet was compiled above; its class is a stack with a stack's parameters.
  const { VideoStack } = jest.requireActual<{ VideoStack: new (scope: App, id: string) => Stack }>(join(snippets.folder, 'video-stack.ts'));
  const template = Template.fromStack(new VideoStack(new App(), 'Videos'));
  template.resourceCountIs('AWS::ECS::TaskDefinition', 1);
  template.resourceCountIs('AWS::Events::Rule', 3);
  template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /videos' });
  template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /callback' });
  template.hasResourceProperties('AWS::Lambda::Function', { Handler: 'index.handler', Environment: { Variables: { FSM_ECS_TASKS: {}, CALLBACK_URL: {} } } });
}, 60_000);

describe('the test on the page', () => {
  jest.requireActual(join(snippets.folder, 'video.test.ts'));
});
