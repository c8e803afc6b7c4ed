import type { AcquireRequest, ExecutionStatus, Lease, Lock, LockStore } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;
const PLACE = { service: 'sqs', resource: 'https://sqs.eu-west-1.amazonaws.com/123456789012/orders', messageId: 'message-1' };

/**
 * What every lock store must do: see {@link LockStore}.
 *
 * @param open makes an empty store; called before each test
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
      machine: 'order',
      step,
      parent,
      state: `state-${step}`,
      holder: `holder-${holders += 1}`,
      now: NOW,
      expires: NOW + 30_000,
      ...more,
    });

    const acquire = async (step: number, parent: number, more: Partial<AcquireRequest> = {}): Promise<Lock> => {
      const answer = await store.acquire(request(step, parent, more));
      if (!answer.acquired) throw new Error(`Step ${step} with parent ${parent} was refused.`);
      return answer.lock;
    };

    /** Expects a refusal that changes nothing and tells what stood in the way. */
    const expectRefused = async (step: number, parent: number, more: Partial<AcquireRequest> = {}) => {
      const before = await store.read(executionId);
      const answer = await store.acquire(request(step, parent, more));
      expect(answer.acquired).toBe(false);
      expect(answer.lock).toEqual(before);
      expect(await store.read(executionId)).toEqual(before);
    };

    describe('acquire, START', () => {
      it('makes a lock of what the request says', async () => {
        const lock = await acquire(0, 0, { holder: 'first', place: PLACE });
        expect(lock).toEqual({
          executionId,
          machine: 'order',
          step: 0,
          fence: 1,
          parent: 0,
          holder: 'first',
          expires: NOW + 30_000,
          released: 0,
          done: false,
          status: 'running',
          state: 'state-0',
          place: PLACE,
          startedAt: NOW,
          updatedAt: NOW,
        });
        expect(await store.read(executionId)).toEqual(lock);
      });

      it('keeps no place when there is none', async () => {
        expect((await acquire(0, 0)).place).toBeUndefined();
        expect((await acquire(1, 1, { place: PLACE })).place).toEqual(PLACE);
        expect((await acquire(2, 2)).place).toBeUndefined();
        expect((await store.read(executionId))?.place).toBeUndefined();
      });

      it('is refused for a step that is no start', async () => {
        await expectRefused(1, 0);
        await expectRefused(1, 1);
        expect(await store.read(executionId)).toBeUndefined();
      });

      it('is refused while the start is held', async () => {
        await acquire(0, 0);
        await expectRefused(0, 0);
      });

      it('is refused when the execution has gone on', async () => {
        await acquire(0, 0);
        await acquire(1, 1);
        await expectRefused(0, 0, { now: NOW + 60_000 });
      });

      it.each<ExecutionStatus>(['completed', 'failed', 'parked', 'cancelled'])('is refused when the execution is %s', async (status) => {
        await store.commit(await acquire(0, 0), status, NOW);
        await expectRefused(0, 0, { now: NOW + 60_000 });
      });
    });

    describe('acquire, COMMIT', () => {
      it('takes the step that the latest holder has sent, though his lease is valid', async () => {
        await acquire(0, 0, { place: PLACE });
        const lock = await acquire(1, 1, { now: NOW + 5, expires: NOW + 40_000, machine: 'order', state: 'charging' });
        expect(lock).toMatchObject({
          step: 1, parent: 1, fence: 2, state: 'charging', expires: NOW + 40_000, released: 0, startedAt: NOW, updatedAt: NOW + 5,
        });
      });

      it('takes the step that follows one that is done', async () => {
        await store.commit(await acquire(0, 0), 'parked', NOW);
        expect(await acquire(1, 1)).toMatchObject({ step: 1, fence: 2, done: false, status: 'running' });
      });

      it('takes the step that follows one whose lease was released', async () => {
        await store.release(await acquire(0, 0));
        expect(await acquire(1, 1)).toMatchObject({ step: 1, fence: 2, released: 1 });
      });

      it('is refused to what an attempt has sent that was replaced', async () => {
        await acquire(0, 0);
        await acquire(0, 0, { now: NOW + 60_000, expires: NOW + 90_000 });
        await expectRefused(1, 1);
        expect(await acquire(1, 2)).toMatchObject({ fence: 3 });
      });

      it('is refused to what claims a fence that nobody has', async () => {
        await acquire(0, 0);
        await expectRefused(1, 2);
        await expectRefused(1, 0);
      });

      it('is refused to a step that is not the next', async () => {
        await acquire(0, 0);
        await expectRefused(2, 1);
      });

      it('is refused to a step that was taken', async () => {
        await acquire(0, 0);
        await acquire(1, 1);
        await expectRefused(1, 1);
      });
    });

    describe('acquire, RETRY', () => {
      it('takes the step again when the lease has run out', async () => {
        await acquire(0, 0);
        await acquire(1, 1);
        const lock = await acquire(1, 1, { now: NOW + 30_001, expires: NOW + 60_000 });
        expect(lock).toMatchObject({ step: 1, parent: 1, fence: 3, expires: NOW + 60_000, startedAt: NOW, updatedAt: NOW + 30_001 });
      });

      it('is refused until the last millisecond of the lease', async () => {
        await acquire(0, 0);
        await expectRefused(0, 0, { now: NOW + 30_000 });
        expect(await acquire(0, 0, { now: NOW + 30_001 })).toMatchObject({ fence: 2 });
      });

      it('takes the step again at once when the lease was released', async () => {
        await store.release(await acquire(0, 0));
        expect(await acquire(0, 0)).toMatchObject({ fence: 2, released: 1, expires: NOW + 30_000 });
      });

      it.each<ExecutionStatus>(['running', 'parked', 'completed', 'failed', 'cancelled'])('is refused for a step that is done (%s)', async (status) => {
        await store.commit(await acquire(0, 0), status, NOW);
        await expectRefused(0, 0, { now: NOW + 60_000 });
      });

      it('is refused to another lineage', async () => {
        await acquire(0, 0);
        await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        await acquire(1, 2, { now: NOW + 32_000, expires: NOW + 60_000 });
        await expectRefused(1, 1, { now: NOW + 99_000 });
      });
    });

    it('lets exactly one of many win that want the same step', async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => store.acquire(request(0, 0))));
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

    it('decides each of many that are asked for at once by itself, as if it were alone', async () => {
      const many = (group: string, step: number, parent: number, more: Partial<AcquireRequest> = {}) => (
        Array.from({ length: 8 }, (_, n) => request(step, parent, { executionId: `${executionId}-${group}-${n}`, ...more }))
      );
      const all = (requests: readonly AcquireRequest[]) => Promise.all(requests.map((each) => store.acquire(each)));
      const later = { now: NOW + 31_000, expires: NOW + 60_000 };
      await all(['committed', 'held', 'expired', 'orphaned'].flatMap((group) => many(group, 0, 0, { place: PLACE })));
      await all(many('orphaned', 0, 0, later));
      const locks = async (group: string) => Promise.all(many(group, 0, 0).map((each) => store.read(each.executionId)));
      const [held, orphaned] = [await locks('held'), await locks('orphaned')];

      const answers = await all([
        ...many('started', 0, 0), ...many('committed', 1, 1), ...many('held', 0, 0), ...many('expired', 0, 0, later), ...many('orphaned', 1, 1),
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

    it('gives every acquisition a larger fence than all before', async () => {
      const fences = [await acquire(0, 0)];
      fences.push(await acquire(1, 1));
      await store.release(fences.at(-1)!);
      fences.push(await acquire(1, 1));
      fences.push(await acquire(1, 1, { now: NOW + 31_000, expires: NOW + 60_000 }));
      await store.commit(fences.at(-1)!, 'parked', NOW + 32_000);
      fences.push(await acquire(2, 4));
      expect(fences.map(({ fence }) => fence)).toEqual([1, 2, 3, 4, 5]);
    });

    it('knows a holder again that asks once more', async () => {
      const first = await store.acquire(request(0, 0, { holder: 'me' }));
      const again = await store.acquire(request(0, 0, { holder: 'me' }));
      expect(again).toEqual(first);
    });

    it('does not take a holder for the one that holds the lock no more', async () => {
      await acquire(0, 0, { holder: 'me' });
      await acquire(1, 1, { holder: 'me' });
      await expectRefused(0, 0, { holder: 'me' });
    });

    it('does not know a holder again whose execution was cancelled', async () => {
      await acquire(0, 0, { holder: 'me' });
      await store.cancel(executionId, NOW);
      await expectRefused(0, 0, { holder: 'me' });
    });

    it('keeps executions apart', async () => {
      await acquire(0, 0);
      expect(await store.read(`${executionId}-other`)).toBeUndefined();
      expect((await store.acquire({ ...request(0, 0), executionId: `${executionId}-other` })).acquired).toBe(true);
    });

    describe('release', () => {
      it('ends the lease', async () => {
        const lease = await acquire(0, 0);
        await store.release(lease);
        expect(await store.read(executionId)).toEqual({ ...lease, expires: 0, released: 1 });
      });

      it('does nothing when another attempt has the lease', async () => {
        const old = await acquire(0, 0);
        const current = await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        await store.release(old);
        expect(await store.read(executionId)).toEqual(current);
      });

      it('does nothing when the step is done', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'parked', NOW + 1);
        const committed = await store.read(executionId);
        await store.release(lease);
        expect(await store.read(executionId)).toEqual(committed);
      });

      it('does nothing when there is no lock', async () => {
        const lease: Lease = { executionId, step: 0, parent: 0, fence: 1, expires: NOW };
        await store.release(lease);
        expect(await store.read(executionId)).toBeUndefined();
      });
    });

    describe('commit', () => {
      it.each<ExecutionStatus>(['running', 'parked', 'completed', 'failed', 'cancelled'])('sets %s', async (status) => {
        const lease = await acquire(0, 0);
        expect(await store.commit(lease, status, NOW + 7)).toBe(true);
        expect(await store.read(executionId)).toEqual({ ...lease, done: true, status, expires: 0, updatedAt: NOW + 7 });
      });

      it('answers the same when it is made once more', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'completed', NOW + 7);
        expect(await store.commit(lease, 'completed', NOW + 7)).toBe(true);
        expect(await store.read(executionId)).toMatchObject({ done: true, status: 'completed' });
      });

      it('answers the same when it is made once more and the successor has begun', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'parked', NOW + 7);
        const successor = await acquire(1, 1);
        expect(await store.commit(lease, 'parked', NOW + 7)).toBe(true);
        expect(await store.read(executionId)).toEqual(successor);
      });

      it('was not made when the successor follows another attempt', async () => {
        const lease = await acquire(0, 0);
        await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        const successor = await acquire(1, 2);
        expect(await store.commit(lease, 'parked', NOW + 7)).toBe(false);
        expect(await store.read(executionId)).toEqual(successor);
      });

      it('changes nothing when another attempt has the lease', async () => {
        const old = await acquire(0, 0);
        const current = await acquire(0, 0, { now: NOW + 31_000, expires: NOW + 60_000 });
        expect(await store.commit(old, 'completed', NOW + 32_000)).toBe(false);
        expect(await store.read(executionId)).toEqual(current);
      });

      it('changes nothing when there is no lock', async () => {
        const lease: Lease = { executionId, step: 0, parent: 0, fence: 1, expires: NOW };
        expect(await store.commit(lease, 'completed', NOW)).toBe(false);
        expect(await store.read(executionId)).toBeUndefined();
      });
    });

    describe('install', () => {
      const lock = (more: Partial<Lock> = {}): Lock => ({
        ...{ executionId, machine: 'order', step: 7, fence: 2 ** 32 + 9, parent: 8, holder: 'me', expires: NOW + 30_000, released: 8 },
        ...{ done: false, status: 'running', state: 'charging', place: PLACE, startedAt: NOW - 1, updatedAt: NOW, ...more },
      });

      it('takes a lock over where there is none, and it can be acquired from there on', async () => {
        expect(await store.install(lock(), 8)).toEqual({ acquired: true, lock: lock() });
        expect(await store.read(executionId)).toEqual(lock());
        expect(await acquire(8, 2 ** 32 + 9)).toMatchObject({ step: 8, fence: 2 ** 32 + 10, startedAt: NOW - 1 });
      });

      it('replaces a lock whose fence is smaller, with all that it has', async () => {
        await store.commit(await acquire(0, 0, { place: PLACE }), 'completed', NOW);
        const { place: _, ...bare } = lock();
        expect((await store.install(bare, 2)).acquired).toBe(true);
        expect(await store.read(executionId)).toEqual(bare);
      });

      it('leaves a lock whose fence is not, and brings it along', async () => {
        const held = await acquire(0, 0);
        expect(await store.install(lock(), 1)).toEqual({ acquired: false, lock: held });
        expect(await store.read(executionId)).toEqual(held);
      });

      it('lets exactly one of many win', async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => store.install(lock({ holder: `holder-${index}` }), 8)));
        expect(answers.filter(({ acquired }) => acquired)).toHaveLength(1);
      });

      it('knows its own lock again', async () => {
        await store.install(lock(), 8);
        expect(await store.install(lock(), 8)).toEqual({ acquired: true, lock: lock() });
      });

      it.each<ExecutionStatus>(['parked', 'completed', 'failed', 'cancelled'])('takes over that it is %s', async (status) => {
        const ended = lock({ done: true, status, expires: 0 });
        await store.install(ended, 8);
        expect(await store.read(executionId)).toEqual(ended);
      });
    });

    describe('cancel', () => {
      it.each<ExecutionStatus>(['running', 'parked', 'failed'])('ends an execution that is %s', async (status) => {
        await acquire(0, 0);
        const lease = await acquire(1, 1);
        await store.commit(lease, status, NOW + 1);
        const cancelled = { ...lease, done: true, status: 'cancelled', expires: 0, fence: 3, updatedAt: NOW + 2 };
        expect(await store.cancel(executionId, NOW + 2)).toEqual(cancelled);
        expect(await store.read(executionId)).toEqual(cancelled);
      });

      it('takes the step away from whoever holds it, and from what he sends', async () => {
        const lease = await acquire(0, 0);
        await store.cancel(executionId, NOW + 1);
        expect(await store.commit(lease, 'completed', NOW + 2)).toBe(false);
        await store.release(lease);
        await expectRefused(0, 0, { now: NOW + 60_000 });
        await expectRefused(1, 1, { now: NOW + 60_000 });
        expect(await store.reopen(executionId, 1, NOW + 3)).toBe(false);
        expect(await store.reopen(executionId, 2, NOW + 3)).toBe(false);
      });

      it('is not undone by a holder who asks once more', async () => {
        await acquire(0, 0, { holder: 'me' });
        await store.cancel(executionId, NOW + 1);
        await expectRefused(0, 0, { holder: 'me' });
      });

      it('answers the same when it is made once more', async () => {
        await acquire(0, 0);
        const cancelled = await store.cancel(executionId, NOW + 1);
        expect(await store.cancel(executionId, NOW + 2)).toEqual(cancelled);
      });

      it('leaves an execution that has completed as it is', async () => {
        await store.commit(await acquire(0, 0), 'completed', NOW);
        const completed = await store.read(executionId);
        expect(await store.cancel(executionId, NOW + 1)).toEqual(completed);
        expect(await store.read(executionId)).toEqual(completed);
      });

      it('makes no lock where there is none', async () => {
        expect(await store.cancel(executionId, NOW)).toBeUndefined();
        expect(await store.read(executionId)).toBeUndefined();
      });
    });

    describe('reopen', () => {
      it('makes a failed step runnable again', async () => {
        await acquire(0, 0);
        const lease = await acquire(1, 1);
        await store.commit(lease, 'failed', NOW + 1);
        expect(await store.reopen(executionId, 2, NOW + 2)).toBe(true);
        expect(await store.read(executionId)).toMatchObject({ done: false, status: 'running', released: 2, fence: 2, updatedAt: NOW + 2 });
        expect(await acquire(1, 1, { now: NOW + 3 })).toMatchObject({ fence: 3, status: 'running' });
      });

      it('is not undone by the commit of the failure that comes once more, late', async () => {
        const lease = await acquire(0, 0);
        await store.commit(lease, 'failed', NOW + 1);
        await store.reopen(executionId, 1, NOW + 2);
        expect(await store.commit(lease, 'failed', NOW + 3)).toBe(false);
        expect(await store.read(executionId)).toMatchObject({ done: false, status: 'running', released: 1, fence: 1 });
      });

      it('leaves a later failure of the same step as it is', async () => {
        await store.commit(await acquire(0, 0), 'failed', NOW);
        await store.reopen(executionId, 1, NOW + 1);
        await store.commit(await acquire(0, 0, { now: NOW + 2 }), 'failed', NOW + 3);
        const failed = await store.read(executionId);
        expect(await store.reopen(executionId, 1, NOW + 4)).toBe(false);
        expect(await store.read(executionId)).toEqual(failed);
      });

      it('changes nothing unless the very attempt has failed', async () => {
        expect(await store.reopen(executionId, 1, NOW)).toBe(false);
        const lease = await acquire(0, 0);
        expect(await store.reopen(executionId, 1, NOW)).toBe(false);
        await store.commit(lease, 'failed', NOW + 1);
        const failed = await store.read(executionId);
        expect(await store.reopen(executionId, 0, NOW + 2)).toBe(false);
        expect(await store.reopen(executionId, 2, NOW + 2)).toBe(false);
        expect(await store.read(executionId)).toEqual(failed);
      });

      it.each<ExecutionStatus>(['parked', 'completed', 'cancelled'])('changes nothing when the execution is %s', async (status) => {
        await store.commit(await acquire(0, 0), status, NOW);
        expect(await store.reopen(executionId, 1, NOW + 2)).toBe(false);
        expect(await store.read(executionId)).toMatchObject({ done: true, status });
      });
    });
  });
}
