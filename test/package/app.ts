// A CDK app and a function as users write them. run.ts compiles the file against the packed package.
import { App, Stack } from 'aws-cdk-lib';
import { EventSource, FsmWorkflow, MachineDefinition } from 'cdk-lambda-fsm';
import { FsmError, WorkflowClient } from 'cdk-lambda-fsm/client';
import { defineMachine } from 'cdk-lambda-fsm/machine';
import { implement } from 'cdk-lambda-fsm/runtime';
import { TestWorkflow } from 'cdk-lambda-fsm/testing';

const machine = defineMachine({
  name: 'order',
  initial: 'shipping',
  states: { shipping: { do: 'ship', on: { shipped: 'done' } }, done: { final: true } },
});

export const actions = implement(machine, { ship: async () => 'shipped' as const });

export const workflow = new FsmWorkflow(new Stack(new App(), 'Orders'), 'Workflow', {
  machines: [MachineDefinition.fromObject(machine)],
  actions: 'order.actions.ts',
  eventSource: EventSource.sqs(),
});

export async function place(client: WorkflowClient): Promise<string> {
  try {
    return (await client.start({ machine: 'order' })).executionId;
  } catch (error) {
    return error instanceof FsmError ? error.code : 'unknown';
  }
}

export const kit = new TestWorkflow({ implementations: [actions] });
