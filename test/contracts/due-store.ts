import { dispatch } from './transport';
import type { Due, DueStore, Transport } from '../../lambda/engine/ports';

/** A future time for every clock that a store may use. */
const LATER = 2_900_000_000_000;

/**
 * Tests the contract of a {@link DueStore}.
 *
 * @param open creates an empty store, which is also a retry queue; called before each test
 */
export function describeDueStoreContract(name: string, open: () => Promise<Transport & DueStore>): void {
  describe(`${name} as a due store`, () => {
    let store: Transport & DueStore;

    beforeEach(async () => {
      store = await open();
    });

    const due = async (until: number): Promise<Due[]> => {
      const all: Due[] = [];
      for (let shard = 0; shard < store.shards; shard += 1) {
        const found: Due[] = [];
        for await (const page of store.due(until, shard)) {
          expect(page.length).toBeGreaterThan(0);
          found.push(...page);
        }
        expect(found.map(({ at }) => at)).toEqual(found.map(({ at }) => at).sort((a, b) => a - b));
        all.push(...found);
      }
      return all;
    };

    test('returns nothing when it is empty', async () => {
      expect(await due(LATER)).toEqual([]);
    });

    test('delays an envelope for any time, to the millisecond', async () => {
      const late = dispatch('e', 0, { notBefore: LATER });
      await store.send([late]);
      expect(await due(LATER - 1)).toEqual([]);
      expect(await due(LATER)).toEqual([{ key: expect.any(String), body: late.body, at: LATER }]);
    });

    test('returns an envelope without a due time immediately', async () => {
      await store.send([dispatch('e', 0)]);
      expect(await due(LATER)).toHaveLength(1);
    });

    test('returns everything that is due, and nothing else', async () => {
      for (let start = 0; start < 60; start += 20) {
        await store.send(
          Array.from({ length: 20 }, (_, index) =>
            dispatch(`execution-${start + index}`, 0, { notBefore: LATER + (start + index) * 10 }),
          ),
        );
      }
      const found = await due(LATER + 449);
      expect(found.map(({ at }) => at).sort()).toEqual(Array.from({ length: 45 }, (_, index) => LATER + index * 10));
      expect(new Set(found.map(({ key }) => key)).size).toBe(45);
    });

    test('returns large envelopes, independent of the size of a page', async () => {
      const large = Array.from({ length: 6 }, (_, step) =>
        dispatch('e', step, { text: 'x'.repeat(390_000), notBefore: LATER }),
      );
      await store.send(large);
      expect((await due(LATER)).map(({ body }) => body).sort()).toEqual(large.map(({ body }) => body));
    });

    test('returns an envelope again if it was not removed', async () => {
      await store.send(
        Array.from({ length: 40 % store.maxBatchEntries }, (_, index) =>
          dispatch(`a-${index}`, 0, { notBefore: LATER }),
        ),
      );
      await store.send([dispatch('b', 0, { notBefore: LATER })]);
      const found = await due(LATER);
      const kept = found.find(({ body }) => body.includes('"b"'))!;
      await store.remove(found.filter(({ key }) => key !== kept.key));
      expect(await due(LATER)).toEqual([kept]);
    });

    test('removes many entries at once, removed entries, and an empty list', async () => {
      for (let batch = 0; batch < 3; batch += 1) {
        await store.send(Array.from({ length: 20 }, (_, index) => dispatch(`a-${index}`, batch, { notBefore: LATER })));
      }
      const found = await due(LATER);
      await store.remove(found);
      await store.remove(found);
      await store.remove([]);
      expect(await due(LATER)).toEqual([]);
    });

    test('keeps one copy of an envelope that is stored twice for the same time', async () => {
      const twice = dispatch('e', 3, { notBefore: LATER });
      await store.send([twice]);
      await store.send([twice]);
      expect(await due(LATER)).toEqual([{ key: expect.any(String), body: twice.body, at: LATER }]);
      await store.send([dispatch('e', 3, { notBefore: LATER + 1 })]);
      expect(await due(LATER + 1)).toHaveLength(2);
    });

    test('distinguishes the timeout of a wait from the step that follows it', async () => {
      await store.send([dispatch('e', 3, { notBefore: LATER }), dispatch('e', 3, { notBefore: LATER, timeout: true })]);
      expect(await due(LATER)).toHaveLength(2);
    });

    test('does not remove an envelope that was stored again after it was returned', async () => {
      const again = dispatch('e', 3, { notBefore: LATER });
      await store.send([again]);
      const found = await due(LATER);
      await store.send([again]);
      await store.remove(found);
      const kept = await due(LATER);
      expect(kept).toHaveLength(1);
      await store.remove(kept);
      expect(await due(LATER)).toEqual([]);
    });
  });
}
