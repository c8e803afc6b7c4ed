import type { Envelope, ExecutionStatus, Lease, Lock } from '../../lambda/engine';
import type { Run } from '../../lambda/machine';

/** Maximum time by which a clock may be ahead of the clock of the simulation, in milliseconds. */
const MAX_SKEW_MS = 2_400;

/** A granted lease. */
interface Grant {
  readonly step: number;
  readonly parent: number;
  readonly fence: number;
  readonly holder: string;
  readonly at: number;
  /** Whether the attempt before it died. */
  readonly suspect: boolean;
  /** Number of other executions in the batch of its invocation. */
  readonly companions: number;
}

/** A running action. */
interface Running {
  readonly fence: number;
  readonly name: string;
  /** When its invocation must have ended, by the clock of the simulation. */
  readonly deadline: number;
  /** Whether its invocation is still alive. */
  readonly alive: () => boolean;
  readonly environment: string;
  readonly executionId: string;
  readonly suspect: boolean;
}

interface Execution {
  readonly grants: Grant[];
  readonly running: Set<Running>;
  /** Incarnations and fences of the attempts that began to send the next envelope. */
  readonly dispatched: Set<string>;
  /** The status of the latest fence's explicit commit. */
  committed?: ExecutionStatus;
  /** The execution was canceled, so none of its steps may begin. */
  cancelled?: boolean;
  /** The execution began, and has neither ended nor failed. */
  underWay: boolean;
  /** The idempotency keys of actions, in both directions: from the action to its key, and from the key to its action. */
  readonly keys: Map<string, string>;
  /** The issued callback tokens, by step. */
  readonly tokens: Map<number, string>;
  /** Events that were confirmed to a client, in the order of acceptance, and all events that clients tried to send. */
  readonly accepted: Mail[];
  readonly offered: Map<string, Mail>;
  /** The ids of the events that a client tried to drop, and of those that it was told are dropped. */
  readonly touched: Set<string>;
  readonly dropped: Set<string>;
}

/** An external event, and when it was first sent or accepted, by a counter. */
interface Mail {
  readonly id: string;
  readonly event: string;
  /** The only step whose wait may take it, if it came with a callback token. */
  readonly step?: number;
  readonly at: number;
}

/**
 * Checks the invariants of the protocol independently: from the granted leases, the actions that ran, and the answers that clients
 * received. It shares no code with the engine and trusts nothing that the engine reports about itself.
 */
export class Model {
  private readonly executions = new Map<string, Execution>();
  private readonly found = new Set<string>();
  /** The running executions that the limit covers. */
  private readonly counted = new Set<string>();
  /** The fence that a redriven envelope had failed with, by the holder of the lease that it requests. */
  private readonly redriven = new Map<string, number | undefined>();
  /** The number of other executions in the batch of the invocation that requested a lease, by its holder. */
  private readonly companions = new Map<string, number>();
  /** The running actions of all executions. */
  private readonly runningActions = new Set<Running>();
  private closed?: string;
  private moments = 0;

  /** @param limit maximum number of concurrent executions */
  constructor(
    private readonly now: () => number,
    private readonly limit: number = Infinity,
  ) {}

  /** All violations, each beginning with the invariant. */
  public get violations(): readonly string[] {
    return [...this.found];
  }

  public wrong(invariant: string, executionId: string, what: string): void {
    this.found.add(`${invariant} ${executionId}: ${what}`);
  }

  /** Forbids further actions. */
  public close(reason: string): void {
    this.closed = reason;
  }

  public grantsOf(executionId: string, step: number): number {
    return this.of(executionId).grants.filter((grant) => grant.step === step).length;
  }

  /** Returns when a step was acquired for the first time. */
  public firstGrantedAt(executionId: string, step: number): number | undefined {
    return this.of(executionId).grants.find((grant) => grant.step === step)?.at;
  }

  /** Returns when a step was acquired last. */
  public grantedAt(executionId: string, step: number): number {
    return (
      this.of(executionId)
        .grants.filter((grant) => grant.step === step)
        .at(-1)?.at ?? 0
    );
  }

