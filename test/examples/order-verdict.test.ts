import { costOfCrash } from '../../examples/order/demo/crash';
import type { PlannedOrder } from '../../examples/order/demo/plan';
import { problemsOf, problemsOfOutage } from '../../examples/order/demo/verdict';
import type { LedgerEntry } from '../../examples/order/ledger';
import type { AttemptDescription, ExecutionDescription } from '../../lambda/client';

const ORDER = {
  executionId: 'order-1',
  context: {},
  expected: { state: 'delivered', context: { paid: 5 }, actions: ['open', 'pay', 'close'] },
} as unknown as PlannedOrder;

const attempt = (fence: number, parent: number, outcome = 'dispatched', committed = outcome !== 'retrying') =>
  ({ fence, parent, outcome, committed }) as AttemptDescription;
const entry = (step: number, fence: number, action: string, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  executionId: 'order-1',
  step,
  fence,
  action,
  idempotencyKey: `${step}/${action}`,
  at: 0,
  environment: '1/1',
  ...more,
});

/** Three steps, the second of which was retried. */
const FOUND = {
  executionId: 'order-1',
  status: 'completed',
  state: 'delivered',
  step: 2,
  context: { paid: 5 },
  steps: [
    { step: 0, attempts: [attempt(1, 0)] },
    { step: 1, attempts: [attempt(2, 1, 'retrying'), attempt(3, 1)] },
    { step: 2, attempts: [attempt(4, 3, 'completed')] },
  ],
} as unknown as ExecutionDescription;
const LEDGER = [entry(0, 1, 'open'), entry(1, 2, 'pay'), entry(1, 3, 'pay'), entry(2, 4, 'close')];

test('finds no problems in an order that ended as planned, however often a step was retried', () => {
  expect(problemsOf(ORDER, FOUND, LEDGER)).toEqual([]);
});

test('accepts a journal entry that a killed invocation has lost, if the ledger shows the attempt', () => {
  const withoutEntry = { ...FOUND, steps: [FOUND.steps[0], FOUND.steps[2]] } as unknown as ExecutionDescription;
  expect(problemsOf(ORDER, withoutEntry, LEDGER)).toEqual([]);
});

test.each([
  ['is unknown', undefined, LEDGER, 'order-1 is lost: the workflow does not know it.'],
  [
    'has not ended',
    { ...FOUND, status: 'running', state: 'paying' },
    LEDGER,
    'order-1 is lost: it is running in state "paying".',
  ],
  [
    'failed',
    { ...FOUND, status: 'failed', state: 'paying' },
    LEDGER,
    'order-1 is lost: it is failed in state "paying".',
  ],
  [
    'ended in another state',
    { ...FOUND, state: 'cancelled' },
    LEDGER,
    'order-1 ended in "cancelled" instead of "delivered".',
  ],
  [
    'has another context',
    { ...FOUND, context: { paid: 10 } },
    LEDGER,
    'order-1 has the context {"paid":10} instead of {"paid":5}.',
  ],
  [
    'lacks a step',
    { ...FOUND, steps: [FOUND.steps[0], FOUND.steps[2]] },
    LEDGER.filter(({ step }) => step !== 1),
    'order-1 has no record of step 1.',
  ],
  [
    'has two attempts at a step that continue different attempts',
    {
      ...FOUND,
      steps: [...FOUND.steps.slice(0, 2), { step: 2, attempts: [attempt(4, 2), attempt(5, 3)] }],
    },
    [...LEDGER.slice(0, 3), entry(2, 5, 'close')],
    'order-1 committed step 1 more than once.',
  ],
  [
    'continues an attempt that was not committed',
    {
      ...FOUND,
      steps: [FOUND.steps[0], FOUND.steps[1], { step: 2, attempts: [attempt(4, 2)] }],
    },
    LEDGER,
    'order-1 committed step 1 more than once.',
  ],
  [
    'retried a step after its commit',
    FOUND,
    [...LEDGER.slice(0, 3), entry(1, 4, 'pay'), entry(2, 5, 'close')],
    'order-1 was retried in step 1 after that step was committed.',
  ],
  [
    'ended without a commit',
    { ...FOUND, steps: [...FOUND.steps.slice(0, 2), { step: 2, attempts: [attempt(4, 3, 'dispatched', false)] }] },
    LEDGER,
    'order-1 ended without committing step 2.',
  ],
  [
    'ran an action twice',
    FOUND,
    [...LEDGER, entry(2, 4, 'close')],
    'order-1 ran open, pay, close, close instead of open, pay, close.',
  ],
  ['skipped an action', FOUND, LEDGER.slice(0, 3), 'order-1 ran open, pay instead of open, pay, close.'],
  [
    'ran in two overlapping attempts',
    FOUND,
    [LEDGER[0], LEDGER[2], LEDGER[1], LEDGER[3]],
    'order-1 ran pay in attempt 2 after attempt 3 had begun.',
  ],
])('reports an order that %s', (_, found, ledger, problem) => {
  expect(problemsOf(ORDER, found as ExecutionDescription | undefined, ledger as LedgerEntry[])).toContain(problem);
});

test('reports a failover that carried no envelope during the outage', () => {
  const source = { role: 'event source', service: 'kinesis', envelopes: 5 } as const;
  expect(problemsOfOutage([source, { role: 'failover', service: 'sqs', envelopes: 1 }])).toEqual([]);
  expect(problemsOfOutage([source])).toEqual([]);
  expect(problemsOfOutage([source, { role: 'failover', service: 'sqs', envelopes: 0 }])).toEqual([
    'SQS (failover) carried no envelope although the event source was down.',
  ]);
});

describe('the cost of a crash', () => {
  const cost = (...ledger: readonly LedgerEntry[]) => costOfCrash([FOUND], new Map([['order-1', ledger]]));
  const opened = entry(0, 1, 'open', { at: 500 });

  test('is the time until the interrupted step is repeated', () => {
    const killed = entry(1, 2, 'pay', { at: 1_000, environment: '1/2', killed: true });
    const withoutEntry = {
      ...FOUND,
      steps: [FOUND.steps[0], { step: 1, attempts: [attempt(3, 1, 'dispatched', false)] }, FOUND.steps[2]],
    } as unknown as ExecutionDescription;
    const ledger = [opened, killed, entry(1, 3, 'pay', { at: 9_500 }), entry(2, 4, 'close', { at: 9_600 })];
    expect(costOfCrash([withoutEntry], new Map([['order-1', ledger]]))).toEqual({ orders: 1, seconds: 8.5 });
  });

  test('is nothing if no invocation was killed, or no order was interrupted', () => {
    expect(cost(...LEDGER)).toBeUndefined();
    const killed = entry(2, 4, 'close', { at: 1_000, environment: '1/2', killed: true });
    expect(cost(opened, entry(1, 3, 'pay', { at: 600 }), killed)).toBeUndefined();
  });
});
