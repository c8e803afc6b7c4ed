/** Number of names that are kept at either end. */
const KEPT = 10;

/** Maximum characters of all names together: a name may have 255. The last one is always kept. */
const MAX_CHARACTERS = 680;

/**
 * The states that a step enters, in order: one, and one more for each local transition. There may be any number of local transitions, and
 * the journal entry of the step has a limit, so only the first and the last states are kept.
 */
export class VisitedStates {
  private readonly first: string[] = [];
  private readonly last: string[] = [];
  private count = 0;

  public add(state: string): void {
    this.count += 1;
    if (this.first.length < KEPT) {
      this.first.push(state);
      return;
    }
    this.last.push(state);
    if (this.last.length > KEPT) this.last.shift();
  }

  /** The kept names, and the number of those that were omitted before the last of them. */
  public list(): { readonly states: readonly string[]; readonly omittedStates?: number } {
    const states = [...this.first, ...this.last];
    while (states.length > 1 && states.reduce((sum, { length }) => sum + length, 0) > MAX_CHARACTERS) {
      states.splice(Math.floor((states.length - 1) / 2), 1);
    }
    const omitted = this.count - states.length;
    return omitted === 0 ? { states } : { states, omittedStates: omitted };
  }
}
