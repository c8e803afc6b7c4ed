import { App, Stack } from 'aws-cdk-lib';
import { ENVIRONMENT, NEW_APP_CONTEXT, OUTPUT, newWorkflow } from '../support/constructs';
import { ADDITIONS, COMBINATIONS } from '../support/workflows';

/** The templates by name, from one synthesis, which validates them against the CloudFormation schemas. */
let templates: Map<string, unknown>;
beforeAll(() => {
  process.env.CDK_VALIDATION = 'true';
  const app = new App({
    outdir: OUTPUT,
    context: { ...NEW_APP_CONTEXT, '@aws-cdk/core:validateAgainstDefaultRules': true },
  });
  const stackOf = (index: number) => new Stack(app, `Stack${index}`, ENVIRONMENT);
  const named = [
    ...Object.entries(COMBINATIONS).map(([name, props]) => ({
      name,
      build: (stack: Stack) => void newWorkflow(stack, props(stack)),
    })),
    ...Object.entries(ADDITIONS).map(([name, add]) => ({
      name,
      build: (stack: Stack) => add(newWorkflow(stack), stack),
    })),
  ];
  named.forEach(({ build }, index) => build(stackOf(index)));
  const assembly = app.synth();
  templates = new Map(named.map(({ name }, index) => [name, assembly.getStackByName(`Stack${index}`).template]));
}, 60_000);

test.each([...Object.keys(COMBINATIONS), ...Object.keys(ADDITIONS)])('%s', (name) => {
  // The asset hash changes with the runtime.
  const template = JSON.stringify(templates.get(name)).replace(/[0-9a-f]{64}\.(zip|json)/g, 'HASH.$1');
  expect(JSON.parse(template)).toMatchSnapshot();
});
