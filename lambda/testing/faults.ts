import type { SeededRandom } from './seeded-random';
import type { DeadLetterStore, LockStore, Mailbox, RunningExecutions } from '../engine';

/** The calls to the services of a workflow. */
export type ServiceCall =
  | 'eventSources' | `eventSources[${number}]` | `eventSources[${number}].${'send' | 'readBack'}`
  | 'retryQueues' | `retryQueues[${number}]` | `retryQueues[${number}].${'send' | 'readBack' | 'due' | 'remove'}`
  | 'locks' | `locks.${keyof LockStore}`
  | 'running' | `running.${keyof RunningExecutions}`
  | 'journal' | `journal.${'write' | 'read' | 'history' | 'expire'}`
  | 'mailbox' | `mailbox.${keyof Mailbox}`
  | 'deadLetters' | `deadLetters.${keyof DeadLetterStore}`
  | 'requests' | `requests.${string}`;

/**
 * The calls that faults can hit: one method of a port (`locks.acquire`), a whole port (`journal`), one transport
 * (`eventSources[0]` is the primary event source, `eventSources[1]` the failover) or all of them (`eventSources`), and the actions of the
 * machines (`actions.charge`). Calls of a client are named with `client` before.
 *
 * Where the ports are adapters to services, `requests` are what they send to these, by service and operation
 * (`requests.dynamodb.UpdateItem`): one call of a port may take several.
 */
export type CallName = ServiceCall | 'actions' | `actions.${string}` | 'client' | `client.${ServiceCall}`;

/** Which calls a fault hits. A fault without `call` and `share` hits all of them. */
export interface FaultTarget {
  /**
   * What is called.
   *
   * @default - everything that the workflow's function calls, so nothing that a client does
   */
  readonly on?: CallName;
  /** Only that one of the calls, counted from 1; or only those. */
  readonly call?: number | readonly number[];
  /** Only that share of the calls, from 0 to 1, chosen by the seed. */
  readonly share?: number;
  /**
   * Only calls made at least that many milliseconds after the beginning.
   *
   * @default 0
   */
  readonly from?: number;
  /**
   * Only calls made less than that many milliseconds after the beginning.
   *
   * @default Infinity
   */
  readonly until?: number;
}

/** Whether a call that goes wrong has taken effect: the caller of a service cannot tell. */
export type FaultEffect = 'before' | 'after';

/** What goes wrong. Where `effect` is left out, the seed chooses: one half before, one half after the call took effect. */
export type Fault =
  /** The call rejects. Of a batch, `entries` makes only that share of them (0 to 1), or those with these indexes, fail each by itself. */
  | { readonly fault: 'fail'; readonly effect?: FaultEffect; readonly message?: string; readonly entries?: number | readonly number[] }
  /** The invocation dies on the spot, with all that it has in memory. */
  | { readonly fault: 'crash'; readonly effect?: FaultEffect }
  /**
   * The invocation stands still for that long and then goes on as if nothing had happened, even past its deadline and the end of its
   * leases. The service has given the invocation up by then.
   */
  | { readonly fault: 'pause'; readonly effect?: FaultEffect; readonly milliseconds: number }
  /** The call takes that long, or from the first to the second number: one half before it takes effect, the other after. */
  | { readonly fault: 'delay'; readonly milliseconds: number | readonly [least: number, most: number] }
  /** The call takes effect once more, that much later: a request sent again, a message delivered twice. */
  | { readonly fault: 'repeat'; readonly milliseconds?: number };

/** A rule by which faults are injected. It is plain data, so that a schedule of faults can be printed, kept and replayed. */
export type FaultRule = FaultTarget & Fault;

/** A fault that was injected, in the form of the rule that injects this one alone again. */
export type FaultHit = FaultRule & { readonly on: CallName; readonly call: number };

/** What is to go wrong with one call. */
export interface FaultPlan {
  readonly crash?: FaultEffect;
  readonly pause?: { readonly effect: FaultEffect; readonly milliseconds: number };
  readonly fail?: { readonly effect: FaultEffect; readonly error: InjectedError };
  /** The entries of a batch that fail, by index. */
  readonly entries: ReadonlyMap<number, { readonly effect: FaultEffect; readonly error: InjectedError }>;
  /** Milliseconds before and after the call takes effect. */
  readonly delay: readonly [before: number, after: number];
  /** Milliseconds until it takes effect again. */
  readonly repeat?: number;
}

/** The error of a call that was made to fail. */
export class InjectedError extends Error {
  public override readonly name = 'InjectedError';

  constructor(public readonly call: string, effect: FaultEffect, message: string = 'the service does not answer') {
    super(`Injected fault: ${call}: ${message} (${effect} it took effect).`);
  }
}

const NO_FAULTS: FaultPlan = { entries: new Map(), delay: [0, 0] };

/** Decides, call by call, what goes wrong. */
export class Faults {
  private readonly injected: FaultHit[] = [];
  private readonly callsByName = new Map<string, number>();
  private readonly callsByRule: number[];

