import type { Run } from '../../machine';

/** An effect that happened more than once under one idempotency key. */
export interface RepeatedEffect {
  /** Name of the effect. */
  readonly effect: string;
  readonly idempotencyKey: string;
  /** How often it happened: ≥ 2. */
  readonly times: number;
}

/**
 * The ledger of what actions do to the world outside: a payment, a mail, a label printed. The stand-ins that a test gives to its actions
 * write into it, and {@link simulate} reads from it which action does something twice when it is run again.
 *
 * ```ts
 * const effects = new Effects();
 * const payments = {
 *   // A service that knows requests again by their key:
 *   charge: (run: Run) => effects.once('charge', run, () => ({ receipt: 'r-1' })),
 *   // One that does not:
 *   refund: (run: Run) => effects.record('refund', run),
 * };
 * ```
 */
export class Effects {
  private readonly times = new Map<string, Map<string, number>>();
  private readonly results = new Map<string, unknown>();

  /**
   * Something happens, whether it has happened before or not.
   *
   * @param effect name of the effect, for the report
   * @param run of the action that does it
   */
  public record(effect: string, run: Pick<Run, 'idempotencyKey'>): void {
    const times = this.times.get(effect) ?? new Map<string, number>();
    times.set(run.idempotencyKey, (times.get(run.idempotencyKey) ?? 0) + 1);
    this.times.set(effect, times);
  }

  /**
   * Something happens unless it has happened under this key: what a service does that recognises repeated requests.
   *
   * @param effect name of the effect, for the report
   * @param run of the action that does it
   * @param make what the service answers; it is called for the first request only, and all others get the same answer
   */
  public once<T>(effect: string, run: Pick<Run, 'idempotencyKey'>, make: () => T): T {
    const key = JSON.stringify([effect, run.idempotencyKey]);
    if (!this.results.has(key)) {
      const result = make();
      this.record(effect, run);
      this.results.set(key, result);
    }
    // Stored by a call with the same effect, whose service gives one type of answer.
    return this.results.get(key) as T;
  }

  /** How often the effect has happened, under all keys. */
  public count(effect: string): number {
    return [...this.times.get(effect)?.values() ?? []].reduce((sum, times) => sum + times, 0);
  }

  /** What has happened more than once under one key. */
  public get repeated(): readonly RepeatedEffect[] {
    return [...this.times].flatMap(([effect, keys]) => (
      [...keys].filter(([, times]) => times > 1).map(([idempotencyKey, times]) => ({ effect, idempotencyKey, times }))
    ));
  }

  /** Forgets everything, before another run. */
  public clear(): void {
    this.times.clear();
    this.results.clear();
  }
}