  public acceptedBy(executionId: string) {
    const { accepted, offered, touched, dropped } = this.of(executionId);
    return { accepted, offered, touched, dropped };
  }

  // ---- granted leases ---------------------------------------------------------------------------------------------------

  /** I2, I4, I6: every lease continues the latest committed attempt, with the next fence. */
  public acquired(lock: Lock): void {
    const { executionId, step, parent, fence, holder, released } = lock;
    const execution = this.of(executionId);
    const last = execution.grants.at(-1);
    if (last?.fence === fence && last.holder === holder) return;
    if (fence > 1 && execution.cancelled) {
      this.wrong('I2', executionId, `step ${step} began although the execution was canceled`);
    }
    if (fence > 1 && execution.committed === 'completed') {
      this.wrong('I2', executionId, `step ${step} began although the execution had completed`);
    }
    if (fence !== (last?.fence ?? 0) + 1) {
      this.wrong(
        fence === 1 ? 'I6' : 'I4',
        executionId,
        fence === 1 ? 'was started a second time' : `fence ${fence} was granted after fence ${last?.fence ?? 0}`,
      );
    } else if (!last) {
      if (step !== 0) this.wrong('I2', executionId, `began with step ${step}`);
    } else if (step === last.step + 1) {
      if (parent !== last.fence) {
        this.wrong(
          'I2',
          executionId,
          `step ${step} continues fence ${parent}, although fence ${last.fence} was the last to run step ${last.step}`,
        );
      }
    } else if (step !== last.step || parent !== last.parent) {
      this.wrong(
        'I2',
        executionId,
        `step ${step} of parent ${parent} ran after step ${last.step} of parent ${last.parent}`,
      );
    } else if (execution.committed && execution.committed !== 'failed') {
      this.wrong('I2', executionId, `step ${step} ran again after it was committed as ${execution.committed}`);
    }
    if (!execution.underWay) this.begin(execution, lock, last?.fence);
    execution.committed = undefined;
    const suspect = fence - 1 > Math.max(parent, released);
    const companions = this.companions.get(holder) ?? 0;
    execution.grants.push({ step, parent, fence, holder, at: this.now(), suspect, companions });
  }

  /**
   * The limit: an execution begins only if there is room. This does not cover an invocation that must have ended by then, nor a duplicate
   * of a failed step's message that arrives after the step was redriven.
   */
  private begin(execution: Execution, { executionId, holder, expires }: Lock, failed?: number): void {
    execution.underWay = true;
    if (this.now() > expires - MAX_SKEW_MS || (failed !== undefined && this.redriven.get(holder) !== failed)) return;
    this.counted.add(executionId);
    if (this.counted.size > this.limit) {
      this.wrong(
        'limit',
        executionId,
        `began while ${[...this.counted].join(', ')} were running; expected at most ${this.limit}`,
      );
    }
  }

  private end(execution: Execution, executionId: string): void {
    execution.underWay = false;
    this.counted.delete(executionId);
  }

  /** I2: only the latest holder commits. */
  public committed({ executionId, fence }: Lease, status: ExecutionStatus): void {
    const execution = this.of(executionId);
    const last = execution.grants.at(-1);
    if (last?.fence !== fence) {
      this.wrong(
        'I2',
        executionId,
        `fence ${fence} committed as ${status}, although fence ${last?.fence} was granted since`,
      );
    }
    execution.committed = status;
    if (status === 'completed' || status === 'failed') this.end(execution, executionId);
  }

  /** I4: a cancellation takes the next fence, so that no envelope that was sent before continues the execution. */
  public cancelled({ executionId, step, parent, fence, holder }: Lock): void {
    const execution = this.of(executionId);
    const last = execution.grants.at(-1);
    if (execution.cancelled && last?.fence === fence) return;
    if (execution.committed === 'completed') this.wrong('I2', executionId, 'was canceled although it had completed');
    if (fence !== (last?.fence ?? 0) + 1) {
      this.wrong('I4', executionId, `was canceled with fence ${fence} after fence ${last?.fence ?? 0}`);
    }
    execution.cancelled = true;
    this.end(execution, executionId);
    execution.grants.push({ step, parent, fence, holder, at: this.now(), suspect: false, companions: 0 });
  }

