import { AsyncLocalStorage } from 'node:async_hooks';
import { asError, type ActionLookup } from '../engine';
import { locationOf } from '../engine/step/failure';
import { loggable } from '../engine/step/loggable';
import type { Action, Logger, Run } from '../machine';

/** The attempt that started a piece of work. */
interface Origin {
  readonly key: string;
  readonly ids: { readonly executionId: string; readonly machine: string; readonly step: number };
}

/**
 * Finds the execution that caused an unhandled error: a rejected promise without a handler, or an exception in a callback.
 * Without it, Node.js ends the process, and with it the attempts of other executions, perhaps long after the action has ended.
 *
 *     execution 1   ── action leaves a promise behind ──┤
 *     execution 2                                    ── action runs ───────────────┤ completes
 *     the promise                                              ╳ rejects: is logged with the ids of execution 1
 *
 * If an action of the same attempt still runs, that action fails with the error.
 */
export class StrayErrors {
  private readonly origins = new AsyncLocalStorage<Origin>();
  /** The actions that run, by the key of their attempt: each function fails one of them. */
  private readonly running = new Map<string, Set<(error: Error) => void>>();

  /** @param logMessages whether the log contains the messages of the errors, which may contain payload */
  constructor(
    private readonly logger: Logger,
    private readonly logMessages = false,
  ) {}

  /** Handles all errors of the process that no other code handles. The runtime of AWS Lambda would end the process. */
  public watch(): void {
    for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
      process.removeAllListeners(event);
      process.on(event, (thrown: unknown) => this.report(thrown));
    }
  }

  /** Returns actions whose stray errors belong to their execution. */
  public over(actions: ActionLookup): ActionLookup {
    return (machine, name) => {
      const action = actions(machine, name);
      return action && ((context, run) => this.run(action, context, run));
    };
  }

  private run(action: Action, context: Parameters<Action>[0], run: Run): Promise<string | void> {
    const { executionId, fence, machine, step } = run;
    const origin: Origin = { key: JSON.stringify([machine, executionId, fence]), ids: { executionId, machine, step } };
    return new Promise((resolve, reject) => {
      const running = this.running.get(origin.key) ?? new Set();
      this.running.set(origin.key, running.add(reject));
      const ended = () => {
        running.delete(reject);
        if (running.size === 0) this.running.delete(origin.key);
      };
      // The function is async, so that an exception becomes a rejection.
      this.origins
        .run(origin, async () => action(context, run))
        .then(resolve, reject)
        .finally(ended);
    });
  }

  /** Reports an error that no code handles. Called in the asynchronous context of the code that caused it. */
  public report(thrown: unknown): void {
    const origin = this.origins.getStore();
    const error = asError(thrown);
    this.logger.error(
      origin
        ? `An action left work behind that failed with ${locationOf(error)}. Await every promise, and handle errors in callbacks.`
        : `Code outside of the actions failed with ${locationOf(error)}.`,
      { ...origin?.ids, ...(this.logMessages && loggable({ error })) },
    );
    this.running.get(origin?.key ?? '')?.forEach((fail) => fail(error));
  }
}
