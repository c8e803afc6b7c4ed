import { createHash } from 'node:crypto';
import { ConflictException, RunTaskCommand, type ECSClient, type Failure, type RunTaskCommandInput } from '@aws-sdk/client-ecs';
import type { EcsTaskConfiguration } from './configuration';
import { startedByStep } from './started-by';
import type { Action, JsonObject, Run } from '../../machine';

/**
 * The most characters that all overrides of a task have together, as JSON.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
 */
const MAX_OVERRIDES = 8_192;

/** Amazon ECS has not started a task, and says why. */
export class TaskNotStartedError extends Error {
  public override readonly name = 'TaskNotStartedError';

  constructor(taskDefinition: string, failures: readonly Failure[]) {
    const reasons = failures.map(({ reason, detail, arn }) => [reason, detail, arn].filter(Boolean).join(', '));
    super(`Amazon ECS has not started a task of ${taskDefinition}: ${reasons.join('; ') || 'it says no reason'}.`);
  }
}

/** What a container would get is more than Amazon ECS takes. */
export class TaskOverridesTooLargeError extends Error {
  public override readonly name = 'TaskOverridesTooLargeError';

  constructor(container: string, characters: number) {
    super(`Context, ids, command and environment of the container "${container}" have ${characters} characters as JSON; Amazon ECS takes ${MAX_OVERRIDES}. ` +
      'Name the members of the context that the container needs in `context` of addEcsTask, or keep large data elsewhere, for example in S3, and its key in the context.');
  }
}

/**
 * The action that starts a task and lets the execution wait until it has stopped.
 *
 * However often the step is tried, one task is started: the token of the request comes from the idempotency key, and Amazon ECS remembers
 * it for a day. What the task is told does not change from attempt to attempt either, unless the code before it is not
 * deterministic; then Amazon ECS reports a conflict, which means that the task was started.
 *
 * @param before the code of the action: it prepares the context for the task, and can do without the task by returning an event
 */
export function taskAction(client: ECSClient, task: EcsTaskConfiguration, before?: Action): Action {
  return async (context, run) => {
    const event = await before?.(context, run);
    if (event !== undefined && event !== null) return event;
    const request = await requestOf(task, context, run);
    try {
      const { tasks = [], failures = [] } = await client.send(new RunTaskCommand(request), { abortSignal: run.signal });
      if (tasks.length === 0) throw new TaskNotStartedError(task.taskDefinition, failures);
      run.logger.info('A task was started.', { task: tasks[0]?.taskArn });
    } catch (thrown) {
      if (!(thrown instanceof ConflictException)) throw thrown;
      run.logger.info('An earlier attempt has started the task.', { task: thrown.resourceIds?.[0] });
    }
    return undefined;
  };
}

async function requestOf(task: EcsTaskConfiguration, context: JsonObject, run: Run): Promise<RunTaskCommandInput> {
  const { network, launchType, capacityProviders, command } = task;
  const environment = {
    ...task.environment,
    FSM_EXECUTION_ID: run.executionId,
    FSM_STEP: String(run.step),
    FSM_CONTEXT: JSON.stringify(task.context ? pick(context, task.context) : context),
    FSM_CALLBACK_TOKEN: await run.callbackToken(),
  };
  const overrides = {
    containerOverrides: [{
      name: task.container,
      environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
      ...command && { command: [...command] },
    }],
  };
  const characters = JSON.stringify(overrides).length;
  if (characters > MAX_OVERRIDES) throw new TaskOverridesTooLargeError(task.container, characters);
  return {
    cluster: task.cluster,
    taskDefinition: task.taskDefinition,
    count: 1,
    clientToken: createHash('sha256').update(run.idempotencyKey).digest('hex'),
    startedBy: startedByStep(task, run.executionId, run.step),
    overrides,
    ...launchType && { launchType },
    ...capacityProviders && { capacityProviderStrategy: [...capacityProviders] },
    ...network && {
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...network.subnets],
          securityGroups: [...network.securityGroups],
          assignPublicIp: network.assignPublicIp ? 'ENABLED' : 'DISABLED',
        },
      },
    },
  };
}

function pick(context: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(context, name)).map((name) => [name, context[name]]));
}
