import type { RunningExecution, RunningExecutions } from '../../lambda/engine/ports';

const NOW = 1_900_000_000_000;

/**
 * What every store of running executions must do: see {@link RunningExecutions}.
 *
 * @param open makes an empty store; called before each test
 */
export function describeRunningExecutionsContract(name: string, open: () => Promise<RunningExecutions>): void {
  describe(`${name} as a store of running executions`, () => {
    let store: RunningExecutions;
    beforeEach(async () => { store = await open(); });

    const group = 'running order 0';
    const execution = (executionId: string, fence = 0, expires = NOW): RunningExecution => ({ executionId, fence, expires });
    const enter = (entering: RunningExecution, capacity = 2, into = group) => store.enter(into, capacity, entering);
    const counted = async () => [...await store.enter(group, 0, execution('nobody')) ?? []].sort((a, b) => a.executionId < b.executionId ? -1 : 1);

    it('counts up to the capacity, and tells who is counted when there is no more room', async () => {
      expect(await enter(execution('a'))).toBeUndefined();
      expect(await enter(execution('b', 7, NOW + 1))).toBeUndefined();
      expect(await counted()).toEqual([execution('a'), execution('b', 7, NOW + 1)]);
      expect(await enter(execution('c'))).toHaveLength(2);
      expect(await counted()).toHaveLength(2);
    });

    it('takes whoever comes when those before have left', async () => {
      await enter(execution('a'), 1);
      await store.leave(group, 'a', 1);
      expect(await enter(execution('b'), 1)).toBeUndefined();
      expect(await counted()).toEqual([execution('b')]);
    });

    it('counts an execution once, however often it enters, and also when there is no more room', async () => {
      for (const expires of [NOW, NOW + 5, NOW + 9]) expect(await enter(execution('a', 0, expires), 1)).toBeUndefined();
      expect(await counted()).toEqual([execution('a', 0, NOW + 9)]);
    });

    it('keeps the record with the larger fence', async () => {
      await enter(execution('a', 3, NOW));
      expect(await enter(execution('a', 2, NOW + 9))).toBeUndefined();
      expect(await counted()).toEqual([execution('a', 3, NOW)]);
      expect(await enter(execution('a', 3, NOW + 1))).toBeUndefined();
      expect(await enter(execution('a', 10, NOW + 2))).toBeUndefined();
      expect(await counted()).toEqual([execution('a', 10, NOW + 2)]);
    });

    it('lets none leave that has entered with the same or a larger fence', async () => {
      await enter(execution('a', 9));
      await store.leave(group, 'a', 8);
      await store.leave(group, 'a', 9);
      expect(await counted()).toHaveLength(1);
      await store.leave(group, 'a', 10);
      expect(await counted()).toEqual([]);
    });

    it('lets none leave that has entered again since', async () => {
      await enter(execution('a', 0, NOW));
      await enter(execution('a', 0, NOW + 1));
      await store.leave(group, 'a', 1, NOW);
      expect(await counted()).toHaveLength(1);
      await store.leave(group, 'a', 1, NOW + 1);
      expect(await counted()).toEqual([]);
    });

    it('bears it that who leaves was not there', async () => {
      await store.leave(group, 'a', 1);
      await enter(execution('b'));
      await store.leave(group, 'a', 1);
      await store.leave(group, 'b', 1);
      await store.leave(group, 'b', 1);
      expect(await counted()).toEqual([]);
    });

    it('keeps groups apart', async () => {
      const other = 'running refund 0';
      await enter(execution('a'), 1);
      expect(await enter(execution('a'), 1, other)).toBeUndefined();
      await store.leave(other, 'a', 1);
      expect(await counted()).toEqual([execution('a')]);
    });

    it.each(['constructor', '__proto__', 'with.dots[0]#:', 'é', '!'.padEnd(128, '~')])('counts an execution of the name %s', async (executionId) => {
      await enter(execution('a'));
      expect(await enter(execution(executionId))).toBeUndefined();
      expect(await enter(execution(executionId, 1))).toBeUndefined();
      expect(await enter(execution('c'))).toHaveLength(2);
      await store.leave(group, executionId, 2);
      expect(await counted()).toEqual([execution('a')]);
    });

    it('of many that come at once, takes no more than there is room for', async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => enter(execution(`x${n}`), 5)));
      expect(answers.filter((answer) => answer === undefined)).toHaveLength(5);
      expect(await counted()).toHaveLength(5);
    });
  });
}
