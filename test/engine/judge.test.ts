import type { AcquireRequest, Lock } from '../../lambda/engine';
import { judge } from '../../lambda/engine/judge';

const lock: Lock = {
  executionId: 'x', machine: 'm', step: 4, fence: 9, parent: 7, holder: 'h', expires: 5_000, released: 0, done: false, status: 'running', state: 's', startedAt: 1, updatedAt: 2,
};

function request(step: number, parent: number): AcquireRequest {
  return { executionId: 'x', machine: 'm', step, parent, state: 's', holder: 'me', now: 4_000, expires: 9_000 };
}

test.each([
  ['the same step, held by another', request(4, 7), lock, { kind: 'busy', until: 5_000 }],
  ['the same step, parked', request(4, 7), { ...lock, done: true, status: 'parked' as const }, { kind: 'parked' }],
  ['the same step, completed', request(4, 7), { ...lock, done: true, status: 'completed' as const }, { kind: 'duplicate' }],
  ['the same step, failed', request(4, 7), { ...lock, done: true, status: 'failed' as const }, { kind: 'duplicate' }],
  ['the same step, of an attempt that was replaced', request(4, 6), lock, { kind: 'orphan' }],
  ['an earlier step', request(3, 5), lock, { kind: 'duplicate' }],
  ['the start again', request(0, 0), lock, { kind: 'duplicate' }],
  ['the next step, of an attempt that was replaced', request(5, 8), lock, { kind: 'orphan' }],
  ['the next step, of an attempt that never was', request(5, 10), lock, { kind: 'unknown', reason: expect.stringContaining('step 5 with parent 10') }],
  ['a step that is far ahead', request(7, 9), lock, { kind: 'unknown', reason: expect.stringContaining('step 7') }],
  ['a step of nobody', request(2, 3), undefined, { kind: 'unknown', reason: expect.stringContaining('no lock') }],
])('%s', (_, envelope, stored, verdict) => {
  expect(judge(envelope, stored)).toEqual(verdict);
});
