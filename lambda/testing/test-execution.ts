import type { ClientOperations } from '../client/workflow-client';
import type {
  DeadLetter,
  DescribeOptions,
  DropResult,
  EventPage,
  ListEventsOptions,
  ExecutionDescription,
  ExecutionStatus,
  Lock,
  RedriveOptions,
  SendOptions,
  SendResult,
} from '../engine';
import type { Failure, JsonObject } from '../machine';
import type { SimulatedWorkflow } from './bench/simulated-workflow';
import type { RecordedAttempt, RecordedStep } from './recording/recorder';

type CreateTestExecution = (
  executionId: string,
  simulated: SimulatedWorkflow,
  operations: ClientOperations,
) => TestExecution;

/** Creates a {@link TestExecution}. Only the test kit can call it, so the types underneath stay private to the test kit. */
export let createTestExecution: CreateTestExecution;

/** An execution in a `TestWorkflow`. Its properties reflect the current state each time they are read. */
export class TestExecution {
  static {
    createTestExecution = (...parts) => new TestExecution(...parts);
  }

  private constructor(
    /** The id of the execution. */
    public readonly executionId: string,
    private readonly simulated: SimulatedWorkflow,
    private readonly operations: ClientOperations,
  ) {}

  /** The name of its machine; `undefined` before the execution is started. */
  public get machine(): string | undefined {
    return this.start?.machine;
  }

  /** The status. An execution that has not taken its first step is `pending`. */
  public get status(): ExecutionStatus {
    return this.lock?.status ?? 'pending';
  }

  /** The current state, or the state that the current attempt is entering; `null` before the first step. */
  public get state(): string | null {
    // A pending execution has no state.
    return this.latest?.states.at(-1) ?? (this.lock?.state || null);
  }

  /** The context after the latest successful attempt. */
  public get context(): JsonObject {
    const contexts = this.steps.flatMap(({ attempts }) =>
      attempts.flatMap(({ contextAfter }) => (contextAfter ? [contextAfter] : [])),
    );
    return contexts.at(-1) ?? this.start?.context ?? {};
  }

  /** The error of a failed execution; `undefined` for any other status. */
  public get error(): Failure | undefined {
    return this.status === 'failed' ? this.latest?.error : undefined;
  }

  /** The recorded steps, in order. */
  public get steps(): readonly RecordedStep[] {
    return this.simulated.recorder.stepsOf(this.executionId);
  }

  /** The dead letters of this execution, oldest first. */
  public get deadLetters(): readonly DeadLetter[] {
    return this.simulated.services.deadLetters.letters.filter(({ executionId }) => executionId === this.executionId);
  }

  /** The steps as text, one attempt per line. Use it in the failure message of a test. */
  public get story(): string {
    const lines = this.steps.flatMap(({ step, source, event, attempts }) =>
      attempts.map(
        (recorded) =>
          `step ${step}, attempt ${recorded.attempt}: ${source ?? '(start)'} --${event}--> ${pathOf(recorded)}: ${recorded.outcome}` +
          (recorded.error ? ` (${recorded.error.name}: ${recorded.error.message})` : ''),
      ),
    );
    return [`execution ${this.executionId}: ${this.status} in state ${this.state ?? '(none)'}`, ...lines].join('\n');
  }

  /**
   * Sends an event to the execution, as `WorkflowClient.send` does. The execution handles it the next time that the workflow runs and the
   * execution is parked in a state that handles the event.
   *
   * @throws the same errors as `WorkflowClient.send`
   */
  public send(event: string, options?: SendOptions): Promise<SendResult> {
    return this.operations.send(this.executionId, event, options);
  }

  /**
   * Lists the events that wait for the execution, as `WorkflowClient.listEvents` does.
   *
   * @throws the same errors as `WorkflowClient.listEvents`
   */
  public listEvents(options?: ListEventsOptions): Promise<EventPage> {
    return this.operations.listEvents(this.executionId, options);
  }

  /**
   * Drops a waiting event, as `WorkflowClient.dropEvent` does.
   *
   * @param id the id of the event
   * @throws the same errors as `WorkflowClient.dropEvent`
   */
  public dropEvent(id: string): Promise<DropResult> {
    return this.operations.dropEvent(this.executionId, id);
  }

  /**
   * Resends the dead-lettered envelope of a failed execution, as `WorkflowClient.redrive` does. The step is retried the next time that the
   * workflow runs.
   *
   * @throws the same errors as `WorkflowClient.redrive`
   */
  public redrive(options?: RedriveOptions): Promise<void> {
    return this.operations.redrive(this.executionId, options);
  }

  /**
   * Cancels the execution, as `WorkflowClient.cancel` does.
   *
   * @returns `completed` if the execution had already completed
   * @throws the same errors as `WorkflowClient.cancel`
   */
  public cancel(): Promise<'cancelled' | 'completed'> {
    return this.operations.cancel(this.executionId);
  }

  /** Describes the execution, as `WorkflowClient.describe` does. Resolves to `undefined` if it was not started. */
  public describe(options?: DescribeOptions): Promise<ExecutionDescription | undefined> {
    return this.operations.describe(this.executionId, options);
  }

  private get start() {
    return this.simulated.recorder.started.find(({ executionId }) => executionId === this.executionId);
  }

  private get lock(): Lock | undefined {
    return this.simulated.services.locks.all.find(({ executionId }) => executionId === this.executionId);
  }

  private get latest(): RecordedAttempt | undefined {
    return this.steps.at(-1)?.attempts.at(-1);
  }
}

/** The states that an attempt entered, and the state in which it ended early. */
function pathOf({ states, target, error }: RecordedAttempt): string {
  const path = error && error.state !== states.at(-1) ? [...states, error.state] : states;
  return path.join(' --> ') || target;
}
