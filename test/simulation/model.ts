import type { Envelope, ExecutionStatus, Lease, Lock } from '../../lambda/engine';
import type { Run } from '../../lambda/machine';

/** Milliseconds by which a clock may be ahead of the world's. */
const SKEW = 2_400;

/** A lease that was granted, as the model sees it. */
interface Grant {
  readonly step: number;
  readonly parent: number;
  readonly fence: number;
  readonly holder: string;
  readonly at: number;
}

/** An action that runs. */
interface Running {
  readonly fence: number;
  readonly name: string;
  /** When its invocation must be dead by the world's clock. */
  readonly deadline: number;
  /** Whether its invocation still lives. */
  readonly alive: () => boolean;
}

interface Execution {
  readonly grants: Grant[];
  readonly running: Set<Running>;
  /** Fences of the attempts that have begun to send the next envelope. */
  readonly dispatched: Set<number>;
  /** The status that an explicit commit of the latest fence gave it. */
  committed?: ExecutionStatus;
  /** It was cancelled, and nothing of it may begin any more. */
  cancelled?: boolean;
  /** It has begun, and has neither ended nor failed. */
  underWay: boolean;
  /** The idempotency keys that actions were given, by what they are for, and the other way round. */
  readonly keys: Map<string, string>;
  /** The callback tokens that were handed out, by step. */
  readonly tokens: Map<number, string>;
  /** Events that a client was told are kept, in the order of acceptance, and all whose fate it does not know. */
  readonly accepted: Mail[];
  readonly offered: Map<string, Mail>;
}

/** An event from outside, and when it was first sent or accepted, by a counter of all such moments. */
interface Mail {
  readonly id: string;
  readonly event: string;
  /** The only step in whose wait it may be taken: it came with a callback token. */
  readonly step?: number;
  readonly at: number;
}

/**
 * What the protocol promises, watched from outside: it knows the leases that were granted, the actions that ran, and what clients were
 * told. It shares no code with the engine and believes nothing that the engine says of itself.
 */
export class Model {
  private readonly executions = new Map<string, Execution>();
  private readonly found = new Set<string>();
  /** Those that are under way, but for those of which nothing is promised. */
  private readonly counted = new Set<string>();
  /** By the holders of leases, the fence under which the envelope had failed that asks for one, if it was redriven. */
  private readonly redriven = new Map<string, number | undefined>();
  private closed?: string;
  private moments = 0;

  /** @param limit how many executions may be under way at once */
  constructor(private readonly now: () => number, private readonly limit: number = Infinity) {}

  /** All that was found to be wrong, each beginning with the invariant. */
  public get violations(): readonly string[] {
    return [...this.found];
  }

  public wrong(invariant: string, executionId: string, what: string): void {
    this.found.add(`${invariant} ${executionId}: ${what}`);
  }

  /** From now on no action may run. */
  public close(reason: string): void {
    this.closed = reason;
  }

  public grantsOf(executionId: string, step: number): number {
    return this.of(executionId).grants.filter((grant) => grant.step === step).length;
  }

  /** When a step was acquired last. */
  public grantedAt(executionId: string, step: number): number {
    return this.of(executionId).grants.filter((grant) => grant.step === step).at(-1)?.at ?? 0;
  }

  public acceptedBy(executionId: string) {
    const { accepted, offered } = this.of(executionId);
    return { accepted, offered };
  }

  // ---- what the store has granted ---------------------------------------------------------------------------------------------------

  /** I2, I4, I6: every lease continues the latest committed attempt, with the next fence. */
  public acquired(lock: Lock): void {
    const { executionId, step, parent, fence, holder } = lock;
    const execution = this.of(executionId);
    const last = execution.grants.at(-1);
    if (last?.fence === fence && last.holder === holder) return;
    if (fence > 1 && execution.cancelled) this.wrong('I2', executionId, `step ${step} was begun though the execution was cancelled`);
    if (fence > 1 && execution.committed === 'completed') this.wrong('I2', executionId, `step ${step} was begun though the execution had completed`);
    if (fence !== (last?.fence ?? 0) + 1) {
      this.wrong(fence === 1 ? 'I6' : 'I4', executionId, fence === 1 ? 'was started a second time' : `fence ${fence} was granted after fence ${last?.fence ?? 0}`);
    } else if (!last) {
      if (step !== 0) this.wrong('I2', executionId, `began with step ${step}`);
    } else if (step === last.step + 1) {
      if (parent !== last.fence) this.wrong('I2', executionId, `step ${step} continues fence ${parent}, though fence ${last.fence} was the last to run step ${last.step}`);
    } else if (step !== last.step || parent !== last.parent) {
      this.wrong('I2', executionId, `step ${step} of parent ${parent} was run after step ${last.step} of parent ${last.parent}`);
    } else if (execution.committed && execution.committed !== 'failed') {
      this.wrong('I2', executionId, `step ${step} was run again after it was committed as ${execution.committed}`);
    }
    if (!execution.underWay) this.begin(execution, lock, last?.fence);
    execution.committed = undefined;
    execution.grants.push({ step, parent, fence, holder, at: this.now() });
  }

  /**
   * The limit: whoever begins has room. It is not promised of an invocation that had to be dead by then, nor of the same message as that
   * of a failed step, which comes once more when that has been redriven.
   */
  private begin(execution: Execution, { executionId, holder, expires }: Lock, failed?: number): void {
    execution.underWay = true;
    if (this.now() > expires - SKEW || (failed !== undefined && this.redriven.get(holder) !== failed)) return;
    this.counted.add(executionId);
    if (this.counted.size > this.limit) this.wrong('limit', executionId, `was begun while ${[...this.counted].join(', ')} were under way, of which there may be ${this.limit}`);
  }

