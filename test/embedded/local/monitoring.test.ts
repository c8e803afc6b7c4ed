import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aws_lambda as lambda } from 'aws-cdk-lib';
import { WorkflowClient } from '../../../lambda/client';
import { temporaryDirectory, until } from '../../support/local';
import { runningStacks, synthesize } from '../../support/local-stack';
import { CloudWatchServer } from '../../support/servers/cloudwatch-server';
import { XRayServer } from '../../support/servers/xray-server';
import { FsmWorkflow, MachineDefinition, MetricDelivery } from 'cdk-lambda-fsm';

/* The bundled runtime on embedded servers: the metrics and traces of an execution. */

jest.setTimeout(60_000);

const { start } = runningStacks();

const machine = {
  name: 'line',
  initial: 'a',
  states: { a: { do: 'go', on: { go: 'b' } }, b: { do: 'go', on: { go: 'c' } }, c: { final: true } },
};

test('metrics are sent to CloudWatch, and an execution is one trace', async () => {
  const [cloudWatch, xRay] = await Promise.all([CloudWatchServer.start(), XRayServer.start()]);
  const actions = join(temporaryDirectory(), 'actions.mjs');
  writeFileSync(actions, "export default { go: async () => 'go' };");
  const assembly = synthesize((stack) => {
    new FsmWorkflow(stack, 'Lines', {
      workflowName: 'lines',
      machines: [MachineDefinition.fromObject(machine)],
      actions,
      tracing: lambda.Tracing.ACTIVE,
      metricDelivery: MetricDelivery.PUT_METRIC_DATA,
    });
  });
  const local = await start({
    assembly,
    environment: {
      AWS_ENDPOINT_URL_CLOUDWATCH: cloudWatch.endpoint,
      AWS_ENDPOINT_URL_XRAY: xRay.endpoint,
      // Lambda sets this for each invocation.
      _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    },
  });
  Object.assign(process.env, local.environment);
  await new WorkflowClient(local.workflows.lines!).start({ machine: 'line', executionId: 'one' });
  await until(() => xRay.requests.flat().length === 3);
  // Each invocation sends its own metrics, and the requests may arrive in any order.
  const segments = xRay.requests.flat().sort((one, other) => String(one.name).localeCompare(String(other.name)));
  expect(segments.map(({ name }) => name)).toEqual(['line/a', 'line/b', 'line/c']);
  expect(new Set(segments.map(({ trace_id: trace }) => trace)).size).toBe(1);
  expect(segments.map(({ parent_id: parent }) => parent)).toEqual([undefined, segments[0]?.id, segments[1]?.id]);
  const counted = (name: string) =>
    cloudWatch.requests
      .flat()
      .filter(({ MetricName, Dimensions }) => MetricName === name && Dimensions.length === 1)
      .reduce((sum, { Value = 0 }) => sum + Value, 0);
  // The requests of the three invocations may arrive in any order.
  await until(() => counted('Completed') >= 1 && counted('Transition') >= 3);
  expect([counted('Transition'), counted('Completed')]).toEqual([3, 1]);
  await Promise.all([cloudWatch.stop(), xRay.stop()]);
});
