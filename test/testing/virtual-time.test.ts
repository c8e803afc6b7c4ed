import { SeededRandom, settle, VirtualClock } from '../../lambda/testing';

describe('VirtualClock', () => {
  it('stands still until it is told to go on, and then jumps to the next timer', async () => {
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

  it('goes no further than the limit', () => {
    const clock = new VirtualClock(0);
    let fired = 0;
    clock.schedule(100, () => fired++);
    expect(clock.jump(99)).toBe(false);
    expect([clock.now(), fired]).toEqual([99, 0]);
    expect(clock.jump(100)).toBe(true);
    expect([clock.now(), fired]).toEqual([100, 1]);
  });

  it('fires timers of one moment in the order in which they were set, those that are past included', () => {
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

  it('takes timers back, and wakes a sleeper whose signal is aborted', async () => {
    const clock = new VirtualClock(0);
    const cancel = clock.schedule(10, () => { throw new Error('was taken back'); });
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

  it('refuses a timer without a time', () => {
    expect(() => new VirtualClock().schedule(NaN, () => undefined)).toThrow('NaN');
  });
});

describe('SeededRandom', () => {
  const numbers = (random: SeededRandom) => Array.from({ length: 1000 }, () => random.next());

  it('gives the same numbers for the same seed, and others for another', () => {
    expect(numbers(new SeededRandom(7))).toEqual(numbers(new SeededRandom(7)));
    expect(numbers(new SeededRandom(7))[0]).not.toEqual(numbers(new SeededRandom(8))[0]);
    expect(numbers(new SeededRandom(7).fork('a'))[0]).not.toEqual(numbers(new SeededRandom(7).fork('b'))[0]);
  });

  it('gives the numbers that it gave in earlier versions, so that a seed that someone noted down still means the same', () => {
    expect(numbers(new SeededRandom(1)).slice(0, 3)).toMatchInlineSnapshot(`
[
  0.2608546952251345,
  0.45291574695147574,
  0.9308876520954072,
]
`);
  });

  it('spreads evenly', () => {
    const tenths = Array(10).fill(0) as number[];
    for (let seed = 0; seed < 20; seed++) {
      numbers(new SeededRandom(seed)).forEach((number) => tenths[Math.floor(number * 10)]!++);
    }
    tenths.forEach((count) => expect(Math.abs(count - 2000)).toBeLessThan(200));
  });

  it('keeps to its bounds', () => {
    const random = new SeededRandom('bounds');
    const drawn = new Set(Array.from({ length: 200 }, () => random.between(3, 5)));
    expect([...drawn].sort()).toEqual([3, 4, 5]);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
    expect(Array.from({ length: 1000 }, () => random.chance(0.3)).filter(Boolean).length / 1000).toBeCloseTo(0.3, 1);
    expect(() => random.pick([])).toThrow('empty');
  });

  it('gives no id twice', () => {
    const ids = ['a', 'b'].flatMap((seed) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 100 }, () => random.id());
    });
    expect(new Set(ids).size).toBe(200);
  });
});