  private end(execution: Execution, executionId: string): void {
    execution.underWay = false;
    this.counted.delete(executionId);
  }

  /** I2: only the latest holder commits. */
  public committed({ executionId, fence }: Lease, status: ExecutionStatus): void {
    const execution = this.of(executionId);
    const last = execution.grants.at(-1);
    if (last?.fence !== fence) this.wrong('I2', executionId, `fence ${fence} committed as ${status}, though fence ${last?.fence} was granted meanwhile`);
    execution.committed = status;
    if (status === 'completed' || status === 'failed') this.end(execution, executionId);
  }

  /** I4: whoever cancels takes the fence, so that nothing continues what was sent before. */
  public cancelled({ executionId, step, parent, fence, holder }: Lock): void {
    const execution = this.of(executionId);
    const last = execution.grants.at(-1);
    if (execution.cancelled && last?.fence === fence) return;
    if (execution.committed === 'completed') this.wrong('I2', executionId, 'was cancelled though it had completed');
    if (fence !== (last?.fence ?? 0) + 1) this.wrong('I4', executionId, `was cancelled with fence ${fence} after fence ${last?.fence ?? 0}`);
    execution.cancelled = true;
    this.end(execution, executionId);
    execution.grants.push({ step, parent, fence, holder, at: this.now() });
  }

  // ---- what invocations do ----------------------------------------------------------------------------------------------------------

  /** An invocation asks for a lease, with an envelope that has failed under that fence before, if it was redriven. */
  public asks(holder: string, redriven: number | undefined): void {
    this.redriven.set(holder, redriven);
  }

  /** An invocation begins to send an envelope. */
  public sends({ executionId, parent }: Envelope): void {
    this.of(executionId).dispatched.add(parent);
  }

  /** I3: an action begins: nobody else may be running any. */
  public begins(name: string, { executionId, fence, step }: Run, deadline: number, alive: () => boolean): () => void {
    const execution = this.of(executionId);
    const what = `fence ${fence} ran ${name} of step ${step}`;
    if (this.closed) this.wrong('I6', executionId, `${what}, ${this.closed}`);
    if (!execution.grants.some((grant) => grant.fence === fence && grant.step === step)) this.wrong('I3', executionId, `${what} without a lease`);
    const now = this.now();
    // Nothing can stop an invocation that stood still until others took over: what it may not do is begin anything, see `calls`.
    if (now > deadline) return () => undefined;
    for (const other of execution.running) {
      if (!other.alive()) {execution.running.delete(other);} else if (other.fence !== fence && now < other.deadline) {
        this.wrong('I3', executionId, `${what} while fence ${other.fence} was running ${other.name} and had ${other.deadline - now} ms to live`);
      }
    }
    const running: Running = { fence, name, deadline, alive };
    execution.running.add(running);
    return () => execution.running.delete(running);
  }

  /** I3: an invocation asks for an action: not after it had to be dead, nor after it has begun to send the next envelope. */
  public calls(name: string, { executionId, fence, step }: Run, deadline: number): void {
    const what = `fence ${fence} began ${name} of step ${step}`;
    if (this.now() > deadline) this.wrong('I3', executionId, `${what} after its invocation had to be dead`);
    if (this.of(executionId).dispatched.has(fence)) this.wrong('I3', executionId, `${what} after it had begun to send the next envelope`);
  }

  /**
   * An idempotency key is the same for each attempt at the same action of a step, and that of no other.
   *
   * @param time how often the attempt has run the action in that state before, which local transitions may lead to more than once
   */
  public keys(name: string, { executionId, step, state, idempotencyKey }: Run, time: number): void {
    const { keys } = this.of(executionId);
    const what = `${name}(${state}) of step ${step}, time ${time}`;
    for (const [one, other] of [[what, idempotencyKey], [idempotencyKey, what]] as const) {
      if ((keys.get(one) ?? other) !== other) this.wrong('key', executionId, `"${one}" goes with "${keys.get(one)}" and with "${other}"`);
      keys.set(one, other);
    }
  }

  // ---- what clients are told --------------------------------------------------------------------------------------------------------

  /** @param step in which it may be taken alone, if it comes with a callback token */
  public offers(executionId: string, id: string, event: string, step?: number): void {
    const { offered } = this.of(executionId);
    if (!offered.has(id)) offered.set(id, { id, event, step, at: this.moments++ });
  }

  public accepts(executionId: string, id: string, event: string, step?: number): void {
    const { accepted } = this.of(executionId);
    if (!accepted.some((mail) => mail.id === id)) accepted.push({ id, event, step, at: this.moments++ });
  }

  /** A step hands out a callback token: the same in all its attempts, as long as the execution has not ended. */
  public handsOut(executionId: string, step: number, token: string): void {
    const { tokens, cancelled, committed } = this.of(executionId);
    if (cancelled || committed === 'completed') return;
    if ((tokens.get(step) ?? token) !== token) this.wrong('I1', executionId, `two attempts at step ${step} have handed out two tokens`);
    tokens.set(step, token);
  }

  /**
   * A client was told that nobody waits for the event of a token any more.
   *
   * @param ended whether the execution has ended
   */
  public spends(executionId: string, step: number, ended: boolean): void {
    const last = this.of(executionId).grants.at(-1);
    if (!ended && last && last.step <= step) this.wrong('I1', executionId, `the token of step ${step} was told to be spent in step ${last.step}`);
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
        keys: new Map(),
        tokens: new Map(),
      };
      this.executions.set(executionId, execution);
    }
    return execution;
  }
}
