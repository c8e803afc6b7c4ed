import {
  Executions,
  type DeadLetter,
  type ExecutionDescription,
  type ExecutionStatus,
  type Ports,
  type RedriveOptions,
  type SendOptions,
  type SendResult,
} from '../engine';
import type { Failure, JsonObject } from '../machine';
import type { RecordedAttempt, RecordedStep } from './recorder';
import type { TestBench } from './test-bench';

/** An execution in a {@link TestWorkflow}: all that there is to know of it, at any moment. */
export class TestExecution {
  /** @internal made by the workflow */
  constructor(
    /** Its id. */
    public readonly executionId: string,
    private readonly bench: TestBench,
    private readonly executions: (ports: Ports) => Executions,
  ) {}

  /** How it stands. It is `running` also before its first step. */
  public get status(): ExecutionStatus {
    return this.lock?.status ?? 'running';
  }

  /** The state that it is in, or is being tried to enter; `null` before the first step. */
  public get state(): string | null {
    return this.latest?.states.at(-1) ?? this.lock?.state ?? null;
  }

  /** The context as the latest attempt that succeeded left it. */
  public get context(): JsonObject {
    const contexts = this.steps.flatMap(({ attempts }) => attempts.flatMap(({ contextAfter }) => contextAfter ? [contextAfter] : []));
    const start = this.bench.recorder.started.find(({ executionId }) => executionId === this.executionId);
    return contexts.at(-1) ?? start?.context ?? {};
  }

  /** Why it failed, if it did. */
  public get error(): Failure | undefined {
    return this.status === 'failed' ? this.latest?.error : undefined;
  }

  /** What it has done so far, step by step. */
  public get steps(): readonly RecordedStep[] {
    return this.bench.recorder.stepsOf(this.executionId);
  }

  /** The envelopes of it that nobody will try again by itself. */
  public get deadLetters(): readonly DeadLetter[] {
    return this.bench.services.deadLetters.letters.filter(({ executionId }) => executionId === this.executionId);
  }

  /** Its steps as text, one attempt a line: for the message of a test, or to read. */
  public get story(): string {
    const lines = this.steps.flatMap(({ step, source, event, attempts }) => attempts.map(({ attempt, outcome, states, error }) => (
      `step ${step}, attempt ${attempt}: ${source ?? '(start)'} --${event}--> ${states.join(' --> ') || '?'}: ${outcome}` +
      (error ? ` (${error.name}: ${error.message})` : '')
    )));
    return [`execution ${this.executionId}: ${this.status} in state ${this.state ?? '(none)'}`, ...lines].join('\n');
  }

  /**
   * Sends it an event from outside, as a client does. It is taken when the workflow runs and the execution has parked in a state that
   * handles it.
   *
   * @throws as the client's `send` does
   */
  public send(event: string, options?: SendOptions): Promise<SendResult> {
    return this.bench.asClient((ports) => this.executions(ports).send(this.executionId, event, options));
  }

  /**
   * Sends the envelope of a failed execution again, as a client does. It is tried when the workflow runs.
   *
   * @throws as the client's `redrive` does
   */
  public redrive(options?: RedriveOptions): Promise<void> {
    return this.bench.asClient((ports) => this.executions(ports).redrive(this.executionId, options));
  }

  /**
   * Cancels the execution, as a client does.
   *
   * @returns `completed` if it has been faster
   * @throws as the client's `cancel` does: before its first step there is nothing to cancel
   */
  public cancel(): Promise<'cancelled' | 'completed'> {
    return this.bench.asClient((ports) => this.executions(ports).cancel(this.executionId));
  }

  /** How a client sees it; nothing before its first step. */
  public describe(): Promise<ExecutionDescription | undefined> {
    return this.bench.asClient((ports) => this.executions(ports).describe(this.executionId));
  }

  private get lock() {
    return this.bench.services.locks.all.find(({ executionId }) => executionId === this.executionId);
  }

  private get latest(): RecordedAttempt | undefined {
    return this.steps.at(-1)?.attempts.at(-1);
  }
}
