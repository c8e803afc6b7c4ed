/* eslint-disable no-bitwise -- the generator mixes bits */

/**
 * A random number generator that is determined by its seed: the same seed produces the same numbers on every machine.
 *
 * The generator is Mulberry32, with 32 bits of state: sufficient for tests, unsuitable for secrets.
 */
export class SeededRandom {
  private state: number;
  private ids = 0;

  /** @param seed any integer or string */
  constructor(public readonly seed: number | string) {
    this.state = hash(String(seed));
  }

  /** Returns a number from 0 (inclusive) to 1 (exclusive). */
  public next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** Returns an id that is unique for this seed. */
  public id(): string {
    this.ids += 1;
    return `${hash(String(this.seed)).toString(16).padStart(8, '0')}-${this.ids}`;
  }

  /** Returns an integer from `min` to `max`, both inclusive. */
  public between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** Returns true with this probability: 0 to 1. Draws no number if the result is certain. */
  public chance(share: number): boolean {
    return share >= 1 || (share > 0 && this.next() < share);
  }

  /**
   * Returns one of the items.
   *
   * @throws RangeError if there are none
   */
  public pick<T>(items: readonly T[]): T {
    if (items.length === 0) {
      throw new RangeError('Cannot pick from an empty list.');
    }
    // The index is within the list, which is not empty.
    return items[this.between(0, items.length - 1)] as T;
  }

  /**
   * Returns an independent generator that is determined by this seed and a name. Parts of a test with separate generators do not influence
   * each other: an additional fault does not change the jitter of retries.
   */
  public fork(name: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${name}`);
  }
}

/** FNV-1a with a finalizer, so that similar seeds begin with different numbers. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
