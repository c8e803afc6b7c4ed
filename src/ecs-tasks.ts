import { Lazy, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { checkEcsTask, EcsTaskAction, type EcsTaskOptions } from './ecs-task-action';
import { keepFailedInvocations } from './failed-invocations';
import { Problems } from './problems';
import type { Machine } from 'cdk-lambda-fsm/machine';

/** The environment variable in which the runtime finds the tasks. */
const ECS_TASKS_VARIABLE = 'FSM_ECS_TASKS';

/** What tasks need of a workflow. */
export interface TaskOwner {
  readonly function: lambda.Function;
  readonly deadLetterQueue: sqs.IQueue;
}

/** The tasks that the actions of a workflow run on Amazon ECS. */
export class EcsTasks {
  private readonly tasks = new Map<string, EcsTaskAction>();

  constructor(private readonly scope: Construct, private readonly machines: readonly Machine[], private readonly owner: TaskOwner) {}

  /** @throws Error that lists everything that is wrong with the task */
  public add(name: string, options: EcsTaskOptions): EcsTaskAction {
    const problems = new Problems();
    checkEcsTask(problems, name, options, this.machines, Stack.of(this.scope));
    if (this.tasks.has(name)) problems.add('it was added already. Run one task for an action, or give the action of the other state another name.');
    problems.refuse(`The task "${name}" cannot be added to the workflow "${this.scope.node.path}"`);
    if (this.isEmpty) this.prepare();
    const task = new EcsTaskAction(this.scope, `Task-${name}`, this.owner.function, options);
    this.tasks.set(name, task);
    return task;
  }

  public get isEmpty(): boolean {
    return this.tasks.size === 0;
  }

  /** Whether a task does the work of an action. */
  public has(name: string): boolean {
    return this.tasks.has(name);
  }

  private prepare(): void {
    const { function: fn, deadLetterQueue } = this.owner;
    const configuration = () => Object.fromEntries([...this.tasks].map(([name, task]) => [name, task._configuration]));
    fn.addEnvironment(ECS_TASKS_VARIABLE, Lazy.string({ produce: () => Stack.of(fn).toJsonString(configuration()) }));
    keepFailedInvocations(fn, deadLetterQueue);
  }
}
