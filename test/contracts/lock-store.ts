import type { AcquireRequest, ExecutionStatus, Lease, Lock, LockStore, PendingStart } from '../../lambda/engine/ports';
import { pendingLock } from '../../lambda/engine/ports/lock-store';
import { INCARNATION, keyOf } from '../support/execution-key';
import { acquireRecorded, CONTEXT_HASH } from '../support/recorded-start';

const NOW = 1_900_000_000_000;
const PLACE = {
  service: 'sqs',
  resource: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders',
  messageId: 'message-1',
};

/**
 * Tests the contract of a {@link LockStore}.
 *
 * @param open creates an empty store; called before each test
 */
export function describeLockStoreContract(name: string, open: () => Promise<LockStore>): void {
  describe(`${name} as a lock store`, () => {
    let store: LockStore;
    let executions = 0;
    let holders = 0;
    let executionId: string;

    beforeEach(async () => {
      store = await open();
      executions += 1;
      executionId = `execution-${executions}`;
    });

    const request = (step: number, parent: number, more: Partial<AcquireRequest> = {}): AcquireRequest => ({
      executionId,
      incarnation: INCARNATION,
      machine: 'order',
      step,
      parent,
      state: `state-${step}`,
      holder: `holder-${(holders += 1)}`,
      now: NOW,
      expires: NOW + 30_000,
      redriven: 0,
      alone: true,
      ...more,
    });

    const acquire = async (step: number, parent: number, more: Partial<AcquireRequest> = {}): Promise<Lock> => {
      const answer = await acquireRecorded(store, request(step, parent, more));
      if (!answer.acquired) throw new Error(`Step ${step} with parent ${parent} was refused.`);
      return answer.lock;
    };

    /** Expects a refusal that changes nothing and returns the lock. */
    const expectRefused = async (step: number, parent: number, more: Partial<AcquireRequest> = {}) => {
      const before = await store.read(executionId);
      const answer = await store.acquire(request(step, parent, more));
      expect(answer.acquired).toBe(false);
      expect(answer.lock).toEqual(before);
      expect(await store.read(executionId)).toEqual(before);
    };

    describe('recordStart', () => {
      const start = (more: Partial<PendingStart> = {}): PendingStart => ({
        ...keyOf(executionId),
        machine: 'order',
        contextHash: 'hash',
        now: NOW,
        ...more,
      });

      test('creates a pending lock, and returns an existing lock unchanged', async () => {
        const pending = pendingLock(start());
        expect(await store.recordStart(start())).toEqual({ recorded: true, lock: pending });
        expect(await store.read(executionId)).toEqual(pending);
        const other = start({ incarnation: 'second', machine: 'refund', contextHash: 'other', now: NOW + 1 });
        expect(await store.recordStart(other)).toEqual({ recorded: false, lock: pending });
        expect(await store.read(executionId)).toEqual(pending);
      });

      test('recognizes its own record', async () => {
        await store.recordStart(start());
        expect(await store.recordStart(start())).toMatchObject({ recorded: true });
      });

      test('changes no execution that has begun, has ended or was canceled', async () => {
        const lock = await acquire(0, 0);
        expect(await store.recordStart(start({ incarnation: 'second' }))).toEqual({ recorded: false, lock });
        await store.commit(lock, 'completed', NOW + 2);
        expect(await store.recordStart(start({ incarnation: 'second' }))).toMatchObject({
          recorded: false,
          lock: { status: 'completed' },
        });
      });

      test('lets the envelope of the start acquire the lock, alone or beside others', async () => {
        await store.recordStart(start({ now: NOW - 5 }));
        const lock = await acquire(0, 0, { holder: 'first', alone: false });
        expect(lock).toMatchObject({
          step: 0,
          fence: 1,
          released: 0,
          status: 'running',
          contextHash: 'hash',
          startedAt: NOW - 5,
          updatedAt: NOW,
        });
        expect(await store.read(executionId)).toEqual(lock);
        await expectRefused(0, 0);
        expect(await acquire(1, 1)).toMatchObject({ step: 1, fence: 2, contextHash: 'hash', startedAt: NOW - 5 });
      });

      test('is acquired by the envelope of its own incarnation only', async () => {
        await store.recordStart(start({ incarnation: 'second' }));
        await expectRefused(0, 0);
        expect(await acquire(0, 0, { incarnation: 'second' })).toMatchObject({ fence: 1 });
      });

      test('is ended by a cancellation, after which nothing acquires the lock', async () => {
        await store.recordStart(start());
        expect(await store.cancel(executionId, NOW + 1)).toMatchObject({ status: 'cancelled', done: true, fence: 1 });
        await expectRefused(0, 0, { now: NOW + 60_000 });
        await expectRefused(1, 0, { now: NOW + 60_000 });
      });

      test('several starts at once are acquired in one batch', async () => {
        const ids = ['a', 'b', 'c'].map((suffix) => `${executionId}-${suffix}`);
        await Promise.all(ids.map((id) => store.recordStart(start({ executionId: id }))));
        const answers = await Promise.all(
          ids.map((id) => store.acquire(request(0, 0, { executionId: id, alone: false }))),
        );
        expect(answers).toMatchObject(ids.map((id) => ({ acquired: true, lock: { executionId: id, fence: 1 } })));
      });
    });

    describe('events', () => {
      test('grants a step again only with the mail that the first attempt took', async () => {
        const { fence } = await acquire(0, 0);
        expect((await acquire(1, fence, { mail: 'mail#1', expires: NOW - 1 })).mail).toBe('mail#1');
        await expectRefused(1, fence, { mail: 'mail#2' });
        await expectRefused(1, fence);
        expect(await acquire(1, fence, { mail: 'mail#1' })).toMatchObject({ mail: 'mail#1', fence: fence + 2 });
        const next = await acquire(2, fence + 2, { expires: NOW - 1 });
        expect(next.mail).toBeUndefined();
        await expectRefused(2, fence + 2, { mail: 'mail#1' });
      });

      test('stores the events that an execution handles, and those that a parked one takes', async () => {
        const lock = await acquire(0, 0, { handles: ['paid', 'shipped'] });
        expect(lock.handles).toEqual(['paid', 'shipped']);
        const events = { accepts: ['paid'], handles: ['paid', 'é #'] };
        expect(await store.commit(lock, 'parked', NOW, events)).toBe(true);
        expect(await store.read(executionId)).toMatchObject({ status: 'parked', ...events });
        const next = await acquire(1, lock.fence);
        expect(next.handles).toBeUndefined();
        expect(await store.commit(next, 'parked', NOW, { accepts: [] })).toBe(true);
        expect(await store.read(executionId)).toMatchObject({ status: 'parked', accepts: [] });
      });
    });

    describe('acquire, the first step', () => {
      test('is refused if no start was recorded, and creates no lock', async () => {
        await expectRefused(0, 0);
        expect(await store.read(executionId)).toBeUndefined();
      });

      test('takes the members of the request', async () => {
        const lock = await acquire(0, 0, { holder: 'first', place: PLACE });
        expect(lock).toEqual({
          executionId,
          incarnation: INCARNATION,
          machine: 'order',
          step: 0,
          fence: 1,
          parent: 0,
          holder: 'first',
          expires: NOW + 30_000,
          released: 0,
          reopened: 0,
          accompanied: 0,
          done: false,
          status: 'running',
          state: 'state-0',
          contextHash: CONTEXT_HASH,
          place: PLACE,
          startedAt: NOW,
          updatedAt: NOW,
        });
        expect(await store.read(executionId)).toEqual(lock);
      });

      test('stores no place if the request has none', async () => {
        expect((await acquire(0, 0)).place).toBeUndefined();
        expect((await acquire(1, 1, { place: PLACE })).place).toEqual(PLACE);
        expect((await acquire(2, 2)).place).toBeUndefined();
        expect((await store.read(executionId))?.place).toBeUndefined();
      });

      test('is refused for a later step without a lock', async () => {
        await expectRefused(1, 0);
        await expectRefused(1, 1);
        expect(await store.read(executionId)).toBeUndefined();
      });

      test('is refused while the start is held', async () => {
        await acquire(0, 0);
        await expectRefused(0, 0);
      });

      test('is refused after the execution has moved on', async () => {
        await acquire(0, 0);
        await acquire(1, 1);
        await expectRefused(0, 0, { now: NOW + 60_000 });
      });

      test.each<ExecutionStatus>(['completed', 'failed', 'parked', 'cancelled'])(
        'is refused when the execution is %s',
        async (status) => {
          await store.commit(await acquire(0, 0), status, NOW);
          await expectRefused(0, 0, { now: NOW + 60_000 });
        },
      );
    });

    describe('acquire, COMMIT', () => {
      test('grants the step that the latest holder sent, although its lease is valid', async () => {
        await acquire(0, 0, { place: PLACE });
        const lock = await acquire(1, 1, { now: NOW + 5, expires: NOW + 40_000, machine: 'order', state: 'charging' });
        expect(lock).toMatchObject({
          step: 1,
          parent: 1,
          fence: 2,
          state: 'charging',
          expires: NOW + 40_000,
          released: 0,
          reopened: 0,
          startedAt: NOW,
          updatedAt: NOW + 5,
        });
      });

      test('grants the step after one that is done', async () => {
        await store.commit(await acquire(0, 0), 'parked', NOW);
        expect(await acquire(1, 1)).toMatchObject({ step: 1, fence: 2, done: false, status: 'running' });
      });

      test('grants the step after one whose lease was released', async () => {
        await store.release(await acquire(0, 0));
        expect(await acquire(1, 1)).toMatchObject({ step: 1, fence: 2, released: 1 });
      });

      test('is refused for an envelope of a replaced attempt', async () => {
        await acquire(0, 0);
        await acquire(0, 0, { now: NOW + 60_000, expires: NOW + 90_000 });
        await expectRefused(1, 1);
        expect(await acquire(1, 2)).toMatchObject({ fence: 3 });
      });

      test('is refused for an envelope with a fence that was never granted', async () => {
        await acquire(0, 0);
        await expectRefused(1, 2);
        await expectRefused(1, 0);
      });

      test('is refused for an envelope of another machine, alone and in a batch', async () => {
        await acquire(0, 0);
        await expectRefused(1, 1, { machine: 'refund' });
        const both = [
          request(1, 1, { machine: 'refund', alone: false }),
          request(0, 0, { executionId: 'none', alone: false }),
        ];
        expect(await Promise.all(both.map((each) => store.acquire(each)))).toMatchObject([
          { acquired: false, lock: { machine: 'order', step: 0, fence: 1 } },
          { acquired: false },
        ]);
        expect(await acquire(1, 1)).toMatchObject({ machine: 'order', fence: 2 });
      });

      test('is refused for a step that is not the next one', async () => {
        await acquire(0, 0);
        await expectRefused(2, 1);
      });

      test('is refused for a step that was acquired already', async () => {
        await acquire(0, 0);
        await acquire(1, 1);
        await expectRefused(1, 1);
      });
    });

    describe('acquire, RETRY', () => {
      test('grants the step again after the lease has expired', async () => {
        await acquire(0, 0);
        await acquire(1, 1);
        const lock = await acquire(1, 1, { now: NOW + 30_001, expires: NOW + 60_000 });
        expect(lock).toMatchObject({
          step: 1,
          parent: 1,
          fence: 3,
          expires: NOW + 60_000,
          startedAt: NOW,
          updatedAt: NOW + 30_001,
        });
      });

      test('is refused until the last millisecond of the lease', async () => {
        await acquire(0, 0);
        await expectRefused(0, 0, { now: NOW + 30_000 });
        expect(await acquire(0, 0, { now: NOW + 30_001 })).toMatchObject({ fence: 2 });
      });

      test('grants the step again immediately after the lease was released', async () => {
        await store.release(await acquire(0, 0));
        expect(await acquire(0, 0)).toMatchObject({ fence: 2, released: 1, expires: NOW + 30_000 });
      });

      test.each<ExecutionStatus>(['running', 'parked', 'completed', 'failed', 'cancelled'])(
        'is refused for a step that is done (%s)',
        async (status) => {
          await store.commit(await acquire(0, 0), status, NOW);
          await expectRefused(0, 0, { now: NOW + 60_000 });
        },
      );

      test('is refused for an envelope of another machine', async () => {
        await store.release(await acquire(0, 0));
        await expectRefused(0, 0, { machine: 'refund' });
        expect(await acquire(0, 0)).toMatchObject({ machine: 'order', fence: 2 });
      });

      test('is refused for another lineage', async () => {
        await acquire(0, 0);
        await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        await acquire(1, 2, { now: NOW + 32_000, expires: NOW + 60_000 });
        await expectRefused(1, 1, { now: NOW + 99_000 });
      });
    });

    describe('acquire, beside other executions', () => {
      const beside = (step: number, parent: number, more: Partial<AcquireRequest> = {}) =>
        acquire(step, parent, { alone: false, ...more });
      const later = { now: NOW + 31_000, expires: NOW + 60_000 };

      test('stores the fence of the attempt', async () => {
        expect(await beside(0, 0)).toMatchObject({ fence: 1, accompanied: 1 });
        expect(await beside(1, 1)).toMatchObject({ fence: 2, accompanied: 2 });
        await store.release(await acquire(2, 2));
        expect(await beside(2, 2)).toMatchObject({ fence: 4, accompanied: 4 });
      });

      test('keeps the fence of the last such attempt in those that run alone', async () => {
        await beside(0, 0);
        expect(await acquire(0, 0, later)).toMatchObject({ fence: 2, accompanied: 1 });
        expect(await acquire(1, 2)).toMatchObject({ fence: 3, accompanied: 1 });
      });

      test.each([true, false])('is refused if the latest attempt died (alone: %p)', async (alone) => {
        await acquire(0, 0, { alone });
        await expectRefused(0, 0, { alone: false, ...later });
        expect(await acquire(0, 0, later)).toMatchObject({ fence: 2 });
      });

      test('grants a step again that was reopened', async () => {
        await store.commit(await acquire(0, 0), 'failed', NOW);
        await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW);
        expect(await beside(0, 0, { redriven: 1 })).toMatchObject({ fence: 2, accompanied: 2 });
      });

      test('is decided for each of many concurrent requests', async () => {
        const many = Array.from({ length: 8 }, (_, n) =>
          request(0, 0, { executionId: `${executionId}-${n}`, alone: n > 3 }),
        );
        const answers = await Promise.all(many.map((each) => acquireRecorded(store, each)));
        expect(answers.map(({ lock }) => lock?.accompanied)).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
        const again = await Promise.all(many.map((each) => store.acquire({ ...each, ...later, holder: 'other' })));
        expect(again.map(({ acquired }) => acquired)).toEqual([false, false, false, false, true, true, true, true]);
        const next = await Promise.all(
          many.map((each, n) =>
            store.acquire({ ...each, step: 1, parent: n > 3 ? 2 : 1, holder: 'next', alone: n % 2 === 0 }),
          ),
        );
        expect(next.map(({ lock }) => lock?.accompanied)).toEqual([1, 2, 1, 2, 0, 3, 0, 3]);
      });
    });

    test('grants a step to exactly one of many concurrent requests', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => acquireRecorded(store, request(0, 0))));
      const winners = answers.filter(({ acquired }) => acquired);
      expect(winners).toHaveLength(1);
      answers.forEach(({ lock }) => expect(lock).toEqual(winners[0]?.lock));

      const successors = await Promise.all(Array.from({ length: 12 }, () => store.acquire(request(1, 1))));
      expect(successors.filter(({ acquired }) => acquired)).toHaveLength(1);

      const later = { now: NOW + 40_000, expires: NOW + 70_000 };
      const retries = await Promise.all(Array.from({ length: 12 }, () => store.acquire(request(1, 1, later))));
      expect(retries.filter(({ acquired }) => acquired)).toHaveLength(1);
      expect(await store.read(executionId)).toMatchObject({ fence: 3 });
    });

    test('decides each of many concurrent requests independently', async () => {
      const many = (group: string, step: number, parent: number, more: Partial<AcquireRequest> = {}) =>
        Array.from({ length: 8 }, (_, n) =>
          request(step, parent, { executionId: `${executionId}-${group}-${n}`, ...more }),
        );
      const all = (requests: readonly AcquireRequest[]) =>
        Promise.all(requests.map((each) => acquireRecorded(store, each)));
      const later = { now: NOW + 31_000, expires: NOW + 60_000 };
      await all(['committed', 'held', 'expired', 'orphaned'].flatMap((group) => many(group, 0, 0, { place: PLACE })));
      await all(many('orphaned', 0, 0, later));
      const locks = async (group: string) => Promise.all(many(group, 0, 0).map((each) => store.read(each.executionId)));
      const [held, orphaned] = [await locks('held'), await locks('orphaned')];

      const answers = await all([
        ...many('started', 0, 0),
        ...many('committed', 1, 1),
        ...many('held', 0, 0),
        ...many('expired', 0, 0, later),
        ...many('orphaned', 1, 1),
        ...many('unknown', 3, 3),
      ]);
      const of = (place: number) => answers.slice(8 * place, 8 * place + 8);
      const stored = async (group: string) => (await locks(group)).map((lock) => ({ acquired: true, lock }));
      expect(of(0)).toEqual(await stored('started'));
      expect(of(0)[3]).toMatchObject({ lock: { fence: 1, step: 0, startedAt: NOW, released: 0 } });
      expect(of(1)).toEqual(await stored('committed'));
      expect(of(1)[3]).toMatchObject({ lock: { fence: 2, step: 1, parent: 1, startedAt: NOW, place: undefined } });
      expect(of(2)).toEqual(held.map((lock) => ({ acquired: false, lock })));
      expect(of(3)).toEqual(await stored('expired'));
      expect(of(3)[3]).toMatchObject({ lock: { fence: 2, step: 0, expires: NOW + 60_000 } });
      expect(of(4)).toEqual(orphaned.map((lock) => ({ acquired: false, lock })));
      expect(of(5)).toEqual(Array.from({ length: 8 }, () => ({ acquired: false })));
      expect(await locks('unknown')).toEqual(Array.from({ length: 8 }, () => undefined));
    });

    test('grants every acquisition a larger fence than all before', async () => {
      const fences = [await acquire(0, 0)];
      fences.push(await acquire(1, 1));
      await store.release(fences.at(-1)!);
      fences.push(await acquire(1, 1));
      fences.push(await acquire(1, 1, { now: NOW + 31_000, expires: NOW + 60_000 }));
      await store.commit(fences.at(-1)!, 'parked', NOW + 32_000);
      fences.push(await acquire(2, 4));
      expect(fences.map(({ fence }) => fence)).toEqual([1, 2, 3, 4, 5]);
    });

    test('grants a repeated request of the holder again', async () => {
      const first = await acquireRecorded(store, request(0, 0, { holder: 'me' }));
      const again = await store.acquire(request(0, 0, { holder: 'me' }));
      expect(again).toEqual(first);
    });

    test('refuses a repeated request of a former holder', async () => {
      await acquire(0, 0, { holder: 'me' });
      await acquire(1, 1, { holder: 'me' });
      await expectRefused(0, 0, { holder: 'me' });
    });

    test('refuses a repeated request of the holder after a cancellation', async () => {
      await acquire(0, 0, { holder: 'me' });
      await store.cancel(executionId, NOW);
      await expectRefused(0, 0, { holder: 'me' });
    });

    test('separates executions', async () => {
      await acquire(0, 0);
      expect(await store.read(`${executionId}-other`)).toBeUndefined();
      const other = { ...request(0, 0), executionId: `${executionId}-other` };
      expect((await acquireRecorded(store, other)).acquired).toBe(true);
    });

    describe('release', () => {
      test('ends the lease', async () => {
        const lease = await acquire(0, 0);
        await store.release(lease);
        expect(await store.read(executionId)).toEqual({ ...lease, expires: 0, released: 1 });
      });

      test('does nothing when another attempt has the lease', async () => {
        const old = await acquire(0, 0);
        const current = await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        await store.release(old);
        expect(await store.read(executionId)).toEqual(current);
      });

      test('does nothing when the step is done', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'parked', NOW + 1);
        const committed = await store.read(executionId);
        await store.release(lease);
        expect(await store.read(executionId)).toEqual(committed);
      });

      test('does nothing when there is no lock', async () => {
        const lease: Lease = { executionId, incarnation: INCARNATION, step: 0, parent: 0, fence: 1, expires: NOW };
        await store.release(lease);
        expect(await store.read(executionId)).toBeUndefined();
      });
    });

    describe('commit', () => {
      test.each<ExecutionStatus>(['running', 'parked', 'completed', 'failed', 'cancelled'])(
        'sets %s',
        async (status) => {
          const lease = await acquire(0, 0);
          expect(await store.commit(lease, status, NOW + 7)).toBe(true);
          expect(await store.read(executionId)).toEqual({
            ...lease,
            done: true,
            status,
            expires: 0,
            updatedAt: NOW + 7,
          });
        },
      );

      test('returns the same when it is repeated', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'completed', NOW + 7);
        expect(await store.commit(lease, 'completed', NOW + 7)).toBe(true);
        expect(await store.read(executionId)).toMatchObject({ done: true, status: 'completed' });
      });

      test('returns the same when it is repeated after the successor began', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'parked', NOW + 7);
        const successor = await acquire(1, 1);
        expect(await store.commit(lease, 'parked', NOW + 7)).toBe(true);
        expect(await store.read(executionId)).toEqual(successor);
      });

      test('returns false if the successor follows another attempt', async () => {
        const lease = await acquire(0, 0);
        await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        const successor = await acquire(1, 2);
        expect(await store.commit(lease, 'parked', NOW + 7)).toBe(false);
        expect(await store.read(executionId)).toEqual(successor);
      });

      test('changes nothing when another attempt has the lease', async () => {
        const old = await acquire(0, 0);
        const current = await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        expect(await store.commit(old, 'completed', NOW + 32_000)).toBe(false);
        expect(await store.read(executionId)).toEqual(current);
      });

      test('changes nothing when there is no lock', async () => {
        const lease: Lease = { executionId, incarnation: INCARNATION, step: 0, parent: 0, fence: 1, expires: NOW };
        expect(await store.commit(lease, 'completed', NOW)).toBe(false);
        expect(await store.read(executionId)).toBeUndefined();
      });
    });

    describe('another incarnation', () => {
      const other = { incarnation: 'second' };

      test('acquires neither the next step nor a retry', async () => {
        await acquire(0, 0);
        await expectRefused(1, 1, other);
        await store.release(await acquire(1, 1));
        await expectRefused(1, 1, { ...other, now: NOW + 60_000 });
        await expectRefused(0, 0, { ...other, now: NOW + 60_000 });
      });

      test('neither releases, commits nor reopens', async () => {
        const lock = await acquire(0, 0);
        const stale = { ...lock, ...other };
        await store.release(stale);
        expect(await store.commit(stale, 'completed', NOW)).toBe(false);
        expect(await store.read(executionId)).toEqual(lock);
        await store.commit(lock, 'failed', NOW);
        expect(await store.reopen(stale, NOW + 1)).toBe(false);
        expect(await store.read(executionId)).toMatchObject({ status: 'failed' });
      });

      test('does not take the successor of the other for its own commit', async () => {
        const lock = await acquire(0, 0);
        await acquire(1, 1);
        expect(await store.commit(lock, 'running', NOW)).toBe(true);
        expect(await store.commit({ ...lock, ...other }, 'running', NOW)).toBe(false);
      });
    });

    describe('cancel', () => {
      test.each<ExecutionStatus>(['running', 'parked', 'failed'])('ends an execution that is %s', async (status) => {
        await acquire(0, 0);
        const lease = await acquire(1, 1);
        await store.commit(lease, status, NOW + 1);
        const cancelled = { ...lease, done: true, status: 'cancelled', expires: 0, fence: 3, updatedAt: NOW + 2 };
        expect(await store.cancel(executionId, NOW + 2)).toEqual(cancelled);
        expect(await store.read(executionId)).toEqual(cancelled);
      });

      test('revokes the lease of the holder, and refuses its envelopes', async () => {
        const lease = await acquire(0, 0);
        await store.cancel(executionId, NOW + 1);
        expect(await store.commit(lease, 'completed', NOW + 2)).toBe(false);
        await store.release(lease);
        await expectRefused(0, 0, { now: NOW + 60_000 });
        await expectRefused(1, 1, { now: NOW + 60_000 });
        expect(await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW + 3)).toBe(false);
        expect(await store.reopen({ ...keyOf(executionId), fence: 2 }, NOW + 3)).toBe(false);
      });

      test('is not undone by a repeated request of the holder', async () => {
        await acquire(0, 0, { holder: 'me' });
        await store.cancel(executionId, NOW + 1);
        await expectRefused(0, 0, { holder: 'me' });
      });

      test('returns the same when it is repeated', async () => {
        await acquire(0, 0);
        const cancelled = await store.cancel(executionId, NOW + 1);
        expect(await store.cancel(executionId, NOW + 2)).toEqual(cancelled);
      });

      test('does not change a completed execution', async () => {
        await store.commit(await acquire(0, 0), 'completed', NOW);
        const completed = await store.read(executionId);
        expect(await store.cancel(executionId, NOW + 1)).toEqual(completed);
        expect(await store.read(executionId)).toEqual(completed);
      });

      test('does not create a lock', async () => {
        expect(await store.cancel(executionId, NOW)).toBeUndefined();
        expect(await store.read(executionId)).toBeUndefined();
      });
    });

    describe('reopen', () => {
      test('makes a failed step runnable again', async () => {
        await acquire(0, 0);
        const lease = await acquire(1, 1);
        await store.commit(lease, 'failed', NOW + 1);
        expect(await store.reopen({ ...keyOf(executionId), fence: 2 }, NOW + 2)).toBe(true);
        expect(await store.read(executionId)).toMatchObject({
          done: false,
          status: 'running',
          released: 2,
          reopened: 2,
          fence: 2,
          updatedAt: NOW + 2,
        });
        const redriven = { redriven: 2, now: NOW + 3 };
        expect(await acquire(1, 1, redriven)).toMatchObject({ fence: 3, reopened: 2, status: 'running' });
      });

      test('is for the envelopes that redrive this failure, until the next step', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'failed', NOW + 1);
        await expectRefused(0, 0, { redriven: 1, now: NOW + 2 });
        await store.reopen(lease, NOW + 2);
        await expectRefused(0, 0, { now: NOW + 3 });
        await expectRefused(0, 0, { redriven: 7, now: NOW + 3 });
        const retried = await acquire(0, 0, { redriven: 1, now: NOW + 3 });
        await store.release(retried);
        await expectRefused(0, 0, { now: NOW + 4 });
        const again = await acquire(0, 0, { redriven: 1, now: NOW + 4 });
        expect(await acquire(1, again.fence)).toMatchObject({ step: 1, reopened: 0 });
      });

      test('waits for an action that overran its time', async () => {
        const lease = await acquire(0, 0);
        expect(await store.commit(lease, 'failed', NOW + 1, { busyUntil: NOW + 30_000 })).toBe(true);
        await store.reopen(lease, NOW + 2);
        await expectRefused(0, 0, { redriven: 1, now: NOW + 30_000 });
        expect(await acquire(0, 0, { redriven: 1, now: NOW + 30_001 })).toMatchObject({ fence: 2 });
      });

      test('is not undone by a late repetition of the commit of the failure', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'failed', NOW + 1);
        await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW + 2);
        expect(await store.commit(lease, 'failed', NOW + 3)).toBe(false);
        expect(await store.read(executionId)).toMatchObject({ done: false, status: 'running', released: 1, fence: 1 });
      });

      test('does not change a later failure of the same step', async () => {
        await store.commit(await acquire(0, 0), 'failed', NOW);
        await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW + 1);
        await store.commit(await acquire(0, 0, { redriven: 1, now: NOW + 2 }), 'failed', NOW + 3);
        const failed = await store.read(executionId);
        expect(await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW + 4)).toBe(false);
        expect(await store.read(executionId)).toEqual(failed);
      });

      test('changes nothing unless the given attempt has failed', async () => {
        expect(await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW)).toBe(false);
        const lease = await acquire(0, 0);
        expect(await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW)).toBe(false);
        await store.commit(lease, 'failed', NOW + 1);
        const failed = await store.read(executionId);
        expect(await store.reopen({ ...keyOf(executionId), fence: 0 }, NOW + 2)).toBe(false);
        expect(await store.reopen({ ...keyOf(executionId), fence: 2 }, NOW + 2)).toBe(false);
        expect(await store.read(executionId)).toEqual(failed);
      });

      test.each<ExecutionStatus>(['parked', 'completed', 'cancelled'])(
        'changes nothing when the execution is %s',
        async (status) => {
          await store.commit(await acquire(0, 0), status, NOW);
          expect(await store.reopen({ ...keyOf(executionId), fence: 1 }, NOW + 2)).toBe(false);
          expect(await store.read(executionId)).toMatchObject({ done: true, status });
        },
      );
    });
  });
}
