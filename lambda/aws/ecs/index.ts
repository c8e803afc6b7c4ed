import { ECSClient } from '@aws-sdk/client-ecs';
import type { Action } from '../../machine';
import { CLIENT_OPTIONS } from '../client-options';
import type { EcsTaskConfiguration } from './configuration';
import { stopTask, type StepOfTask } from './stop-task';
import { taskAction } from './task-action';

/** What Amazon ECS does for a workflow, over one client. */
export class Ecs {
  // Placing a task takes longer than reading an item; as the request has a token, it may be repeated.
  private readonly client = new ECSClient({
    ...CLIENT_OPTIONS, requestHandler: { ...CLIENT_OPTIONS.requestHandler, requestTimeout: 8_000 },
  });

  /** @param before the code of the action, if there is any */
  public taskAction(task: EcsTaskConfiguration, before?: Action): Action {
    return taskAction(this.client, task, before);
  }

  /** Stops the task of a step. */
  public stopTask(task: EcsTaskConfiguration, of: StepOfTask, signal: AbortSignal): Promise<void> {
    return stopTask(this.client, task, of, signal);
  }

  /** Closes its connections. */
  public close(): void {
    this.client.destroy();
  }
}
