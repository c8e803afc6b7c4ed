import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { STAGES } from '../brokers/stages';
import { deploy, type CdkApp } from '../cdk';
import { eventually, scenario } from '../scenario';
import { WorkflowClient } from 'cdk-lambda-fsm/client';

/** Milliseconds between two starts. */
const PACE = 1_000;

const appOf = (stage: number): CdkApp => ({
  file: 'test/e2e/brokers/app.ts',
  stack: 'Changed-brokers',
  context: { stage: String(stage) },
});

/** Starts executions one after the other until it is stopped. A client that is created later replaces the one in use. */
class Load {
  public readonly started: string[] = [];
  private stopped = false;
  private readonly running: Promise<void>;

  constructor(private client: WorkflowClient) {
    this.running = this.run();
  }

  public use(client: WorkflowClient): void {
    this.client = client;
  }

  public async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async run(): Promise<void> {
    for (let number = 0; !this.stopped; number += 1) {
      const executionId = `crossing-${number}`;
      // The start counts once it is accepted. During a deployment, a request may be refused.
      await eventually(
        async () => this.client.start({ machine: 'crossing', executionId }).then(() => true),
        (accepted) => accepted,
      );
      this.started.push(executionId);
      await setTimeout(PACE);
    }
  }
}

scenario('A workflow whose brokers change under load', appOf(0), (output) => {
  void test('loses no execution', async (context) => {
    let client = new WorkflowClient(output('ClientConfiguration'));
    const load = new Load(client);
    try {
      for (const [stage, { change }] of STAGES.entries()) {
        if (stage === 0) continue;
        await setTimeout(5_000);
        const { ClientConfiguration } = await deploy(appOf(stage));
        assert.ok(ClientConfiguration);
        context.diagnostic(`${change}: deployed after ${load.started.length} starts`);
        // Clients are deployed after the workflow, and meanwhile send to the brokers of before.
        await setTimeout(3_000);
        client = new WorkflowClient(ClientConfiguration);
        load.use(client);
      }
    } finally {
      await load.stop();
    }
    assert.ok(load.started.length > 3 * STAGES.length, `Only ${load.started.length} executions were started`);
    for (const executionId of load.started) {
      const execution = await eventually(
        async () => client.describe(executionId),
        (found) => found?.status === 'completed' || found?.status === 'failed',
        300,
      );
      assert.equal(execution?.status, 'completed', JSON.stringify(execution));
      assert.equal(execution.state, 'ashore');
      assert.equal(execution.step, 4);
    }
  });
});
