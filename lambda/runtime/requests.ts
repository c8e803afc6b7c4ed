import type { EcsTasks } from '../aws/ecs/configuration';
import { isTaskStateChange, stoppedTask } from '../aws/ecs/stopped-task';
import { InvalidTokenError, type Executions } from '../engine';
import type { JsonObject, Logger } from '../machine';

/** The invocation by which a rule of EventBridge, or whoever else may invoke the function, starts an execution. */
export interface StartEvent {
  readonly 'source': 'cdk-lambda-fsm';
  readonly 'detail-type': 'start';
  readonly 'detail': { readonly machine: string; readonly executionId?: string; readonly context?: JsonObject };
}

/** What others ask of the workflow by invoking its function, asynchronously: what throws is tried again by Lambda. */
export class Requests {
  constructor(private readonly executions: Executions, private readonly tasks: EcsTasks, private readonly logger: Logger) {}

  /**
   * Does what an event asks for.
   *
   * @returns false when the event is no such request
   * @throws TypeError for a start that is not of the form of a {@link StartEvent}
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
      throw new TypeError('The event that is to start an execution has no detail of the form { machine: "…", executionId?: "…", context?: { … } }.');
    }
    await this.executions.start({ machine, executionId, context });
  }

  private async taskStopped(event: Parameters<typeof stoppedTask>[0]): Promise<void> {
    const stopped = stoppedTask(event, this.tasks);
    if (!stopped) return;
    const { token, data } = stopped;
    const result = await this.executions.complete(token, stopped.event, { data }).catch((thrown: unknown) => {
      if (thrown instanceof InvalidTokenError) return 'spent';
      throw thrown;
    });
    if (result === 'spent') this.logger.info('A task has stopped for which no execution waits any more.', { task: data.taskArn });
  }
}

function isStart(event: unknown): event is { readonly detail?: unknown } {
  return isObject(event) && event.source === 'cdk-lambda-fsm' && event['detail-type'] === 'start';
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** It came as JSON, so every object is one that JSON can hold. */
function isContextOrAbsent(value: unknown): value is JsonObject | undefined {
  return value === undefined || (isObject(value) && !Array.isArray(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
