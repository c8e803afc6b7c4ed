import { readFileSync } from 'fs';
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { order, Orders, orders, SECRET } from './orders';
import { committedAttempt } from '../../support/committed';
import { actingAs } from '../profiles';
import { type Outputs } from '../scenario';
import { WorkflowClient } from 'cdk-lambda-fsm/client';

/** Three retries, each of which can wait a minute for the timer in addition to its backoff. */
const RETRIED_SECONDS = 240;

/** The actions of an order without any trouble. */
const SMOOTH = [
  'openOrder',
  'checkOrder',
  'reserveStock',
  'requestPayment',
  'closeRequest',
  'bookPayment',
  'pack',
  'ship',
  'closeOrder',
];
const MANY = 30;

/**
 * Declares the tests that every workflow for orders must pass, on any event source.
 *
 * @param output returns an output of the deployed stack
 * @param service the service of the event source
 * @returns a function that returns the workflow; call it within a test
 */
export function testOrders(output: Outputs, service: string): () => Orders {
  let deployed: Orders;
  before(async () => {
    deployed = await Orders.at(output);
    // Started first, since their retries take minutes.
    await deployed.start(order('jammed', { number: 8 }), order('atlantis', { destination: 'Atlantis' }));
    await Promise.all(['jammed', 'atlantis'].map(async (executionId) => deployed.pay(executionId)));
  });

  void test('runs executions step by step until they complete', async () => {
    await deployed.start(...orders('smooth', MANY));
    for (const { executionId } of orders('smooth', MANY)) await deployed.pay(executionId!);
    for (const { executionId } of orders('smooth', MANY)) {
      const { state, context, steps } = await deployed.settled(executionId!, 'completed');
      assert.equal(state, 'delivered');
      assert.deepEqual(context?.history, SMOOTH);
      const committed = steps.map(committedAttempt);
      assert.deepEqual(
        committed.map((step) => [step?.event, step?.states, step?.outcome, step?.place?.service]),
        [
          ['$start', ['checking', 'reserving'], 'dispatched', service],
          ['reserved', ['awaitingPayment'], 'parked', undefined],
          ['paid', ['packing'], 'dispatched', service],
          ['packed', ['shipping'], 'dispatched', service],
          ['shipped', ['delivered'], 'completed', undefined],
        ],
      );
    }
  });

  void test('ends in the states that actions and events lead to', async () => {
    await deployed.start(order('unsound', { quantity: 0 }), order('too-much', { quantity: 10 }), order('declined'));
    await deployed.settled('declined', 'parked');
    await deployed.client.send('declined', 'declined');
    for (const [executionId, state, last] of [
      ['unsound', 'rejected', 'checkOrder'],
      ['too-much', 'cancelled', 'closeOrder'],
      ['declined', 'cancelled', 'closeOrder'],
    ] as const) {
      const execution = await deployed.settled(executionId, 'completed');
      assert.equal(execution.state, state);
      assert.equal((execution.context?.history as string[]).at(-1), last);
    }
  });

  void test('runs an execution once if it is started twice', async () => {
    await deployed.start(...orders('smooth', MANY), order('after', { quantity: 0 }));
    await deployed.settled('after', 'completed');
    for (const { executionId } of orders('smooth', MANY)) {
      const execution = await deployed.client.describe(executionId!);
      assert.equal(execution?.status, 'completed');
      assert.deepEqual(
        execution.steps.map(({ attempts }) => attempts.length),
        [1, 1, 1, 1, 1],
      );
    }
  });

  void test('handles an event once, even if it is sent early and repeatedly', async () => {
    const { client } = deployed;
    assert.equal(await client.send('eager', 'paid', { id: 'payment', data: 999 }), 'early');
    assert.equal(await client.send('eager', 'paid', { id: 'payment', data: 999 }), 'duplicate');
    await assert.rejects(client.send('eager', 'paid', { id: 'payment', data: 1 }), { name: 'EventConflictError' });
    await deployed.start(order('eager'));
    const execution = await deployed.settled('eager', 'completed');
    assert.deepEqual(execution.context?.history, SMOOTH);
    assert.equal(execution.context?.paid, 999);
    await assert.rejects(client.send('eager', 'paid'), { name: 'ExecutionEndedError' });
  });

  void test('retries a failed step', async () => {
    const execution = await deployed.settled('jammed', 'completed', RETRIED_SECONDS);
    assert.deepEqual(execution.context?.history, SMOOTH);
    assert.deepEqual(
      execution.steps[2]?.attempts.map(({ outcome, attempt }) => [attempt, outcome]),
      [
        [0, 'retrying'],
        [1, 'retrying'],
        [2, 'dispatched'],
      ],
    );
  });

  void test('takes the catch transition after the last retry has failed', async () => {
    const { state, context } = await deployed.settled('atlantis', 'completed', RETRIED_SECONDS);
    assert.equal(state, 'cancelled');
    assert.equal(context?.problem, 'No carrier goes to Atlantis.');
    assert.deepEqual((context?.history as string[]).slice(-4), ['pack', 'noteProblem', 'refund', 'closeOrder']);
  });

  void test('denies access to roles without a grant', async () => {
    const client = new WorkflowClient(deployed.clientConfiguration);
    await actingAs('stranger', async () => {
      await assert.rejects(client.describe('smooth-0'), { name: 'AccessDeniedError' });
      await assert.rejects(client.start(order('stranger')), { name: 'AccessDeniedError' });
    });
  });

  void test('logs metrics, and no payload', () => {
    const log = readFileSync(process.env.EMULATOR_LOG ?? '', 'utf8');
    assert.ok(log.includes('"Namespace":"CdkLambdaFsm"'), 'The log contains no metrics');
    assert.ok(!log.includes(SECRET), 'The log contains a payload');
  });

  return () => deployed;
}
