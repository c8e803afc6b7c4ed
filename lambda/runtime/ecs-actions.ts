import type { EcsTasks } from '../aws/ecs/configuration';
import type { ActionLookup } from '../engine';
import type { Action } from '../machine';

/**
 * The actions of a workflow, with those that run tasks in containers. The client of Amazon ECS is loaded by the first of them.
 *
 * @param actions what the actions file has; an action of a task's name is run before its task is started
 */
export function withEcsTasks(actions: ActionLookup, tasks: EcsTasks): ActionLookup {
  const loadEcs = once(async () => new (await import('../aws/ecs/index.js')).Ecs());
  return (machine, name) => {
    const before = actions(machine, name);
    const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
    if (!task) return before;
    const action: Action = async (context, run) => (await loadEcs()).taskAction(task, before)(context, run);
    return action;
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
