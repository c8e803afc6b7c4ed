import { SeededRandom } from '../../../../lambda/testing';
import { settle, VirtualClock } from '../../../../lambda/testing/determinism/virtual-clock';

describe('VirtualClock', () => {
  test('stands still until it is advanced, and then jumps to the next timer', async () => {
    const clock = new VirtualClock(1000);
    const woken: string[] = [];
    void clock.sleep(3_600_000).then(() => woken.push('hour'));
    void clock.sleep(50).then(() => woken.push('first'));
    await settle();
    expect([woken, clock.now(), clock.nextTimer]).toEqual([[], 1000, 1050]);
    expect(clock.jump()).toBe(true);
    await settle();
    expect([woken, clock.now()]).toEqual([['first'], 1050]);
    expect(clock.jump()).toBe(true);
    await settle();
    expect([woken, clock.now(), clock.nextTimer]).toEqual([['first', 'hour'], 3_601_000, undefined]);
    expect(clock.jump()).toBe(false);
    expect(clock.now()).toBe(3_601_000);
  });

  test('does not advance beyond the limit', () => {
    const clock = new VirtualClock(0);
    let fired = 0;
    clock.schedule(100, () => fired++);
    expect(clock.jump(99)).toBe(false);
    expect([clock.now(), fired]).toEqual([99, 0]);
    expect(clock.jump(100)).toBe(true);
    expect([clock.now(), fired]).toEqual([100, 1]);
  });

  test('fires timers of the same time in the order in which they were set, including past ones', () => {
    const clock = new VirtualClock(10);
    const fired: string[] = [];
    clock.schedule(20, () => fired.push('b'));
    clock.schedule(20, () => fired.push('c'));
    clock.schedule(5, () => fired.push('a'));
    clock.schedule(21, () => fired.push('d'));
    clock.jump();
    expect([fired, clock.now()]).toEqual([['a'], 10]);
    clock.jump();
    expect([fired, clock.now()]).toEqual([['a', 'b', 'c'], 20]);
  });

  test('cancels timers, and ends a sleep whose signal is aborted', async () => {
    const clock = new VirtualClock(0);
    const cancel = clock.schedule(10, () => {
      throw new Error('the timer was canceled');
    });
    cancel();
    cancel();
    const abort = new AbortController();
    let woken = 0;
    void clock.sleep(20, abort.signal).then(() => woken++);
    abort.abort();
    await clock.sleep(20, abort.signal);
    await settle();
    expect([woken, clock.nextTimer]).toEqual([1, undefined]);
  });

  test('rejects a timer without a time', () => {
    expect(() => new VirtualClock().schedule(NaN, () => undefined)).toThrow('NaN');
  });
});

describe('SeededRandom', () => {
  const numbers = (random: SeededRandom) => Array.from({ length: 1000 }, () => random.next());

  test('produces the same numbers for the same seed, and different ones for another seed', () => {
    expect(numbers(new SeededRandom(7))).toEqual(numbers(new SeededRandom(7)));
    expect(numbers(new SeededRandom(7))[0]).not.toEqual(numbers(new SeededRandom(8))[0]);
    expect(numbers(new SeededRandom(7).fork('a'))[0]).not.toEqual(numbers(new SeededRandom(7).fork('b'))[0]);
  });

  test('produces the same numbers as earlier versions, so that recorded seeds stay valid', () => {
    expect(numbers(new SeededRandom(1)).slice(0, 3)).toMatchInlineSnapshot(`
[
  0.2608546952251345,
  0.45291574695147574,
  0.9308876520954072,
]
`);
  });

  test('is uniformly distributed', () => {
    const tenths = Array(10).fill(0) as number[];
    for (let seed = 0; seed < 20; seed++) {
      numbers(new SeededRandom(seed)).forEach((number) => tenths[Math.floor(number * 10)]!++);
    }
    tenths.forEach((count) => expect(Math.abs(count - 2000)).toBeLessThan(200));
  });

  test('respects its bounds', () => {
    const random = new SeededRandom('bounds');
    const drawn = new Set(Array.from({ length: 200 }, () => random.between(3, 5)));
    expect([...drawn].sort()).toEqual([3, 4, 5]);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
    expect(Array.from({ length: 1000 }, () => random.chance(0.3)).filter(Boolean).length / 1000).toBeCloseTo(0.3, 1);
    expect(() => random.pick([])).toThrow('empty');
  });

  test('never repeats an id', () => {
    const ids = ['a', 'b'].flatMap((seed) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 100 }, () => random.id());
    });
    expect(new Set(ids).size).toBe(200);
  });
});
