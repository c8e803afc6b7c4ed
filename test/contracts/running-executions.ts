import type { RunningExecution, RunningExecutions } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;

/**
 * Tests the contract of {@link RunningExecutions}.
 *
 * @param open creates an empty store; called before each test
 */
export function describeRunningExecutionsContract(name: string, open: () => Promise<RunningExecutions>): void {
  describe(`${name} as a store of running executions`, () => {
    let store: RunningExecutions;
    beforeEach(async () => {
      store = await open();
    });

    const group = 'running order 0';
    const execution = (executionId: string, fence = 0, expires = NOW): RunningExecution => ({
      executionId,
      fence,
      expires,
    });
    const enter = (entering: RunningExecution, capacity = 2, into = group) => store.enter(into, capacity, entering);
    const counted = async (of = group) =>
      [...((await store.read([of]))[0] ?? [])].sort((a, b) => (a.executionId < b.executionId ? -1 : 1));

    test('counts up to the capacity', async () => {
      expect(await counted()).toEqual([]);
      expect(await enter(execution('a'))).toBe(true);
      expect(await enter(execution('b', 7, NOW + 1))).toBe(true);
      expect(await counted()).toEqual([execution('a'), execution('b', 7, NOW + 1)]);
      expect(await enter(execution('c'))).toBe(false);
      expect(await counted()).toHaveLength(2);
    });

    test('admits an execution after others have left', async () => {
      await enter(execution('a'), 1);
      await store.leave(group, 'a', 1);
      expect(await enter(execution('b'), 1)).toBe(true);
      expect(await counted()).toEqual([execution('b')]);
    });

    test('counts an execution once, even if it enters repeatedly or without room', async () => {
      for (const expires of [NOW, NOW + 5, NOW + 9]) expect(await enter(execution('a', 0, expires), 1)).toBe(true);
      expect(await counted()).toEqual([execution('a', 0, NOW + 9)]);
    });

    test('keeps the record with the larger fence', async () => {
      await enter(execution('a', 3, NOW));
      expect(await enter(execution('a', 2, NOW + 9))).toBe(true);
      expect(await counted()).toEqual([execution('a', 3, NOW)]);
      expect(await enter(execution('a', 3, NOW + 1))).toBe(true);
      expect(await enter(execution('a', 10, NOW + 2))).toBe(true);
      expect(await counted()).toEqual([execution('a', 10, NOW + 2)]);
    });

    test('keeps an execution that entered with the same or a larger fence', async () => {
      await enter(execution('a', 9));
      await store.leave(group, 'a', 8);
      await store.leave(group, 'a', 9);
      expect(await counted()).toHaveLength(1);
      await store.leave(group, 'a', 10);
      expect(await counted()).toEqual([]);
    });

    test('keeps an execution that has entered again since', async () => {
      await enter(execution('a', 0, NOW));
      await enter(execution('a', 0, NOW + 1));
      await store.leave(group, 'a', 1, NOW);
      expect(await counted()).toHaveLength(1);
      await store.leave(group, 'a', 1, NOW + 1);
      expect(await counted()).toEqual([]);
    });

    test('ignores an execution that leaves without having entered', async () => {
      await store.leave(group, 'a', 1);
      await enter(execution('b'));
      await store.leave(group, 'a', 1);
      await store.leave(group, 'b', 1);
      await store.leave(group, 'b', 1);
      expect(await counted()).toEqual([]);
    });

    test('counts nothing in a group without capacity', async () => {
      expect(await enter(execution('a'), 0)).toBe(false);
      await enter(execution('a'), 1);
      expect(await enter(execution('b'), 0)).toBe(false);
      expect(await enter(execution('a'), 0)).toBe(true);
    });

    test('returns whether the group counted the execution that leaves', async () => {
      expect(await store.leave(group, 'a', 1)).toBe(false);
      await enter(execution('a', 3));
      expect(await store.leave(group, 'b', 1)).toBe(false);
      expect(await store.leave(group, 'a', 3)).toBe(true);
      expect(await store.leave(group, 'a', 4)).toBe(true);
      expect(await store.leave(group, 'a', 4)).toBe(false);
    });

    test('reads ten groups in their order', async () => {
      const groups = Array.from({ length: 10 }, (_, index) => `running order ${index}`);
      await enter(execution('a'), 1, groups[7]);
      await enter(execution('b'), 1, groups[2]);
      const read = await store.read([...groups].reverse());
      expect(read.map((each) => each.map(({ executionId }) => executionId).join())).toEqual(
        [...'00a0000b00'].map((id) => (id === '0' ? '' : id)),
      );
    });

    test('separates groups', async () => {
      const other = 'running refund 0';
      await enter(execution('a'), 1);
      expect(await enter(execution('a'), 1, other)).toBe(true);
      await store.leave(other, 'a', 1);
      expect(await counted()).toEqual([execution('a')]);
    });

    test.each(['constructor', '__proto__', 'with.dots[0]#:', 'é', '!'.padEnd(128, '~')])(
      'counts an execution with the id %s',
      async (executionId) => {
        await enter(execution('a'));
        expect(await enter(execution(executionId))).toBe(true);
        expect(await enter(execution(executionId, 1))).toBe(true);
        expect(await enter(execution('c'))).toBe(false);
        await store.leave(group, executionId, 2);
        expect(await counted()).toEqual([execution('a')]);
      },
    );

    test('never exceeds the capacity under concurrent requests', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => enter(execution(`x${n}`), 5)));
      expect(answers.filter(Boolean)).toHaveLength(5);
      expect(await counted()).toHaveLength(5);
    });
  });
}