  // ---- invocations ----------------------------------------------------------------------------------------------------------

  /**
   * An invocation requests a lease. A redriven envelope names the fence that it had failed with.
   *
   * @param companions number of other executions in the batch of the invocation
   */
  public asks(holder: string, redriven: number | undefined, companions: number): void {
    this.redriven.set(holder, redriven);
    this.companions.set(holder, companions);
  }

  /** I9: an execution failed because its invocations died. Only those in which it ran alone may count. */
  public diedOf(executionId: string, step: number, deaths: number): void {
    const grants = this.of(executionId).grants.filter((grant) => grant.step === step);
    const beside = grants.filter(({ companions, suspect }) => companions > 0 && !suspect).length;
    if (deaths > grants.length - 1 - beside) {
      this.wrong(
        'I9',
        executionId,
        `step ${step} failed after ${deaths} deaths, although ${beside} of its ${grants.length} attempts ran beside other executions`,
      );
    }
  }

  /**
   * An invocation begins to send an envelope. A step that it sends back waits with the attempts that it was delivered with, or with one more
   * if it ran. I9: one that did not run has used up no attempt.
   *
   * @param delivered the envelopes of the invocation's batch
   * @param since when the invocation began, in milliseconds since the epoch
   */
  public sends(
    { executionId, incarnation, step, parent, attempt }: Envelope,
    delivered: readonly Envelope[],
    since: number,
  ): void {
    const { dispatched, grants } = this.of(executionId);
    const attempts = delivered
      .filter((other) => other.incarnation === incarnation && other.step === step && other.parent === parent)
      .map((other) => other.attempt);
    // What is sent back was dispatched before, or is forged.
    if (attempts.length === 0) dispatched.add(`${incarnation} ${parent}`);
    const ran = grants.some((grant) => grant.step === step && grant.at >= since);
    if (attempts.length > 0 && !attempts.some((known) => attempt === known || (ran && attempt === known + 1))) {
      this.wrong(
        'attempts',
        executionId,
        `step ${step} was sent with attempt ${attempt}, although it was delivered with attempt ${attempts.join(', ')}${ran ? '' : ' and did not run'}`,
      );
    }
  }

  /** I3: an action begins: no other invocation may run actions of the execution. */
  public begins(
    name: string,
    { executionId, fence, step }: Run,
    deadline: number,
    alive: () => boolean,
    environment: string,
  ): () => void {
    const execution = this.of(executionId);
    const what = `fence ${fence} ran ${name} of step ${step}`;
    if (this.closed) this.wrong('I6', executionId, `${what}, ${this.closed}`);
    if (!execution.grants.some((grant) => grant.fence === fence && grant.step === step)) {
      this.wrong('I3', executionId, `${what} without a lease`);
    }
    const now = this.now();
    // A frozen invocation that others have replaced cannot be stopped, but it may not begin an action: see `calls`.
    if (now > deadline) return () => undefined;
    for (const other of execution.running) {
      if (!other.alive()) {
        execution.running.delete(other);
      } else if (other.fence !== fence && now < other.deadline) {
        this.wrong(
          'I3',
          executionId,
          `${what} while fence ${other.fence} was running ${other.name} with ${other.deadline - now} ms left`,
        );
      }
    }
    const suspect = execution.grants.some((grant) => grant.fence === fence && grant.suspect);
    const running: Running = { fence, name, deadline, alive, environment, executionId, suspect };
    this.checkNeighbors(running);
    execution.running.add(running);
    this.runningActions.add(running);
    return () => {
      execution.running.delete(running);
      this.runningActions.delete(running);
    };
  }

