import type { PlannedOrder } from '../../examples/order/demo/plan';
import { problemsOf, problemsOfOutage } from '../../examples/order/demo/verdict';
import type { LedgerEntry } from '../../examples/order/ledger';
import type { AttemptDescription, ExecutionDescription } from '../../lambda/client';

const ORDER = {
  executionId: 'order-1',
  context: {},
  expected: { state: 'delivered', context: { paid: 5 }, actions: ['open', 'pay', 'close'] },
} as unknown as PlannedOrder;

const attempt = (fence: number, parent: number, outcome = 'dispatched') => ({ fence, parent, outcome }) as AttemptDescription;
const entry = (step: number, fence: number, action: string): LedgerEntry => ({ executionId: 'order-1', step, fence, action, idempotencyKey: `${step}/${action}` });

/** Three steps; the second was tried twice. */
const FOUND = {
  status: 'completed',
  state: 'delivered',
  context: { paid: 5 },
  steps: [
    { step: 0, attempts: [attempt(1, 0)], committed: attempt(1, 0) },
    { step: 1, attempts: [attempt(2, 1, 'retrying'), attempt(3, 1)], committed: attempt(3, 1) },
    { step: 2, attempts: [attempt(4, 3, 'completed')], committed: attempt(4, 3, 'completed') },
  ],
} as unknown as ExecutionDescription;
const LEDGER = [entry(0, 1, 'open'), entry(1, 2, 'pay'), entry(1, 3, 'pay'), entry(2, 4, 'close')];

test('an order that has ended as it must has no problems, however often a step was tried', () => {
  expect(problemsOf(ORDER, FOUND, LEDGER)).toEqual([]);
});

test.each([
  ['is unknown', undefined, LEDGER, 'order-1 is lost: nobody knows of it.'],
  ['has not ended', { ...FOUND, status: 'running', state: 'paying' }, LEDGER, 'order-1 is lost: it is running in state "paying".'],
  ['has failed', { ...FOUND, status: 'failed', state: 'paying' }, LEDGER, 'order-1 is lost: it is failed in state "paying".'],
  ['ended elsewhere', { ...FOUND, state: 'cancelled' }, LEDGER, 'order-1 ended in "cancelled" instead of "delivered".'],
  ['has another context', { ...FOUND, context: { paid: 10 } }, LEDGER, 'order-1 has the context {"paid":10} instead of {"paid":5}.'],
  ['lacks a step', { ...FOUND, steps: [FOUND.steps[0], FOUND.steps[2]] }, LEDGER, 'order-1 has a step 2 where step 1 should be.'],
  [
    'has two attempts at a step that continue different ones before',
    { ...FOUND, steps: [...FOUND.steps.slice(0, 2), { step: 2, attempts: [attempt(4, 2), attempt(5, 3)], committed: attempt(5, 3) }] },
    [...LEDGER.slice(0, 3), entry(2, 5, 'close')],
    'order-1 has committed step 1 more than once.',
  ],
  [
    'goes on from an attempt that was not committed',
    { ...FOUND, steps: [FOUND.steps[0], FOUND.steps[1], { step: 2, attempts: [attempt(4, 2)], committed: attempt(4, 2) }] },
    LEDGER,
    'order-1 has committed step 1 more than once.',
  ],
  [
    'has a step that nobody committed',
    { ...FOUND, steps: [...FOUND.steps.slice(0, 2), { step: 2, attempts: [attempt(4, 3)] }] },
    LEDGER,
    'order-1 has ended without committing step 2.',
  ],
  ['has run an action twice', FOUND, [...LEDGER, entry(2, 4, 'close')], 'order-1 has run open, pay, close, close instead of open, pay, close.'],
  ['has left an action out', FOUND, LEDGER.slice(0, 3), 'order-1 has run open, pay instead of open, pay, close.'],
  ['was run by two at once', FOUND, [LEDGER[0], LEDGER[2], LEDGER[1], LEDGER[3]], 'order-1 has run pay of attempt 2 after attempt 3 had begun.'],
])('an order that %s is found out', (_, found, ledger, problem) => {
  expect(problemsOf(ORDER, found as ExecutionDescription | undefined, ledger as LedgerEntry[])).toContain(problem);
});

test('an outage in which the failover was not used is found out', () => {
  const source = { role: 'event source', service: 'kinesis', envelopes: 5 } as const;
  expect(problemsOfOutage([source, { role: 'failover', service: 'sqs', envelopes: 1 }])).toEqual([]);
  expect(problemsOfOutage([source])).toEqual([]);
  expect(problemsOfOutage([source, { role: 'failover', service: 'sqs', envelopes: 0 }])).toEqual([
    'SQS, the failover, has carried no envelope although the event source was down.',
  ]);
});
