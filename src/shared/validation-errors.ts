import { Token, type Duration } from 'aws-cdk-lib';

/** The range of an integer property, and its source. */
export interface IntegerRange {
  readonly min: number;
  /** Omit it if there is no upper bound. */
  readonly max?: number;
  /** The source of the range, for example `Lambda limit`. */
  readonly reason: string;
}

/** The range of a duration property in whole seconds, and its source. */
export interface DurationRange {
  readonly min: Duration;
  readonly max: Duration;
  /** The source of the range, for example `Lambda limit`. */
  readonly reason: string;
  /** Whether the AWS CDK accepts a value that is resolved at deployment. @default false */
  readonly acceptsTokens?: boolean;
}

/** Collects all errors in the properties of a construct, so that one synthesis reports every error. */
export class ValidationErrors {
  private readonly messages: string[] = [];

  public get isEmpty(): boolean {
    return this.messages.length === 0;
  }

  public add(...messages: readonly string[]): void {
    this.messages.push(...messages);
  }

  /** Adds the errors of a nested value, each prefixed with the property that holds the value. */
  public addFrom(property: string, nested: ValidationErrors): void {
    this.add(...nested.messages.map((message) => `${property}: ${message}`));
  }

  /** Skips tokens: AWS validates a value that is resolved at deployment. */
  public checkInteger(property: string, value: number | undefined, { min, max, reason }: IntegerRange): void {
    if (value === undefined || Token.isUnresolved(value)) return;
    if (Number.isSafeInteger(value) && value >= min && value <= (max ?? value)) return;
    const expected = max === undefined ? `an integer of at least ${min}` : `an integer from ${min} to ${max}`;
    this.add(`Invalid ${property} ${value}: expected ${expected} (${reason}).`);
  }

  public checkDuration(property: string, value: Duration | undefined, range: DurationRange): void {
    if (value === undefined) return;
    if (value.isUnresolved()) {
      // AWS validates a value that is resolved at deployment.
      if (!range.acceptsTokens) {
        this.add(
          `${property} must be known at synthesis. Use a number that is no token, for example Duration.seconds(60).`,
        );
      }
      return;
    }
    const { min, max, reason } = range;
    const milliseconds = value.toMilliseconds();
    if (milliseconds % 1000 === 0 && milliseconds >= min.toMilliseconds() && milliseconds <= max.toMilliseconds()) {
      return;
    }
    const expected = `${min.toHumanString()} to ${max.toHumanString()}`;
    this.add(`Invalid ${property} ${value.toHumanString()}: expected ${expected} in whole seconds (${reason}).`);
  }

  /**
   * @param subject the invalid construct, for example `workflow "Stack/Orders"`
   * @throws Error that lists all collected errors, if any
   */
  public throwIfAny(subject: string): void {
    if (this.messages.length === 0) return;
    const count = this.messages.length === 1 ? '1 error' : `${this.messages.length} errors`;
    throw new Error(
      [
        `Invalid ${subject}: ${count}:`,
        ...this.messages.map((message) => `  - ${message.replaceAll('\n', '\n    ')}`),
      ].join('\n'),
    );
  }
}

/** Formats names for a message: `"a", "b"`. */
export function quoteAll(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
