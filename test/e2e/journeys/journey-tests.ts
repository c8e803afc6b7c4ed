import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { testAlarms } from './alarms';
import { Deployment, type Callers } from './deployment';
import type { JourneyContext } from './journey.actions';
import { canBeReadBack, canDelay, nameOf, routesFrom, type Route, type Service } from './transports';
import { committedAttempt } from '../../support/committed';
import { testAccess } from '../access';
import { scenario } from '../scenario';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';
import type { JsonObject } from 'cdk-lambda-fsm/machine';

const TRAIL = ['depart', 'change', 'rest', 'rise', 'arrive', 'unpack'];

/**
 * Deploys one workflow for each failover of a primary event source. Tests that executions use the failover during an outage of the primary,
 * and return to the primary after it.
 */
export function testJourneysFrom(primary: Service): void {
  const routes = routesFrom(primary);
  const app = { file: 'test/e2e/journeys/app.ts', stack: `From-${primary}`, context: { primary } };
  scenario(`Workflows with ${primary} as the primary event source`, app, (output) => {
    const deployed = (route: Route) =>
      new Deployment(output(nameOf(route).replaceAll('-', '')), JSON.parse(output('Callers')) as Callers);

    void describe('survive an outage of it', { concurrency: true }, () => {
      for (const route of routes) {
        void test(`with ${route.failover} as the failover, and ${route.retry} and ${route.failoverRetry} as the retry queues`, async () => {
          await testFailover(deployed(route), route);
        });
      }
    });
    testAlarms(app.stack, () => routes.map((route) => ({ route, ...deployed(route).function })));
    testAccess(
      () => [
        ...routes.map((route) => deployed(route).function.roleName),
        ...Object.values(JSON.parse(output('Callers')) as Callers).map(({ roleName }) => roleName),
      ],
      ['dynamodb:PartiQLUpdate'],
    );
  });
}

async function testFailover(workflow: Deployment, route: Route): Promise<void> {
  const { eventSource, failoverEventSource, retryQueues } = workflow.configuration;
  assert.ok(failoverEventSource);
  await travel(workflow, 'before', route.primary, route.retry);
  await workflow.takeDown(eventSource, retryQueues[0]!);
  await travel(workflow, 'during', route.failover, route.failoverRetry);
  await workflow.bringUp();
  await returnToPrimary(workflow, route.primary);
}

/** Runs executions of every kind, while one event source and one retry queue carry all envelopes. */
async function travel(workflow: Deployment, when: string, source: Service, retry: Service): Promise<void> {
  await Promise.all([
    retriedAndWoken(workflow, when, source, retry),
    failedTwice(workflow, when),
    together(workflow, when),
  ]);
  if (canDelay(retry)) await timedOut(workflow, when);
  await resumedWithMail(workflow, when, source);
  const { configuration } = workflow;
  const [, failoverRetry] = configuration.retryQueues;
  if (canBeReadBack(source)) {
    const transport = when === 'before' ? configuration.eventSource : configuration.failoverEventSource!;
    await resumed(workflow, `lost-${when}`, 0, (use) => workflow.losing(transport, use));
  }
  if (retry === 'kinesis') {
    const transport = when === 'before' ? configuration.retryQueues[0]! : failoverRetry!;
    await resumed(workflow, `lost-retry-${when}`, 1, (use) => workflow.losing(transport, use));
  }
}

/** An execution whose second step fails once, and which then waits for an event. */
async function retriedAndWoken(workflow: Deployment, when: string, source: Service, retry: Service): Promise<void> {
  const executionId = `retried-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: context(1) });
  await workflow.settled(executionId, 'parked');
  // Starting a running execution again has no effect.
  await workflow.call('start', { machine: 'journey', executionId, context: context(1) });
  assert.equal(await workflow.call('send', executionId, 'called', { id: 'call', data: executionId }), 'woken');
  const ended = await workflow.ended(executionId);
  assertOneLineage(ended);
  assert.deepEqual(ended.context, { missed: 1, trail: TRAIL, caller: executionId });
  assert.deepEqual(placesOf(ended), [source, source, undefined, source, undefined]);
  const { steps } = await workflow.until(executionId, (execution) => execution.steps[1]?.attempts.length === 2);
  assert.deepEqual(
    steps[1]?.attempts.map(({ outcome, place }) => [outcome, place?.service]),
    [
      ['retrying', retry],
      ['dispatched', source],
    ],
  );
  const described = (await workflow.call('describe', executionId)) as ExecutionDescription;
  assert.deepEqual([described.status, described.steps.length], ['completed', 5]);
}

/** Executions that are started together, one of which is canceled. */
async function together(workflow: Deployment, when: string): Promise<void> {
  const [cancelled, ...others] = ['a', 'b', 'c', 'd'].map((name) => `together-${name}-${when}`);
  const started = await workflow.call(
    'startMany',
    [cancelled, ...others].map((executionId) => ({ machine: 'journey', executionId, context: context(0) })),
  );
  assert.deepEqual(
    started,
    [cancelled, ...others].map((executionId) => ({ executionId, outcome: 'started' })),
  );
  await workflow.settled(cancelled!, 'parked');
  assert.equal(await workflow.call('cancel', cancelled), 'cancelled');
  for (const executionId of others) {
    await workflow.settled(executionId, 'parked');
    await workflow.call('send', executionId, 'called', { data: executionId });
    const ended = await workflow.ended(executionId);
    assertOneLineage(ended);
    assert.deepEqual(ended.context, { missed: 0, trail: TRAIL, caller: executionId });
  }
  const { status, context: left } = await workflow.settled(cancelled!, 'cancelled');
  assert.deepEqual([status, left], ['cancelled', { missed: 0, trail: TRAIL.slice(0, 3) }]);
}

/** An execution whose event is stored, but whose sender cannot wake it: the event waits until the execution is resumed. */
async function resumedWithMail(workflow: Deployment, when: string, source: Service): Promise<void> {
  const executionId = `resumed-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: context(0) });
  await workflow.settled(executionId, 'parked');
  assert.equal(await workflow.call('resume', executionId), 'parked');
  await workflow.cutOff('send', async () => {
    await assert.rejects(
      workflow.call('send', executionId, 'called', { id: 'call', data: 'in vain' }),
      /No event source of the workflow accepted/,
    );
  });
  assert.equal((await workflow.describe(executionId))?.status, 'parked');
  assert.equal(await workflow.call('resume', executionId), 'resumed');
  const ended = await workflow.ended(executionId);
  assertOneLineage(ended);
  assert.deepEqual(ended.context, { missed: 0, trail: TRAIL, caller: 'in vain' });
  assert.deepEqual(placesOf(ended), [source, source, undefined, source, undefined]);
}

