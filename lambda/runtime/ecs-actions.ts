import type { Ecs } from '../aws/ecs';
import type { EcsTasks } from '../contract/ecs-tasks';
import type { ActionLookup, ExecutionKey, Tasks } from '../engine';
import type { Action } from '../machine';

/** The actions of a workflow that run Amazon ECS tasks. The first of them loads the client of Amazon ECS. */
export class EcsActions implements Tasks {
  private loaded?: Promise<Ecs>;

  constructor(private readonly tasks: EcsTasks) {}

  /** @param actions the actions of the actions file. An action with the name of a task runs before the task starts */
  public over(actions: ActionLookup): ActionLookup {
    return (machine, name) => {
      const before = actions(machine, name);
      const task = this.taskOf(name);
      if (!task) return before;
      const action: Action = async (context, run) => (await this.ecs()).taskAction(task, before)(context, run);
      return action;
    };
  }

  public async stop(
    action: string,
    { executionId, incarnation }: ExecutionKey,
    step: number,
    signal: AbortSignal,
  ): Promise<void> {
    const task = this.taskOf(action);
    if (task) await (await this.ecs()).stopTask(task, { executionId, incarnation, step }, signal);
  }

  private taskOf(action: string): EcsTasks[string] | undefined {
    return Object.hasOwn(this.tasks, action) ? this.tasks[action] : undefined;
  }

  private ecs(): Promise<Ecs> {
    this.loaded ??= import('../aws/ecs/index.js').then((service) => new service.Ecs());
    return this.loaded;
  }
}
