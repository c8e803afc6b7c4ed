import { Batcher, IdleTracker } from '../../../../lambda/engine/dispatch/batcher';
import { VirtualClock, settle } from '../../../../lambda/testing/determinism/virtual-clock';

interface Options {
  readonly maxEntries?: number;
  readonly maxBytes?: number;
  readonly answer?: (entries: readonly string[]) => Promise<readonly string[]>;
}

function setUp(options: Options = {}) {
  const clock = new VirtualClock(0);
  const idle = new IdleTracker();
  const batches: string[][] = [];
  const batcher = new Batcher<string, string>(
    {
      maxEntries: options.maxEntries ?? 10,
      maxBytes: options.maxBytes ?? 1_000,
      bytesOf: (entry) => entry.length,
      send: async (entries) => {
        batches.push([...entries]);
        return options.answer ? options.answer(entries) : entries.map((entry) => entry.toUpperCase());
      },
    },
    idle,
    clock,
    20,
  );
  return { clock, idle, batcher, batches };
}

test('sends a batch when all work waits for it', async () => {
  const { idle, batcher, batches } = setUp();
  const answers = await Promise.all(
    ['a', 'b', 'c'].map((entry) =>
      idle.work(async () => {
        for (let turn = 0; turn < entry.charCodeAt(0) - 96; turn++) await settle();
        return batcher.add(entry);
      }),
    ),
  );
  expect(batches).toEqual([['a', 'b', 'c']]);
  expect(answers).toEqual(['A', 'B', 'C']);
});

test('joins the entries that follow a batch into one batch again', async () => {
  const { idle, batcher, batches } = setUp();
  await Promise.all(['a', 'b', 'c'].map((entry) => idle.work(async () => batcher.add(await batcher.add(entry)))));
  expect(batches).toEqual([
    ['a', 'b', 'c'],
    ['A', 'B', 'C'],
  ]);
});

test('delays other work at most by the linger time', async () => {
  const { clock, idle, batcher, batches } = setUp();
  const slow = idle.work(async () => {
    await clock.sleep(60_000);
    return batcher.add('slow');
  });
  const quick = idle.work(() => batcher.add('quick'));
  await settle();
  expect(batches).toEqual([]);
  clock.jump();
  await expect(quick).resolves.toBe('QUICK');
  expect(clock.now()).toBe(20);
  clock.jump();
  await expect(slow).resolves.toBe('SLOW');
});

test('never exceeds the entries and the bytes that a request may have', async () => {
  const { idle, batcher, batches } = setUp({ maxEntries: 2, maxBytes: 5 });
  await Promise.all(['aaa', 'bbb', 'c', 'd', 'e'].map((entry) => idle.work(() => batcher.add(entry))));
  expect(batches).toEqual([['aaa'], ['bbb', 'c'], ['d', 'e']]);
});

test('rejects all entries of a failed request, and only the entry that got no answer', async () => {
  const failing = setUp({ answer: async () => Promise.reject(new Error('down')) });
  await expect(failing.idle.work(() => failing.batcher.add('a'))).rejects.toThrow('down');
  const dropping = setUp({ answer: async (entries) => entries.slice(0, -1) });
  const [kept, dropped] = await Promise.allSettled(
    ['a', 'b'].map((entry) => dropping.idle.work(() => dropping.batcher.add(entry))),
  );
  expect(kept).toMatchObject({ status: 'fulfilled', value: 'a' });
  expect(dropped).toMatchObject({
    status: 'rejected',
    reason: new Error('The service returned no answer for this entry.'),
  });
});
