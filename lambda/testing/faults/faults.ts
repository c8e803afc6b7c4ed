import type { SeededRandom } from '../determinism/seeded-random';

/**
 * The calls to the services of a workflow: all transports of a kind, one transport, a port, or one method of a port. The compiler checks
 * that every method of the ports is listed.
 */
export type ServiceCall =
  | 'eventSources'
  | `eventSources[${number}]`
  | `eventSources[${number}].${'send' | 'readBack'}`
  | 'retryQueues'
  | `retryQueues[${number}]`
  | `retryQueues[${number}].${'send' | 'readBack' | 'due' | 'remove'}`
  | 'locks'
  | `locks.${'acquire' | 'release' | 'commit' | 'read' | 'recordStart' | 'reopen' | 'cancel'}`
  | 'running'
  | `running.${'read' | 'enter' | 'leave'}`
  | 'journal'
  | `journal.${'write' | 'read' | 'page' | 'expire'}`
  | 'mailbox'
  | `mailbox.${'put' | 'first' | 'read' | 'remove' | 'list' | 'find' | 'hide' | 'createSecret' | 'readSecret' | 'expire'}`
  | 'deadLetters'
  | 'deadLetters.put'
  | 'requests'
  | `requests.${string}`;

/**
 * The calls that a fault can target:
 *
 * - an action (`actions.charge`), or all actions (`actions`);
 * - a method of a port (`locks.acquire`), or a whole port (`journal`);
 * - one transport (`eventSources[0]` is the primary event source, `eventSources[1]` the failover), or all of them (`eventSources`);
 * - the same calls made by a client, with the prefix `client` (`client.locks.read`).
 *
 * If the ports are AWS adapters, `requests` targets the requests that they send, by service and operation
 * (`requests.dynamodb.UpdateItem`). One call of a port may send several requests.
 */
export type CallName = ServiceCall | 'actions' | `actions.${string}` | 'client' | `client.${ServiceCall}`;

/** Selects the calls that a fault affects. Without `call` and `share`, it affects all calls named by `on`. */
export interface FaultTarget {
  /**
   * The target.
   *
   * @default - all calls of the workflow's function, and no calls of clients
   */
  readonly on?: CallName;
  /**
   * Affects only the call with this number, or only the calls with these numbers: integers ≥ 1. Each rule counts its own targets.
   *
   * @default - all calls
   */
  readonly call?: number | readonly number[];
  /**
   * Affects only this fraction of the calls: 0 to 1. The seed selects them.
   *
   * @default 1
   */
  readonly share?: number;
  /**
   * The start of the fault, in milliseconds of virtual time since the workflow was created.
   *
   * @default 0
   */
  readonly from?: number;
  /**
   * The end of the fault (exclusive), in milliseconds of virtual time since the workflow was created.
   *
   * @default Infinity
   */
  readonly until?: number;
}

/** Whether the fault occurs before or after the call takes effect. The caller cannot tell the difference. */
export type FaultEffect = 'before' | 'after';

/** A fault. Without `effect`, the seed decides whether it occurs before or after the call takes effect, with equal probability. */
export type Fault =
  /**
   * The call rejects. For a batch, `entries` fails individual entries instead of the call: a fraction of them (0 to 1), or the entries with
   * these indexes.
   */
  | {
      readonly fault: 'fail';
      readonly effect?: FaultEffect;
      readonly message?: string;
      readonly entries?: number | readonly number[];
    }
  /** The invocation crashes, and its execution environment loses its memory. */
  | { readonly fault: 'crash'; readonly effect?: FaultEffect }
  /**
   * The invocation freezes for `milliseconds` and then continues as if nothing had happened, even after its deadline and after its leases
   * have expired. By then, Lambda has reported the invocation as failed.
   */
  | { readonly fault: 'pause'; readonly effect?: FaultEffect; readonly milliseconds: number }
  /** The call takes `milliseconds`, or a random duration within a range. Half of it passes before the call takes effect, half after. */
  | { readonly fault: 'delay'; readonly milliseconds: number | readonly [min: number, max: number] }
  /** The call takes effect a second time, `milliseconds` later (default 0): a repeated request, or a duplicate message. */
  | { readonly fault: 'repeat'; readonly milliseconds?: number }
  /**
   * The service refuses what the call carries for good, before it takes effect, if its arguments contain this text. Of a batch, only the
   * entries that contain the text are refused.
   */
  | { readonly fault: 'refuse'; readonly containing: string };

/** A rule that injects faults. Rules are plain data, so a schedule of faults can be printed, stored and replayed. */
export type FaultRule = FaultTarget & Fault;

/** An injected fault, as the rule that injects exactly this fault again. */
export type FaultHit = FaultRule & { readonly on: CallName; readonly call: number };

/** An injected error: a failed call, or a refused one. */
export type InjectedFailure = InjectedError | InjectedRefusalError;

/** The faults planned for one call. */
export interface FaultPlan {
  readonly crash?: FaultEffect;
  readonly pause?: { readonly effect: FaultEffect; readonly milliseconds: number };
  readonly fail?: { readonly effect: FaultEffect; readonly error: InjectedFailure };
  /** The failing entries of a batch, by index. */
  readonly entries: ReadonlyMap<number, { readonly effect: FaultEffect; readonly error: InjectedFailure }>;
  /** Delays before and after the call takes effect, in milliseconds. */
  readonly delay: readonly [before: number, after: number];
  /** Milliseconds until the call takes effect a second time. */
  readonly repeat?: number;
}

/** Thrown by a call for which a `fail` fault was injected. */
export class InjectedError extends Error {
  public override readonly name = 'InjectedError';

