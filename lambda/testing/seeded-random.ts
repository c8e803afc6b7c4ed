/* eslint-disable no-bitwise -- mixing bits is what the generator does */
import type { Random } from '../engine';

/**
 * Random numbers that follow from a seed alone: the same seed gives the same numbers on every machine.
 *
 * The generator is Mulberry32: 32 bits of state, which is plenty for a schedule of faults and no good for secrets.
 */
export class SeededRandom implements Random {
  private state: number;
  private ids = 0;

  /** @param seed any whole number, or a text */
  constructor(public readonly seed: number | string) {
    this.state = hash(String(seed));
  }

  public next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A name that is unique among those of this seed: it counts, and tells the seed's stream apart. */
  public id(): string {
    this.ids += 1;
    return `${hash(String(this.seed)).toString(16).padStart(8, '0')}-${this.ids}`;
  }

  /** A whole number from `least` to `most`, both included. */
  public between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True for that share of the calls. Draws no number when the answer is certain. */
  public chance(share: number): boolean {
    return share >= 1 || (share > 0 && this.next() < share);
  }

  /** One of them. */
  public pick<T>(items: readonly T[]): T {
    if (items.length === 0) {
      throw new RangeError('There is nothing to pick from: the list is empty.');
    }
    // The index is within the list, which is not empty.
    return items[this.between(0, items.length - 1)] as T;
  }

  /**
   * Another stream of numbers from the same seed. Parts that have a stream each do not disturb each other: one fault more
   * leaves the jitter of the retries as it was.
   */
  public fork(name: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${name}`);
  }
}

/** FNV-1a, finished so that seeds which differ in one digit start far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