/** An execution that waits for a timeout. */
async function timedOut(workflow: Deployment, when: string): Promise<void> {
  const executionId = `timed-out-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: { ...context(0), tired: true } });
  const ended = await workflow.ended(executionId);
  assertOneLineage(ended);
  const dozing = committedAttempt(ended.steps[2]);
  assert.deepEqual([dozing?.states, dozing?.outcome], [['dozing'], 'parked']);
  assert.deepEqual(ended.context, { missed: 0, tired: true, trail: TRAIL });
}

/** An execution that fails, and fails again after a redrive. */
async function failedTwice(workflow: Deployment, when: string): Promise<void> {
  const executionId = `failed-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: context(9) });
  const failed = await workflow.settled(executionId, 'failed');
  assert.deepEqual(failed.error, { name: 'Error', message: 'The train has left.', state: 'changing', attempts: 2 });
  assert.deepEqual(failed.context, { missed: 9, trail: ['depart'] });
  await workflow.call('redrive', executionId);
  await workflow.until(
    executionId,
    ({ status, error }) => status === 'failed' && error !== undefined && error.attempts > 2,
  );
}

/**
 * An execution that stalls because its envelope is lost, and continues when it is resumed.
 *
 * @param last the last step before it stalls
 * @param losing loses the envelope that follows that step
 */
async function resumed(
  workflow: Deployment,
  executionId: string,
  last: number,
  losing: (use: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await losing(async () => {
    await workflow.call('start', { machine: 'journey', executionId, context: context(1) });
    await workflow.until(executionId, ({ steps }) => steps[last]?.attempts.length === 1);
    // Long enough for an envelope that is not lost.
    await setTimeout(2_000);
  });
  const stalled = await workflow.describe(executionId);
  assert.deepEqual([stalled?.status, stalled?.step], ['running', last]);
  let answer: unknown = 'running';
  // The lease is no longer used, but has not expired.
  while (answer === 'running') {
    answer = await workflow.call('resume', executionId);
    if (answer === 'running') await setTimeout(500);
  }
  assert.equal(answer, 'resumed');
  await workflow.settled(executionId, 'parked');
  // Resuming a healthy execution has no effect.
  assert.equal(await workflow.call('resume', executionId), 'parked');
  assert.equal(await workflow.call('send', executionId, 'called', { id: 'call', data: 'at last' }), 'woken');
  const ended = await workflow.ended(executionId);
  assertOneLineage(ended);
  assert.deepEqual(ended.context, { missed: 1, trail: TRAIL, caller: 'at last' });
}

/**
 * Starts executions until one uses only the primary event source again. During an outage, each execution environment asks the primary once
 * a minute at most (MAX_PAUSE_MS of the circuit breaker), and the steps of an execution run in several environments.
 */
async function returnToPrimary(workflow: Deployment, primary: Service): Promise<void> {
  const deadline = Date.now() + 180_000;
  for (let round = 0; ; round += 1) {
    const executionId = `after-${round}`;
    await workflow.call('start', { machine: 'journey', executionId, context: context(0) });
    await workflow.settled(executionId, 'parked');
    await workflow.call('send', executionId, 'called', { data: 'home' });
    const ended = await workflow.ended(executionId);
    assertOneLineage(ended);
    assert.deepEqual(ended.context, { missed: 0, trail: TRAIL, caller: 'home' });
    if (placesOf(ended).every((service) => service === undefined || service === primary)) return;
    assert.ok(Date.now() < deadline, `Executions do not return to ${primary}: ${placesOf(ended).join()}`);
    await setTimeout(1_000);
  }
}

function context(missed: number): JourneyContext & JsonObject {
  return { missed, trail: [] };
}

function placesOf(execution: ExecutionDescription): (string | undefined)[] {
  return execution.steps.map((step) => committedAttempt(step)?.place?.service);
}

/**
 * Asserts that each step was committed once and in order, and that all attempts at a step continue the attempt that committed the step before.
 */
function assertOneLineage({ executionId, steps }: ExecutionDescription): void {
  let parent = 0;
  for (const [index, described] of steps.entries()) {
    const { step, attempts } = described;
    const committed = committedAttempt(described);
    assert.equal(step, index, `Step ${index} of ${executionId} is missing`);
    assert.deepEqual(
      [...new Set(attempts.map((attempt) => attempt.parent))],
      [parent],
      `Step ${step} of ${executionId} does not continue the committed attempt`,
    );
    assert.equal(
      attempts.filter(({ fence }) => fence === committed?.fence).length,
      1,
      `Step ${step} of ${executionId} is not committed exactly once`,
    );
    parent = committed!.fence;
  }
}
