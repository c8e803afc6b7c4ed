import type { Ecs } from '../aws/ecs';
import type { EcsTasks } from '../aws/ecs/configuration';
import type { ActionLookup, Tasks } from '../engine';
import type { Action } from '../machine';

/** The actions of a workflow that run tasks in containers. The client of Amazon ECS is loaded by the first of them. */
export class EcsActions implements Tasks {
  private loaded?: Promise<Ecs>;

  constructor(private readonly tasks: EcsTasks) {}

  /** @param actions what the actions file has; an action of a task's name is run before its task is started */
  public over(actions: ActionLookup): ActionLookup {
    return (machine, name) => {
      const before = actions(machine, name);
      const task = this.taskOf(name);
      if (!task) return before;
      const action: Action = async (context, run) => (await this.ecs()).taskAction(task, before)(context, run);
      return action;
    };
  }

  public async stop(action: string, executionId: string, step: number, signal: AbortSignal): Promise<void> {
    const task = this.taskOf(action);
    if (task) await (await this.ecs()).stopTask(task, { executionId, step }, signal);
  }

  private taskOf(action: string): EcsTasks[string] | undefined {
    return Object.hasOwn(this.tasks, action) ? this.tasks[action] : undefined;
  }

  private ecs(): Promise<Ecs> {
    this.loaded ??= import('../aws/ecs/index.js').then((service) => new service.Ecs());
    return this.loaded;
  }
}
