import { isTaskStateChange, stoppedTask } from '../aws/ecs/stopped-task';
import type { EcsTasks } from '../contract/ecs-tasks';
import { EVENT_SOURCE, START_DETAIL_TYPE, type StartEvent } from '../contract/events';
import { InvalidTokenError, type Executions } from '../engine';
import type { JsonObject, Logger } from '../machine';
import { isObject } from '../machine/is-object';

/** The requests that arrive as asynchronous invocations of the workflow's function. Lambda retries a request that throws. */
export class Requests {
  constructor(
    private readonly executions: Executions,
    private readonly tasks: EcsTasks,
    private readonly logger: Logger,
  ) {}

  /**
   * Serves an event that is a request.
   *
   * @returns whether the event is a request
   * @throws TypeError if the event is a start, but not a valid {@link StartEvent}
   * @throws as `Executions.start` and `Executions.complete` do
   */
  public async serve(event: unknown): Promise<boolean> {
    if (isStart(event)) {
      await this.start(event.detail);
      return true;
    }
    if (isTaskStateChange(event)) {
      await this.taskStopped(event);
      return true;
    }
    return false;
  }

  private async start(detail: unknown): Promise<void> {
    const { machine, executionId, context } = isObject(detail) ? detail : {};
    if (typeof machine !== 'string' || !isTextOrAbsent(executionId) || !isContextOrAbsent(context)) {
      throw new TypeError(
        'Invalid detail of a start event: expected { machine: "…", executionId?: "…", context?: { … } }.',
      );
    }
    // Rules may send several events for one executionId: the first one starts the execution.
    const { outcome } = await this.executions.start({ machine, executionId, context, ifExists: 'accept' });
    if (outcome === 'exists') this.logger.info('An event starts an execution that exists.', { executionId });
  }

  private async taskStopped(event: Parameters<typeof stoppedTask>[0]): Promise<void> {
    const stopped = stoppedTask(event, this.tasks);
    if (!stopped) return;
    const { token, data } = stopped;
    const result = await this.executions.complete(token, stopped.event, { data }).catch((thrown: unknown) => {
      if (thrown instanceof InvalidTokenError) return 'spent';
      throw thrown;
    });
    if (result === 'spent') {
      this.logger.info('A task stopped that no execution waits for.', { task: data.taskArn });
    }
  }
}

function isStart(event: unknown): event is Omit<StartEvent, 'detail'> & { readonly detail?: unknown } {
  return isObject(event) && event.source === EVENT_SOURCE && event['detail-type'] === START_DETAIL_TYPE;
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** The event was JSON, so every object in it is a JSON object. */
function isContextOrAbsent(value: unknown): value is JsonObject | undefined {
  return value === undefined || (isObject(value) && !Array.isArray(value));
}
