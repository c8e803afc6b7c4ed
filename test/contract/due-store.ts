import { dispatch } from './transport';
import type { Due, DueStore, Transport } from '../../lambda/engine/ports';

/** A moment that lies in the future of every clock that a store may have been given. */
const LATER = 2_900_000_000_000;

/**
 * What every store must do that a timer asks what is due: see {@link DueStore}.
 *
 * @param open makes an empty store, which is a retry queue, too; called before each test
 */
export function describeDueStoreContract(name: string, open: () => Promise<Transport & DueStore>): void {
  describe(`${name} as a due store`, () => {
    let store: Transport & DueStore;

    beforeEach(async () => {
      store = await open();
    });

    const due = async (until: number): Promise<Due[]> => {
      const all: Due[] = [];
      for await (const page of store.due(until)) {
        expect(page.length).toBeGreaterThan(0);
        expect(page.map(({ at }) => at)).toEqual(page.map(({ at }) => at).sort((a, b) => a - b));
        all.push(...page);
      }
      return all;
    };

    it('has nothing due when it is empty', async () => {
      expect(await due(LATER)).toEqual([]);
    });

    it('holds an envelope back to the millisecond, for any time', async () => {
      const late = dispatch('e', 0, { notBefore: LATER });
      await store.send([late]);
      expect(await due(LATER - 1)).toEqual([]);
      expect(await due(LATER)).toEqual([{ key: expect.any(String), body: late.body, at: LATER }]);
    });

    it('takes what has no time of its own for due', async () => {
      await store.send([dispatch('e', 0)]);
      expect(await due(LATER)).toHaveLength(1);
    });

    it('tells of everything that is due, and of nothing else', async () => {
      for (let start = 0; start < 60; start += 20) {
        await store.send(Array.from({ length: 20 }, (_, index) => dispatch(`execution-${start + index}`, 0, { notBefore: LATER + (start + index) * 10 })));
      }
      const found = await due(LATER + 449);
      expect(found.map(({ at }) => at).sort()).toEqual(Array.from({ length: 45 }, (_, index) => LATER + index * 10));
      expect(new Set(found.map(({ key }) => key)).size).toBe(45);
    });

    it('tells of large envelopes, whatever a page holds', async () => {
      const large = Array.from({ length: 6 }, (_, step) => dispatch('e', step, { text: 'x'.repeat(390_000), notBefore: LATER }));
      await store.send(large);
      expect((await due(LATER)).map(({ body }) => body).sort()).toEqual(large.map(({ body }) => body));
    });

    it('tells again of what was not removed', async () => {
      await store.send(Array.from({ length: 40 % store.maxBatchEntries }, (_, index) => dispatch(`a-${index}`, 0, { notBefore: LATER })));
      await store.send([dispatch('b', 0, { notBefore: LATER })]);
      const found = await due(LATER);
      const kept = found.find(({ body }) => body.includes('"b"'))!;
      await store.remove(found.filter(({ key }) => key !== kept.key));
      expect(await due(LATER)).toEqual([kept]);
    });

    it('removes many at once, what is gone, and nothing', async () => {
      for (let batch = 0; batch < 3; batch += 1) {
        await store.send(Array.from({ length: 20 }, (_, index) => dispatch(`a-${index}`, batch, { notBefore: LATER })));
      }
      const found = await due(LATER);
      await store.remove(found);
      await store.remove(found);
      await store.remove([]);
      expect(await due(LATER)).toEqual([]);
    });

    it('keeps an envelope that is stored twice for the same time once', async () => {
      const twice = dispatch('e', 3, { notBefore: LATER });
      await store.send([twice]);
      await store.send([twice]);
      expect(await due(LATER)).toEqual([{ key: expect.any(String), body: twice.body, at: LATER }]);
      await store.send([dispatch('e', 3, { notBefore: LATER + 1 })]);
      expect(await due(LATER + 1)).toHaveLength(2);
    });

    it('tells the timeout of a wait from the step that follows it', async () => {
      await store.send([dispatch('e', 3, { notBefore: LATER }), dispatch('e', 3, { notBefore: LATER, timeout: true })]);
      expect(await due(LATER)).toHaveLength(2);
    });

    it('does not remove what was stored again after it was told of', async () => {
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