  /** I9: a step whose latest attempt died runs alone in its invocation. */
  private checkNeighbors(running: Running): void {
    for (const other of this.runningActions) {
      const isBeside = other.environment === running.environment && other.executionId !== running.executionId;
      if (!isBeside || other.deadline !== running.deadline || !(other.suspect || running.suspect)) continue;
      this.wrong(
        'I9',
        running.executionId,
        `fence ${running.fence} ran ${running.name} beside ${other.name} of ${other.executionId}, although the latest attempt of one of them had died`,
      );
    }
  }

  /** I3: an invocation calls an action: never after it must have ended, nor after it began to send the next envelope. */
  public calls(name: string, { executionId, incarnation, fence, step }: Run, deadline: number): void {
    const what = `fence ${fence} began ${name} of step ${step}`;
    if (this.now() > deadline) this.wrong('I3', executionId, `${what} after its invocation must have ended`);
    if (this.of(executionId).dispatched.has(`${incarnation} ${fence}`)) {
      this.wrong('I3', executionId, `${what} after it had begun to send the next envelope`);
    }
  }

  /**
   * An idempotency key is equal for each attempt at the same action of a step, and different for every other action.
   *
   * @param time number of earlier runs of the action in this state by the attempt: local transitions may enter a state more than once
   */
  public keys(name: string, { executionId, step, state, idempotencyKey }: Run, time: number): void {
    const { keys } = this.of(executionId);
    const what = `${name}(${state}) of step ${step}, time ${time}`;
    for (const [one, other] of [
      [what, idempotencyKey],
      [idempotencyKey, what],
    ] as const) {
      if ((keys.get(one) ?? other) !== other) {
        this.wrong('key', executionId, `"${one}" belongs to "${keys.get(one)}" and to "${other}"`);
      }
      keys.set(one, other);
    }
  }

  // ---- clients --------------------------------------------------------------------------------------------------------

  /** @param step the only step that may take it, if it comes with a callback token */
  public offers(executionId: string, id: string, event: string, step?: number): void {
    const { offered } = this.of(executionId);
    if (!offered.has(id)) offered.set(id, { id, event, step, at: this.moments++ });
  }

  public accepts(executionId: string, id: string, event: string, step?: number): void {
    const { accepted } = this.of(executionId);
    if (!accepted.some((mail) => mail.id === id)) accepted.push({ id, event, step, at: this.moments++ });
  }

  /** A client begins to drop an event. */
  public drops(executionId: string, id: string): void {
    this.of(executionId).touched.add(id);
  }

  /** A client learned that an event is dropped. */
  public dropped(executionId: string, id: string): void {
    this.of(executionId).dropped.add(id);
  }

  /** A step issues a callback token: the same in all its attempts, until the execution has ended. */
  public handsOut(executionId: string, step: number, token: string): void {
    const { tokens, cancelled, committed } = this.of(executionId);
    if (cancelled || committed === 'completed') return;
    if ((tokens.get(step) ?? token) !== token) {
      this.wrong('I1', executionId, `two attempts at step ${step} issued different tokens`);
    }
    tokens.set(step, token);
  }

  /**
   * A client learned that a token is spent.
   *
   * @param ended whether the execution has ended
   */
  public spends(executionId: string, step: number, ended: boolean): void {
    const last = this.of(executionId).grants.at(-1);
    if (!ended && last && last.step <= step) {
      this.wrong('I1', executionId, `the token of step ${step} was reported as spent in step ${last.step}`);
    }
  }

  /** The record of an ended execution has expired: its id may be used again, for an execution that shares nothing with it. */
  public forget(executionId: string): void {
    this.executions.delete(executionId);
  }

  private of(executionId: string): Execution {
    let execution = this.executions.get(executionId);
    if (!execution) {
      execution = {
        grants: [],
        running: new Set(),
        underWay: false,
        dispatched: new Set(),
        accepted: [],
        offered: new Map(),
        touched: new Set(),
        dropped: new Set(),
        keys: new Map(),
        tokens: new Map(),
      };
      this.executions.set(executionId, execution);
    }
    return execution;
  }
}
