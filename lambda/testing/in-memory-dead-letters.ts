import type { DeadLetter, DeadLetterStore } from '../engine';

/** A {@link DeadLetterStore} in memory. */
export class InMemoryDeadLetters implements DeadLetterStore {
  private readonly kept: DeadLetter[] = [];

  /** All dead letters, oldest first. */
  public get letters(): readonly DeadLetter[] {
    return [...this.kept];
  }

  public async put(letter: DeadLetter): Promise<void> {
    this.kept.push(Object.freeze({ ...letter }));
  }
}
