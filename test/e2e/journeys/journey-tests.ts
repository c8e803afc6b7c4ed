import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { testAlarms } from './alarms';
import { Deployment, type Callers } from './deployment';
import type { JourneyContext } from './journey.actions';
import { canBeReadBack, canDelay, nameOf, routesFrom, type Route, type Service } from './transports';
import { testAccess } from '../access';
import { scenario } from '../scenario';
import type { ExecutionDescription } from 'cdk-lambda-fsm/client';
import type { JsonObject } from 'cdk-lambda-fsm/machine';

const TRAIL = ['depart', 'change', 'rest', 'rise', 'arrive', 'unpack'];

/**
 * Deploys a workflow for each service that can take over from this one, and tests that executions go on over it while this one takes
 * nothing, and come back.
 */
export function testJourneysFrom(primary: Service): void {
  const routes = routesFrom(primary);
  const app = { file: 'test/e2e/journeys/app.ts', stack: `From-${primary}`, context: { primary } };
  scenario(`Journeys over ${primary}`, app, (output) => {
    const deployed = (route: Route) => new Deployment(output(nameOf(route).replaceAll('-', '')), JSON.parse(output('Callers')) as Callers);

    void describe('go on', { concurrency: true }, () => {
      for (const route of routes) {
        void test(`over ${route.failover} when it is down, with retries by ${route.retry} and ${route.failoverRetry}, and come back`, async () => {
          await leadThere(deployed(route), route);
        });
      }
    });
    testAlarms(app.stack, () => routes.map((route) => ({ route, ...deployed(route).function })));
    testAccess(() => [
      ...routes.map((route) => deployed(route).function.roleName),
      ...Object.values(JSON.parse(output('Callers')) as Callers).map(({ roleName }) => roleName),
    ], ['dynamodb:PartiQLInsert', 'dynamodb:PartiQLUpdate']);
  });
}

async function leadThere(workflow: Deployment, route: Route): Promise<void> {
  const { eventSource, failoverEventSource, retryQueues } = workflow.configuration;
  assert.ok(failoverEventSource);
  await travel(workflow, 'before', route.primary, route.retry);
  await workflow.takeDown(eventSource, retryQueues[0]!);
  await travel(workflow, 'during', route.failover, route.failoverRetry);
  await workflow.bringUp();
  await comeBack(workflow, route.primary);
}

/** All that an execution can go through, while one event source and one retry queue carry everything. */
async function travel(workflow: Deployment, when: string, source: Service, retry: Service): Promise<void> {
  await Promise.all([straightOn(workflow, when, source, retry), givenUp(workflow, when), together(workflow, when)]);
  if (canDelay(retry)) await wokenUp(workflow, when);
  await pushedOn(workflow, when, source);
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

/** An execution whose second step fails once, and which then waits for a call. */
async function straightOn(workflow: Deployment, when: string, source: Service, retry: Service): Promise<void> {
  const executionId = `straight-on-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: context(1) });
  await workflow.settled(executionId, 'parked');
  // It runs already.
  await workflow.call('start', { machine: 'journey', executionId, context: context(1) });
  assert.equal(await workflow.call('send', executionId, 'called', { id: 'call', data: executionId }), 'woken');
  const ended = await workflow.ended(executionId);
  assertOneLine(ended);
  assert.deepEqual(ended.context, { missed: 1, trail: TRAIL, caller: executionId });
  assert.deepEqual(placesOf(ended), [source, source, undefined, source, undefined]);
  const { steps } = await workflow.until(executionId, (execution) => execution.steps[1]?.attempts.length === 2);
  assert.deepEqual(steps[1]?.attempts.map(({ outcome, place }) => [outcome, place?.service]), [['retrying', retry], ['dispatched', source]]);
  const described = await workflow.call('describe', executionId) as ExecutionDescription;
  assert.deepEqual([described.status, described.steps.length], ['completed', 5]);
}

/** Executions that are started at once, and of which one is cancelled. */
async function together(workflow: Deployment, when: string): Promise<void> {
  const [cancelled, ...others] = ['a', 'b', 'c', 'd'].map((name) => `together-${name}-${when}`);
  const started = await workflow.call('startMany', [cancelled, ...others].map((executionId) => (
    { machine: 'journey', executionId, context: context(0) }
  )));
  assert.deepEqual(started, [cancelled, ...others].map((executionId) => ({ executionId, started: true })));
  await workflow.settled(cancelled!, 'parked');
  assert.equal(await workflow.call('cancel', cancelled), 'cancelled');
  for (const executionId of others) {
    await workflow.settled(executionId, 'parked');
    await workflow.call('send', executionId, 'called', { data: executionId });
    const ended = await workflow.ended(executionId);
    assertOneLine(ended);
    assert.deepEqual(ended.context, { missed: 0, trail: TRAIL, caller: executionId });
  }
  const { status, context: left } = await workflow.settled(cancelled!, 'cancelled');
  assert.deepEqual([status, left], ['cancelled', { missed: 0, trail: TRAIL.slice(0, 3) }]);
}

/** An execution that is called, but whose caller cannot wake it: its event waits until it is resumed. */
async function pushedOn(workflow: Deployment, when: string, source: Service): Promise<void> {
  const executionId = `pushed-on-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: context(0) });
  await workflow.settled(executionId, 'parked');
  assert.equal(await workflow.call('resume', executionId), 'parked');
  await workflow.cutOff('send', async () => {
    await assert.rejects(workflow.call('send', executionId, 'called', { id: 'call', data: 'in vain' }), /was not taken by any event source/);
  });
  assert.equal((await workflow.describe(executionId))?.status, 'parked');
  assert.equal(await workflow.call('resume', executionId), 'resumed');
  const ended = await workflow.ended(executionId);
  assertOneLine(ended);
  assert.deepEqual(ended.context, { missed: 0, trail: TRAIL, caller: 'in vain' });
  assert.deepEqual(placesOf(ended), [source, source, undefined, source, undefined]);
}

