import { readFileSync } from 'fs';
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { Parcels, requests, SECRET, traceOf } from './parcels';
import { actingAs } from '../profiles';
import { eventually, type Outputs } from '../scenario';
import { WorkflowClient } from 'cdk-lambda-fsm/client';

/** Two retries, each of which may wait a minute until the timer brings it round. */
const RETRIED_SECONDS = 180;

/** What a parcel goes through that has no trouble. */
const SMOOTH = ['received', 'weighed', 'labelled', 'sorted', 'loaded', 'delivered'];
const COUNT = 30;

/**
 * Declares the tests that any workflow for parcels must pass, whatever carries its envelopes.
 *
 * @param output  of the deployed stack
 * @param service that its event source is of
 * @returns the workflow, to be called within a test
 */
export function testParcels(output: Outputs, service: string): () => Parcels {
  let parcels: Parcels;
  before(async () => {
    parcels = await Parcels.at(output);
    // All at once, since some of them take minutes.
    await parcels.start('absent-twice', { absences: 2 });
    await parcels.start('absent-always', { absences: 9 });
    await parcels.start('illegible', { illegible: true });
    await parcels.start('heavy', { kilograms: 50 });
    await parcels.start('smooth', {}, COUNT);
  });

  void test('runs executions step by step to their end', async () => {
    for (const { executionId } of requests('smooth', {}, COUNT)) {
      const execution = await parcels.settled(executionId!, 'completed');
      assert.deepEqual(traceOf(execution), SMOOTH);
      const steps = execution.steps.map(({ committed }) => committed);
      assert.deepEqual(steps.map((step) => [step?.source, step?.states, step?.outcome, step?.place?.service]), [
        [null, ['weighing', 'sorting'], 'dispatched', service],
        ['sorting', ['delivering'], 'dispatched', service],
        ['delivering', ['delivered'], 'completed', undefined],
      ]);
    }
  });

  void test('runs an execution once that is started twice', async () => {
    await parcels.start('smooth', {}, COUNT);
    await parcels.start('after');
    await parcels.settled('after-0', 'completed');
    for (const { executionId } of requests('smooth', {}, COUNT)) {
      const execution = await parcels.client.describe(executionId!);
      assert.equal(execution?.status, 'completed');
      assert.deepEqual(execution.steps.map(({ attempts }) => attempts.length), [1, 1, 1]);
    }
  });

  void test('waits for an event, and takes it once however often it is sent', async () => {
    assert.equal((await parcels.settled('heavy-0', 'parked')).state, 'inspecting');
    await parcels.client.send('heavy-0', 'approved', { id: 'approval', data: 'Ann' });
    await parcels.client.send('heavy-0', 'approved', { id: 'approval', data: 'Ann' }).catch((error: Error) => {
      assert.equal(error.name, 'ExecutionEndedError');
    });
    const execution = await parcels.settled('heavy-0', 'completed');
    assert.deepEqual(traceOf(execution), ['received', 'weighed', 'labelled', 'flagged', 'signed by Ann', 'sorted', 'loaded', 'delivered']);
  });

  void test('keeps an event that comes before its execution', async () => {
    assert.equal(await parcels.client.send('early-0', 'approved', { data: 'Bob' }), 'waiting');
    await parcels.start('early', { kilograms: 50 });
    assert.ok((traceOf(await parcels.settled('early-0', 'completed')) as string[]).includes('signed by Bob'));
  });

  void test('keeps what has failed for good', async () => {
    const execution = await parcels.settled('illegible-0', 'failed');
    assert.equal(execution.error?.message, 'The address is illegible.');
    const letters = await eventually(async () => parcels.deadLetters(), (found) => found.length > 0);
    assert.ok(letters.some(({ executionId, reason }) => executionId === 'illegible-0' && reason.length > 0), JSON.stringify(letters));
  });

  void test('tries a failed step again', async () => {
    const execution = await parcels.settled('absent-twice-0', 'completed', RETRIED_SECONDS);
    assert.deepEqual(traceOf(execution), SMOOTH);
    assert.deepEqual(execution.steps[1]?.attempts.map(({ outcome, attempt }) => [attempt, outcome]), [
      [0, 'retrying'], [1, 'retrying'], [2, 'dispatched'],
    ]);
  });

  void test('takes the catch transition when all attempts have failed', async () => {
    const execution = await parcels.settled('absent-always-0', 'completed', RETRIED_SECONDS);
    assert.equal(execution.state, 'returned');
    assert.deepEqual(traceOf(execution), ['received', 'weighed', 'labelled', 'sorted', 'apologized: Nobody is at home. after 3 attempts']);
  });

  void test('lets nobody in but whom it was granted to', async () => {
    const client = new WorkflowClient(parcels.clientConfiguration);
    await actingAs('stranger', async () => {
      await assert.rejects(client.describe('smooth-0'), { name: 'AccessDeniedException' });
      await assert.rejects(client.start({ machine: 'parcel' }));
    });
  });

  void test('writes metrics and no payload into its logs', () => {
    const log = readFileSync(process.env.EMULATOR_LOG ?? '', 'utf8');
    assert.ok(log.includes('"Namespace":"CdkLambdaFsm"'));
    assert.ok(!log.includes(SECRET));
  });

  return () => parcels;
}
