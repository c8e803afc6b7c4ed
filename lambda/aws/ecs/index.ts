import { ECSClient } from '@aws-sdk/client-ecs';
import type { EcsTaskConfiguration } from '../../contract/ecs-tasks';
import type { Action } from '../../machine';
import { CLIENT_OPTIONS } from '../client-options';
import { stopTask, type StepOfTask } from './stop-task';
import { taskAction } from './task-action';

/** Runs and stops the tasks of a workflow on Amazon ECS, over one client. */
export class Ecs {
  // Placing a task takes longer than reading an item. The client token of the request makes retries safe.
  private readonly client = new ECSClient({
    ...CLIENT_OPTIONS,
    requestHandler: { ...CLIENT_OPTIONS.requestHandler, requestTimeout: 8_000 },
  });

  /** @param before the user's code of the action */
  public taskAction(task: EcsTaskConfiguration, before?: Action): Action {
    return taskAction(this.client, task, before);
  }

  /** Stops the task of a step. */
  public stopTask(task: EcsTaskConfiguration, of: StepOfTask, signal: AbortSignal): Promise<void> {
    return stopTask(this.client, task, of, signal);
  }

  /** Closes the connections. */
  public close(): void {
    this.client.destroy();
  }
}