  /**
   * @param rules what goes wrong
   * @param random decides by chance
   * @param elapsed tells the milliseconds since the beginning
   * @throws RangeError when a rule can never hit or has impossible numbers
   */
  constructor(private readonly rules: readonly FaultRule[], private readonly random: SeededRandom, private readonly elapsed: () => number) {
    rules.forEach(check);
    this.callsByRule = rules.map(() => 0);
  }

  /** All faults injected so far. As rules, they inject the same faults into a run that is otherwise the same. */
  public get hits(): readonly FaultHit[] {
    return [...this.injected];
  }

  /**
   * What is to go wrong with a call that is about to be made.
   *
   * @param name of the call
   * @param entries how many entries it has, if it is a batch
   */
  public plan(name: CallName, entries: number = 0): FaultPlan {
    const call = (this.callsByName.get(name) ?? 0) + 1;
    this.callsByName.set(name, call);
    const hits = this.rules.filter((rule, index) => this.aimsAt(rule, index, name));
    return hits.reduce<FaultPlan>((plan, rule) => this.add(plan, rule, name, call, entries), NO_FAULTS);
  }

  private aimsAt(rule: FaultRule, index: number, name: CallName): boolean {
    const elapsed = this.elapsed();
    if (!isNamed(name, rule.on) || elapsed < (rule.from ?? 0) || elapsed >= (rule.until ?? Infinity)) {
      return false;
    }
    const call = (this.callsByRule[index] ?? 0) + 1;
    this.callsByRule[index] = call;
    if (rule.call !== undefined && ![rule.call].flat().includes(call)) {
      return false;
    }
    return this.random.chance(rule.share ?? 1);
  }

  private add(plan: FaultPlan, rule: FaultRule, on: CallName, call: number, entries: number): FaultPlan {
    const effect = 'effect' in rule && rule.effect ? rule.effect : this.random.chance(0.5) ? 'before' : 'after';
    switch (rule.fault) {
      case 'fail': {
        const error = new InjectedError(on, effect, rule.message);
        if (rule.entries === undefined) {
          this.injected.push({ on, call, fault: 'fail', effect, message: rule.message });
          return { ...plan, fail: { effect, error } };
        }
        const share = rule.entries;
        const failing = typeof share === 'number' ? [...Array(entries).keys()].filter(() => this.random.chance(share)) : share;
        if (failing.length > 0) {
          this.injected.push({ on, call, fault: 'fail', effect, message: rule.message, entries: failing });
        }
        return { ...plan, entries: new Map([...plan.entries, ...failing.map((index) => [index, { effect, error }] as const)]) };
      }
      case 'crash':
        this.injected.push({ on, call, fault: 'crash', effect });
        return { ...plan, crash: effect };
      case 'pause':
        this.injected.push({ on, call, fault: 'pause', effect, milliseconds: rule.milliseconds });
        return { ...plan, pause: { effect, milliseconds: rule.milliseconds } };
      case 'delay': {
        const total = typeof rule.milliseconds === 'number' ? rule.milliseconds : this.random.between(...rule.milliseconds);
        const before = Math.floor(total / 2);
        this.injected.push({ on, call, fault: 'delay', milliseconds: total });
        return { ...plan, delay: [before, total - before] };
      }
      case 'repeat':
        this.injected.push({ on, call, fault: 'repeat', milliseconds: rule.milliseconds });
        return { ...plan, repeat: rule.milliseconds ?? 0 };
    }
  }
}

function isNamed(name: string, on: string | undefined): boolean {
  if (on === undefined) {
    return !name.startsWith('client.');
  }
  return name === on || (name.startsWith(on) && ['.', '['].includes(name.charAt(on.length)));
}

function check(rule: FaultRule): void {
  const problems: string[] = [];
  if (rule.share !== undefined && !(rule.share >= 0 && rule.share <= 1)) {
    problems.push(`"share" is from 0 to 1, but is ${rule.share}`);
  }
  if (rule.call !== undefined && ![rule.call].flat().every((call) => Number.isInteger(call) && call >= 1)) {
    problems.push('"call" counts from 1');
  }
  if ((rule.from ?? 0) >= (rule.until ?? Infinity)) {
    problems.push('"until" is not later than "from"');
  }
  if ('milliseconds' in rule && rule.milliseconds !== undefined && [rule.milliseconds].flat().some((milliseconds) => !(milliseconds >= 0))) {
    problems.push('"milliseconds" is at least 0');
  }
  if ('entries' in rule && typeof rule.entries === 'number' && !(rule.entries >= 0 && rule.entries <= 1)) {
    problems.push(`"entries" is a share from 0 to 1 or a list of indexes, but is ${rule.entries}`);
  }
  if (problems.length > 0) {
    throw new RangeError(`The fault ${JSON.stringify(rule)} is impossible: ${problems.join('; ')}.`);
  }
}
