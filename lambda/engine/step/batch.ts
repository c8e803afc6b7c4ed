import type { DeliveryScope, InvocationScope } from './delivery-scope';
import { groupByExecution, type DecodedDelivery } from './group-by-execution';
import { postpone } from './postpone';
import { orRedeliver, processDelivery } from './process-delivery';
import { loggerFor } from './report';
import { Suspect } from './suspect';
import type { IdleTracker } from '../dispatch/batcher';
import { maxBodyBytes } from '../dispatch/envelope-sender';
import type { Delivery, Outcome } from '../ports';
import { postponedSuspect } from '../retries/waits';

/** The deliveries of one execution, from the one that a suspect step belongs to. */
interface DeferredGroup {
  readonly suspect: Suspect;
  readonly group: readonly DecodedDelivery[];
}

/**
 * Processes the deliveries of one invocation. Executions run concurrently; the deliveries of the same execution run in order.
 *
 * A suspect is a step whose latest attempt died: its actions may end this invocation as well. Suspects wait until all other executions of
 * the batch have ended, and then run one at a time, those with the fewest deaths first. A suspect acquires its lease only when it runs, so
 * the death of another one costs it nothing. Suspects that the remaining time does not suffice for are postponed, without an attempt:
 *
 *     healthy 1   ── runs ──┤
 *     healthy 2   ── runs ──────┤
 *     suspect 1                 ├── runs ──┤
 *     suspect 2                            ├── runs ── ends the invocation ╳
 *     suspect 3                                                               is redelivered, with nothing to repeat
 */
export class Batch {
  private readonly outcomes = new Map<string, Outcome>();
  private readonly groups: readonly (readonly DecodedDelivery[])[];
  private readonly deferred: DeferredGroup[] = [];
  /** The groups whose actions are running, or may run later. */
  private readonly active: Set<readonly DecodedDelivery[]>;
  private readonly began: number;

  constructor(
    private readonly scope: InvocationScope,
    private readonly idle: IdleTracker,
    deliveries: readonly Delivery[],
  ) {
    this.groups = groupByExecution(deliveries, maxBodyBytes(scope.ports));
    this.active = new Set(this.groups);
    this.began = scope.deadline.remainingMilliseconds();
  }

  /** @returns the answer for the source, by the id of each delivery */
  public async process(): Promise<ReadonlyMap<string, Outcome>> {
    const alone = this.groups.length === 1;
    // The workers share one iterator, so each group is processed once.
    const groups = this.groups.values();
    const work = async () => {
      for (const group of groups) await this.idle.work(() => this.run(group, alone));
    };
    await Promise.all(Array.from({ length: Math.min(this.scope.options.concurrency, this.groups.length) }, work));
    await this.runSuspects();
    return this.outcomes;
  }

  private async runSuspects(): Promise<void> {
    const suspects = this.deferred.splice(0).sort((a, b) => a.suspect.deaths - b.suspect.deaths);
    for (let next = suspects.shift(); next; next = suspects.shift()) {
      if (!this.hasTimeForSuspect()) {
        const unused = [next, ...suspects];
        await Promise.all(unused.map((each) => this.idle.work(() => this.giveBack(each, unused.length))));
        return;
      }
      const { group, suspect } = next;
      loggerFor(this.scope, suspect.envelope).warn(
        'The latest attempt died with its invocation, so this one runs alone.',
      );
      await this.idle.work(() => this.run(group, true));
    }
  }

  /** Whether at least half of an invocation remains: a suspect that has less may die of the lack of time, not of its actions. */
  private hasTimeForSuspect(): boolean {
    return this.scope.deadline.remainingMilliseconds() >= this.began / 2;
  }

  /** Processes the deliveries of one execution, up to a suspect step, which is deferred. */
  private async run(group: readonly DecodedDelivery[], alone: boolean): Promise<void> {
    for (const [index, { delivery, decoded }] of group.entries()) {
      const isLast = index === group.length - 1;
      const scope = this.scopeOf(delivery, alone, () => isLast && this.active.delete(group));
      const result = await processDelivery(scope, decoded);
      if (result instanceof Suspect) {
        const rest = group.slice(index);
        this.active.delete(group);
        this.active.add(rest);
        this.deferred.push({ suspect: result, group: rest });
        return;
      }
      this.outcomes.set(delivery.id, result);
    }
    this.active.delete(group);
  }

  private scopeOf(delivery: Delivery, alone: boolean, actionsEnded: () => void = () => undefined): DeliveryScope {
    const { active } = this;
    return { ...this.scope, delivery, alone, actionsEnded, hasNeighbors: () => active.size > 0 };
  }

  /** Postpones a suspect that this invocation has no time for, and the deliveries of the same execution that follow it. */
  private async giveBack({ group }: DeferredGroup, suspects: number): Promise<void> {
    const { ports } = this.scope;
    const notBefore = postponedSuspect(ports.clock.now(), suspects * this.began, ports.random);
    for (const { delivery, decoded } of group) {
      const scope = this.scopeOf(delivery, false);
      const outcome = await orRedeliver(scope, async () =>
        'envelope' in decoded ? postpone(scope, decoded.envelope, notBefore) : 'redeliver',
      );
      this.outcomes.set(delivery.id, outcome);
    }
  }
}
