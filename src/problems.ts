import { Duration, Token } from 'aws-cdk-lib';

/** What is wrong with the properties of a construct: gathered, so that a user hears of everything at once. */
export class Problems {
  private readonly found: string[] = [];

  public add(...problems: readonly string[]): void {
    this.found.push(...problems);
  }

  /** Takes over the problems of a part, each preceded by the name of the property that the part was given as. */
  public addFrom(property: string, part: Problems): void {
    this.add(...part.found.map((problem) => `${property}: ${problem}`));
  }

  /** A value that is known only at deployment is left to AWS. */
  public wholeNumber(property: string, value: number | undefined, least: number, most: number, why: string): void {
    if (value === undefined || Token.isUnresolved(value)) return;
    if (!Number.isInteger(value) || value < least || value > most) {
      this.add(`${property} must be a whole number from ${least} to ${most} (${why}), but is ${value}.`);
    }
  }

  /** A duration that is known only at deployment is left to AWS. */
  public duration(property: string, value: Duration | undefined, least: Duration, most: Duration, why: string): void {
    if (value === undefined || value.isUnresolved()) return;
    const milliseconds = value.toMilliseconds();
    if (milliseconds % 1000 !== 0 || milliseconds < least.toMilliseconds() || milliseconds > most.toMilliseconds()) {
      const range = `${least.toHumanString()} to ${most.toHumanString()}`;
      this.add(`${property} must be whole seconds from ${range} (${why}), but is ${value.toHumanString()}.`);
    }
  }

  /** @throws Error that lists every problem, when there is one */
  public refuse(title: string): void {
    if (this.found.length === 0) return;
    const count = this.found.length === 1 ? 'one problem' : `${this.found.length} problems`;
    throw new Error([`${title}: ${count}:`, ...this.found.map((problem) => `  - ${problem.replaceAll('\n', '\n    ')}`)].join('\n'));
  }
}