  constructor(
    public readonly call: string,
    effect: FaultEffect,
    message: string = 'the service did not respond',
  ) {
    super(`Injected fault: ${call}: ${message} (${effect} it took effect).`);
  }
}

/** Thrown by a call for which a `refuse` fault was injected: its content is refused, however often it is sent. */
export class InjectedRefusalError extends Error {
  public override readonly name = 'InjectedRefusalError';

  constructor(public readonly call: string) {
    super(`Injected fault: ${call}: the service refuses the content of the call.`);
  }
}

const NO_FAULTS: FaultPlan = { entries: new Map(), delay: [0, 0] };

/** Decides which faults to inject into each call. */
export class Faults {
  private readonly injected: FaultHit[] = [];
  private readonly callsByName = new Map<string, number>();
  private readonly callsByRule: number[];

  /**
   * @param elapsed returns the milliseconds since the workflow was created
   * @throws RangeError if a rule is invalid or can never apply
   */
  constructor(
    private readonly rules: readonly FaultRule[],
    private readonly random: SeededRandom,
    private readonly elapsed: () => number,
  ) {
    rules.forEach(check);
    this.callsByRule = rules.map(() => 0);
  }

  /** The faults injected so far. Used as rules, they inject the same faults into an otherwise identical run. */
  public get hits(): readonly FaultHit[] {
    return [...this.injected];
  }

  /**
   * Plans the faults of the next call.
   *
   * @param entries the number of entries, if the call is a batch
   * @param content the entries of a batch, or the arguments of another call
   */
  public plan(name: CallName, entries: number = 0, content: readonly unknown[] = []): FaultPlan {
    const call = (this.callsByName.get(name) ?? 0) + 1;
    this.callsByName.set(name, call);
    const hits = this.rules.filter((rule, index) => this.aimsAt(rule, index, name));
    return hits.reduce<FaultPlan>((plan, rule) => this.add(plan, rule, name, call, entries, content), NO_FAULTS);
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

  private add(
    plan: FaultPlan,
    rule: FaultRule,
    on: CallName,
    call: number,
    entries: number,
    content: readonly unknown[],
  ): FaultPlan {
    if (rule.fault === 'refuse') return this.refuse(plan, rule.containing, on, call, entries > 0, content);
    const effect = 'effect' in rule && rule.effect ? rule.effect : this.random.chance(0.5) ? 'before' : 'after';
    switch (rule.fault) {
      case 'fail': {
        const error = new InjectedError(on, effect, rule.message);
        if (rule.entries === undefined) {
          this.injected.push({ on, call, fault: 'fail', effect, message: rule.message });
          return { ...plan, fail: { effect, error } };
        }
        const share = rule.entries;
        const failing =
          typeof share === 'number' ? [...Array(entries).keys()].filter(() => this.random.chance(share)) : share;
        if (failing.length > 0) {
          this.injected.push({ on, call, fault: 'fail', effect, message: rule.message, entries: failing });
        }
        return {
          ...plan,
          entries: new Map([...plan.entries, ...failing.map((index) => [index, { effect, error }] as const)]),
        };
      }
      case 'crash':
        this.injected.push({ on, call, fault: 'crash', effect });
        return { ...plan, crash: effect };
      case 'pause':
        this.injected.push({ on, call, fault: 'pause', effect, milliseconds: rule.milliseconds });
        return { ...plan, pause: { effect, milliseconds: rule.milliseconds } };
      case 'delay': {
        const total =
          typeof rule.milliseconds === 'number' ? rule.milliseconds : this.random.between(...rule.milliseconds);
        const before = Math.floor(total / 2);
        this.injected.push({ on, call, fault: 'delay', milliseconds: total });
        return { ...plan, delay: [before, total - before] };
      }
      case 'repeat':
        this.injected.push({ on, call, fault: 'repeat', milliseconds: rule.milliseconds });
        return { ...plan, repeat: rule.milliseconds ?? 0 };
    }
  }

  private refuse(
    plan: FaultPlan,
    containing: string,
    on: CallName,
    call: number,
    isBatch: boolean,
    content: readonly unknown[],
  ): FaultPlan {
    const refused = [...content.keys()].filter((index) => JSON.stringify(content[index])?.includes(containing));
    if (refused.length === 0) return plan;
    this.injected.push({ on, call, fault: 'refuse', containing });
    const failure = { effect: 'before', error: new InjectedRefusalError(on) } as const;
    if (!isBatch) return { ...plan, fail: failure };
    return { ...plan, entries: new Map([...plan.entries, ...refused.map((index) => [index, failure] as const)]) };
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
    problems.push(`"share" is ${rule.share}, expected a number from 0 to 1`);
  }
  if (rule.call !== undefined && ![rule.call].flat().every((call) => Number.isInteger(call) && call >= 1)) {
    problems.push('"call" must be an integer ≥ 1, or a list of them');
  }
  if ((rule.from ?? 0) >= (rule.until ?? Infinity)) {
    problems.push('"until" must be later than "from"');
  }
  if (
    'milliseconds' in rule &&
    rule.milliseconds !== undefined &&
    [rule.milliseconds].flat().some((milliseconds) => !(milliseconds >= 0))
  ) {
    problems.push('"milliseconds" must be ≥ 0');
  }
  if ('entries' in rule && typeof rule.entries === 'number' && !(rule.entries >= 0 && rule.entries <= 1)) {
    problems.push(`"entries" is ${rule.entries}, expected a fraction from 0 to 1 or a list of indexes`);
  }
  if (problems.length > 0) {
    throw new RangeError(`Invalid fault ${JSON.stringify(rule)}: ${problems.join('; ')}.`);
  }
}
