import { Lazy, Stack, Token } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import {
  CODE_FILES,
  ECS_TASKS_VARIABLE,
  type DeployTimeValue,
  type EcsTasks as EcsTasksConfiguration,
} from '#contract';
import { checkEcsTask, EcsTaskAction, type EcsTaskOptions } from './ecs-task-action';
import type { FailedInvocations } from '../shared/failed-invocations';
import { ValidationErrors } from '../shared/validation-errors';
import type { Machine } from 'cdk-lambda-fsm/machine';

/** The Amazon ECS tasks that run actions of a workflow. */
export class EcsTasks {
  private readonly tasks = new Map<string, EcsTaskAction>();

  constructor(
    private readonly scope: Construct,
    private readonly machines: readonly Machine[],
    private readonly fn: lambda.Function,
    private readonly failedInvocations: FailedInvocations,
  ) {}

  /** @throws Error that lists all errors in the task */
  public add(name: string, options: EcsTaskOptions): EcsTaskAction {
    const errors = new ValidationErrors();
    checkEcsTask(errors, name, options, this.machines, Stack.of(this.scope));
    if (this.tasks.has(name)) {
      errors.add(
        `The action "${name}" already has a task. Add one task per action, or rename the action of the other state.`,
      );
    }
    errors.throwIfAny(`task "${name}" of workflow "${this.scope.node.path}"`);
    if (this.isEmpty) this.configureFunction();
    const task = new EcsTaskAction(this.scope, `Task-${name}`, this.fn, options);
    this.tasks.set(name, task);
    return task;
  }

  public get isEmpty(): boolean {
    return this.tasks.size === 0;
  }

  /** Whether a task runs the action. */
  public has(name: string): boolean {
    return this.tasks.has(name);
  }

  private configureFunction(): void {
    const { fn } = this;
    // Lazy, because later calls add more tasks.
    const text = Lazy.string({ produce: () => Stack.of(fn).toJsonString(this.split().values) });
    fn.addEnvironment(ECS_TASKS_VARIABLE, text);
    this.failedInvocations.receiveAsynchronous();
  }

  /** The files next to the code of the function: the tasks, with references to the values in its environment. */
  public files(): Readonly<Record<string, string>> {
    return this.isEmpty ? {} : { [CODE_FILES.ecsTasks]: JSON.stringify(this.split().template, undefined, 1) };
  }

  /** Replaces the values that are known only at deployment by references to a list of them. Equal values are in the list once. */
  private split(): { readonly template: unknown; readonly values: readonly unknown[] } {
    const stack = Stack.of(this.scope);
    const values = new Map<string, unknown>();
    const split = (value: unknown): unknown => {
      if (Token.isUnresolved(value)) {
        const identity = JSON.stringify(stack.resolve(value));
        if (!values.has(identity)) values.set(identity, value);
        return { $value: [...values.keys()].indexOf(identity) } satisfies DeployTimeValue;
      }
      if (Array.isArray(value)) return value.map(split);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, split(member)]));
    };
    const configuration: EcsTasksConfiguration = Object.fromEntries(
      [...this.tasks].map(([name, task]) => [name, task._configuration]),
    );
    return { template: split(configuration), values: [...values.values()] };
  }
}
