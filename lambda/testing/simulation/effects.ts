import type { Run } from '../../machine';

/** An effect that happened more than once under one idempotency key. */
export interface RepeatedEffect {
  /** The name of the effect. */
  readonly effect: string;
  readonly idempotencyKey: string;
  /** The number of times it happened: ≥ 2. */
  readonly times: number;
}

/**
 * A ledger of the external effects of actions, such as a payment, an email or a printed label. The test doubles of the actions record their
 * effects in it, and {@link simulate} reports the actions that repeat an effect when they are retried.
 *
 * ```ts
 * const effects = new Effects();
 * const payments = {
 *   // A service that deduplicates requests by their idempotency key:
 *   charge: (run: Run) => effects.once('charge', run, () => ({ receipt: 'r-1' })),
 *   // A service that does not:
 *   refund: (run: Run) => effects.record('refund', run),
 * };
 * ```
 */
export class Effects {
  private readonly times = new Map<string, Map<string, number>>();
  private readonly results = new Map<string, unknown>();

  /**
   * Records an effect of a service that does not deduplicate requests.
   *
   * @param effect the name of the effect, for the report
   * @param run the `run` argument of the action
   */
  public record(effect: string, run: Pick<Run, 'idempotencyKey'>): void {
    const times = this.times.get(effect) ?? new Map<string, number>();
    times.set(run.idempotencyKey, (times.get(run.idempotencyKey) ?? 0) + 1);
    this.times.set(effect, times);
  }

  /**
   * Records an effect of a service that deduplicates requests by their idempotency key: a repeated request has no effect.
   *
   * @param effect the name of the effect, for the report
   * @param run the `run` argument of the action
   * @param respond returns the service's response to the first request; repeated requests get the same response
   */
  public once<T>(effect: string, run: Pick<Run, 'idempotencyKey'>, respond: () => T): T {
    const key = JSON.stringify([effect, run.idempotencyKey]);
    if (!this.results.has(key)) {
      const result = respond();
      this.record(effect, run);
      this.results.set(key, result);
    }
    // It was stored by a call for the same effect, and a service responds to all requests for an effect with the same type.
    return this.results.get(key) as T;
  }

  /** Returns the number of times that the effect happened, under all idempotency keys. */
  public count(effect: string): number {
    return [...(this.times.get(effect)?.values() ?? [])].reduce((sum, times) => sum + times, 0);
  }

  /** The effects that happened more than once under one idempotency key. */
  public get repeated(): readonly RepeatedEffect[] {
    return [...this.times].flatMap(([effect, keys]) =>
      [...keys].filter(([, times]) => times > 1).map(([idempotencyKey, times]) => ({ effect, idempotencyKey, times })),
    );
  }

  /** Removes all records. */
  public clear(): void {
    this.times.clear();
    this.results.clear();
  }
}