/** An execution that waits for some time. */
async function wokenUp(workflow: Deployment, when: string): Promise<void> {
  const executionId = `woken-up-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: { ...context(0), tired: true } });
  const ended = await workflow.ended(executionId);
  assertOneLine(ended);
  assert.deepEqual([ended.steps[2]?.committed?.states, ended.steps[2]?.committed?.outcome], [['dozing'], 'parked']);
  assert.deepEqual(ended.context, { missed: 0, tired: true, trail: TRAIL });
}

/** An execution that fails for good, and again when it is redriven. */
async function givenUp(workflow: Deployment, when: string): Promise<void> {
  const executionId = `given-up-${when}`;
  await workflow.call('start', { machine: 'journey', executionId, context: context(9) });
  const failed = await workflow.settled(executionId, 'failed');
  assert.deepEqual(failed.error, { name: 'Error', message: 'The train has left.', state: 'changing', attempts: 2 });
  assert.deepEqual(failed.context, { missed: 9, trail: ['depart'] });
  await workflow.call('redrive', executionId);
  await workflow.until(executionId, ({ status, error }) => status === 'failed' && error !== undefined && error.attempts > 2);
}

/**
 * An execution whose envelope has been lost stands still, and goes on when it is resumed.
 *
 * @param last   the last step that it takes by itself
 * @param losing lets the envelope after that step be lost
 */
async function resumed(
  workflow: Deployment, executionId: string, last: number, losing: (use: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await losing(async () => {
    await workflow.call('start', { machine: 'journey', executionId, context: context(1) });
    await workflow.until(executionId, ({ steps }) => steps[last]?.attempts.length === 1);
    // It would have gone on by now.
    await setTimeout(2_000);
  });
  const stalled = await workflow.describe(executionId);
  assert.deepEqual([stalled?.status, stalled?.step], ['running', last]);
  let answer: unknown = 'running';
  // Nobody else can hold the lease any more, but it has not run out.
  while (answer === 'running') {
    answer = await workflow.call('resume', executionId);
    if (answer === 'running') await setTimeout(500);
  }
  assert.equal(answer, 'resumed');
  await workflow.settled(executionId, 'parked');
  // To one that is healthy nothing happens.
  assert.equal(await workflow.call('resume', executionId), 'parked');
  assert.equal(await workflow.call('send', executionId, 'called', { id: 'call', data: 'at last' }), 'woken');
  const ended = await workflow.ended(executionId);
  assertOneLine(ended);
  assert.deepEqual(ended.context, { missed: 1, trail: TRAIL, caller: 'at last' });
}

/** Starts executions until one goes all its way over the primary event source again. */
async function comeBack(workflow: Deployment, primary: Service): Promise<void> {
  for (let round = 0; ; round += 1) {
    const executionId = `after-${round}`;
    await workflow.call('start', { machine: 'journey', executionId, context: context(0) });
    await workflow.settled(executionId, 'parked');
    await workflow.call('send', executionId, 'called', { data: 'home' });
    const ended = await workflow.ended(executionId);
    assertOneLine(ended);
    assert.deepEqual(ended.context, { missed: 0, trail: TRAIL, caller: 'home' });
    if (placesOf(ended).every((service) => service === undefined || service === primary)) return;
    assert.ok(round < 20, `It does not come back to ${primary}: ${placesOf(ended).join()}`);
    await setTimeout(1_000);
  }
}

function context(missed: number): JourneyContext & JsonObject {
  return { missed, trail: [] };
}

function placesOf(execution: ExecutionDescription): (string | undefined)[] {
  return execution.steps.map(({ committed }) => committed?.place?.service);
}

/**
 * Each step was committed once, in order: whoever has attempted the next one, in vain or not, continues the very attempt that committed it.
 */
function assertOneLine({ executionId, steps }: ExecutionDescription): void {
  let parent = 0;
  for (const [index, { step, attempts, committed }] of steps.entries()) {
    assert.equal(step, index, `${executionId} lacks step ${index}`);
    assert.deepEqual([...new Set(attempts.map((attempt) => attempt.parent))], [parent], `Step ${step} of ${executionId} does not continue one line`);
    assert.equal(attempts.filter(({ fence }) => fence === committed?.fence).length, 1, `Step ${step} of ${executionId} is not committed once`);
    parent = committed!.fence;
  }
}
