import { Batcher, Rendezvous } from '../../lambda/engine/batcher';
import { VirtualClock, settle } from '../../lambda/testing/virtual-clock';

interface Options {
  readonly maxEntries?: number;
  readonly maxBytes?: number;
  readonly answer?: (entries: readonly string[]) => Promise<readonly string[]>;
}

function setUp(options: Options = {}) {
  const clock = new VirtualClock(0);
  const rendezvous = new Rendezvous();
  const batches: string[][] = [];
  const batcher = new Batcher<string, string>({
    maxEntries: options.maxEntries ?? 10,
    maxBytes: options.maxBytes ?? 1_000,
    bytesOf: (entry) => entry.length,
    send: async (entries) => {
      batches.push([...entries]);
      return options.answer ? options.answer(entries) : entries.map((entry) => entry.toUpperCase());
    },
  }, rendezvous, clock, 20);
  return { clock, rendezvous, batcher, batches };
}

test('a batch goes out when all work waits for it', async () => {
  const { rendezvous, batcher, batches } = setUp();
  const answers = await Promise.all(['a', 'b', 'c'].map((entry) => rendezvous.work(async () => {
    for (let turn = 0; turn < entry.charCodeAt(0) - 96; turn++) await settle();
    return batcher.add(entry);
  })));
  expect(batches).toEqual([['a', 'b', 'c']]);
  expect(answers).toEqual(['A', 'B', 'C']);
});

test('what follows a batch is a batch again, not one request an entry', async () => {
  const { rendezvous, batcher, batches } = setUp();
  await Promise.all(['a', 'b', 'c'].map((entry) => rendezvous.work(async () => batcher.add(await batcher.add(entry)))));
  expect(batches).toEqual([['a', 'b', 'c'], ['A', 'B', 'C']]);
});

test('a slow piece of work holds the others up no longer than the linger time', async () => {
  const { clock, rendezvous, batcher, batches } = setUp();
  const slow = rendezvous.work(async () => {
    await clock.sleep(60_000);
    return batcher.add('slow');
  });
  const quick = rendezvous.work(() => batcher.add('quick'));
  await settle();
  expect(batches).toEqual([]);
  clock.jump();
  await expect(quick).resolves.toBe('QUICK');
  expect(clock.now()).toBe(20);
  clock.jump();
  await expect(slow).resolves.toBe('SLOW');
});

test('a batch is never larger than a request takes, in entries or in bytes', async () => {
  const { rendezvous, batcher, batches } = setUp({ maxEntries: 2, maxBytes: 5 });
  await Promise.all(['aaa', 'bbb', 'c', 'd', 'e'].map((entry) => rendezvous.work(() => batcher.add(entry))));
  expect(batches).toEqual([['aaa'], ['bbb', 'c'], ['d', 'e']]);
});

test('a request that fails fails for each of its entries; an entry without an answer fails alone', async () => {
  const failing = setUp({ answer: async () => Promise.reject(new Error('down')) });
  await expect(failing.rendezvous.work(() => failing.batcher.add('a'))).rejects.toThrow('down');
  const dropping = setUp({ answer: async (entries) => entries.slice(0, -1) });
  const [kept, dropped] = await Promise.allSettled(['a', 'b'].map((entry) => dropping.rendezvous.work(() => dropping.batcher.add(entry))));
  expect(kept).toMatchObject({ status: 'fulfilled', value: 'a' });
  expect(dropped).toMatchObject({ status: 'rejected', reason: new Error('The service has not answered for this entry.') });
});
