import type { DeadLetter, DeadLetterStore } from '../../engine';

/** A {@link DeadLetterStore} in memory. */
export class InMemoryDeadLetters implements DeadLetterStore {
  private readonly stored: DeadLetter[] = [];

  /** All dead letters, oldest first. */
  public get letters(): readonly DeadLetter[] {
    return [...this.stored];
  }

  public async put(letter: DeadLetter): Promise<void> {
    this.stored.push(Object.freeze({ ...letter }));
  }
}
