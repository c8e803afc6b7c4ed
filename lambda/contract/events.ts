/** The `source` of the events that the construct configures EventBridge to send to the workflow's function. */
export const EVENT_SOURCE = 'cdk-lambda-fsm';

/** The `detail-type` of a {@link TimerEvent}. */
export const TIMER_DETAIL_TYPE = 'timer';

/**
 * The event that makes the function send the retries that are due in some shards of the retry table. EventBridge sends one for each part
 * every {@link TIMER_PERIOD_MINUTES} minutes.
 */
export interface TimerEvent {
  readonly source: typeof EVENT_SOURCE;
  readonly 'detail-type': typeof TIMER_DETAIL_TYPE;
  /**
   * The shards to read: those whose number is `part` modulo `parts`.
   *
   * @default - all shards
   */
  readonly detail?: { readonly part: number; readonly parts: number };
}

/** The number of invocations that share the shards of a retry table. A rule of EventBridge has at most five targets. */
export const TIMER_PARTS = 4;

/** The event of one part. */
export function timerEvent(part: number): TimerEvent {
  return { source: EVENT_SOURCE, 'detail-type': TIMER_DETAIL_TYPE, detail: { part, parts: TIMER_PARTS } };
}

/** The period of the timer. */
export const TIMER_PERIOD_MINUTES = 1;

/** The `detail-type` of a {@link StartEvent}. */
export const START_DETAIL_TYPE = 'start';

/** The event that starts an execution. EventBridge sends it for an `FsmWorkflowTarget`. */
export interface StartEvent {
  readonly source: typeof EVENT_SOURCE;
  readonly 'detail-type': typeof START_DETAIL_TYPE;
  readonly detail: {
    readonly machine: string;
    readonly executionId?: string;
    /** A JSON object. */
    readonly context?: unknown;
  };
}

/**
 * An executionId has 1 to 128 printable ASCII characters and no space. Every service accepts such a key; the message group of a FIFO queue
 * has the strictest rule.
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
 */
export const EXECUTION_ID_PATTERN = /^[\x21-\x7e]{1,128}$/;

/**
 * The events of Amazon ECS that the function reads: a task has changed its status.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export const TASK_STATE_CHANGE = { source: 'aws.ecs', detailType: 'ECS Task State Change' } as const;

/** The status of a task that no longer runs. */
export const TASK_STOPPED = 'STOPPED';

/** An event of Amazon ECS, restricted to the members that the function reads. */
export interface TaskStateChangeEvent {
  readonly source: typeof TASK_STATE_CHANGE.source;
  readonly 'detail-type': typeof TASK_STATE_CHANGE.detailType;
  readonly detail: TaskDetail;
}

export interface TaskDetail {
  readonly taskArn?: string;
  readonly lastStatus?: string;
  readonly startedBy?: string;
  readonly stopCode?: string;
  readonly stoppedReason?: string;
  readonly containers?: readonly { readonly name?: string; readonly exitCode?: number; readonly reason?: string }[];
  readonly overrides?: { readonly containerOverrides?: readonly ContainerOverride[] };
}

export interface ContainerOverride {
  readonly environment?: readonly { readonly name?: string; readonly value?: string }[];
}
