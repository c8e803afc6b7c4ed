import type { AcquireRequest, Lock } from '../../../../lambda/engine';
import { classifyRefusal } from '../../../../lambda/engine/locks/refusal';
import { INCARNATION, keyOf } from '../../../support/execution-key';

const lock: Lock = {
  executionId: 'x',
  incarnation: INCARNATION,
  machine: 'm',
  step: 4,
  fence: 9,
  parent: 7,
  holder: 'h',
  expires: 5_000,
  released: 0,
  reopened: 0,
  accompanied: 0,
  done: false,
  status: 'running',
  state: 's',
  contextHash: 'hash',
  startedAt: 1,
  updatedAt: 2,
};

function request(step: number, parent: number, more: Partial<AcquireRequest> = {}): AcquireRequest {
  const times = { now: 4_000, expires: 9_000 };
  const key = keyOf('x');
  return { ...key, machine: 'm', step, parent, state: 's', holder: 'me', redriven: 0, alone: false, ...times, ...more };
}

test.each([
  ['the same step, held by another invocation', request(4, 7), lock, { kind: 'busy', until: 5_000 }],
  ['the same step, whose latest attempt died', request(4, 7, { now: 6_000 }), lock, { kind: 'suspect', lock }],
  [
    'the same step, released since',
    request(4, 7, { now: 6_000 }),
    { ...lock, expires: 0, released: 9 },
    { kind: 'busy', until: 0 },
  ],
  [
    'the same step alone, whose latest attempt died, acquired since',
    request(4, 7, { now: 6_000, alone: true }),
    lock,
    { kind: 'busy', until: 5_000 },
  ],
  [
    'the same step, parked',
    request(4, 7),
    { ...lock, done: true, status: 'parked' as const },
    { kind: 'parked', lock: { ...lock, done: true, status: 'parked' } },
  ],
  [
    'the same step, completed',
    request(4, 7),
    { ...lock, done: true, status: 'completed' as const },
    { kind: 'duplicate' },
  ],
  ['the same step, failed', request(4, 7), { ...lock, done: true, status: 'failed' as const }, { kind: 'duplicate' }],
  ['the same step, sent by an attempt that was replaced', request(4, 6), lock, { kind: 'orphan' }],
  ['the next step, of another machine', request(5, 9, { machine: 'n' }), lock, { kind: 'forged', machine: 'm' }],
  ['the same step, of another machine', request(4, 7, { machine: 'n' }), lock, { kind: 'forged', machine: 'm' }],
  ['an earlier step, of another machine', request(3, 5, { machine: 'n' }), lock, { kind: 'forged', machine: 'm' }],
  [
    'the start of another machine, as another incarnation',
    request(0, 0, { machine: 'n', incarnation: 'second' }),
    lock,
    { kind: 'taken', machine: 'm' },
  ],
  ['an earlier step', request(3, 5), lock, { kind: 'duplicate' }],
  ['the start again', request(0, 0), lock, { kind: 'duplicate' }],
  ['the next step, sent by an attempt that was replaced', request(5, 8), lock, { kind: 'orphan' }],
  [
    'the next step, sent by an attempt that never existed',
    request(5, 10),
    lock,
    { kind: 'unknown', reason: expect.stringContaining('step 5 with parent 10') },
  ],
  ['a step that is far ahead', request(7, 9), lock, { kind: 'unknown', reason: expect.stringContaining('step 7') }],
  [
    'a step of an unknown execution',
    request(2, 3),
    undefined,
    { kind: 'unknown', reason: expect.stringContaining('without a lock') },
  ],
])('%s', (_, envelope, stored, reason) => {
  expect(classifyRefusal(envelope, stored)).toEqual(reason);
});
