import { createHash } from 'node:crypto';
import {
  ConflictException,
  RunTaskCommand,
  type ECSClient,
  type Failure,
  type RunTaskCommandInput,
} from '@aws-sdk/client-ecs';
import { startedByStep } from './started-by';
import { TASK_TAG, type EcsTaskConfiguration } from '../../contract/ecs-tasks';
import { TASK_VARIABLES } from '../../contract/environment';
import type { Action, JsonObject, Run } from '../../machine';
import { FsmError } from '../../machine/fsm-error';

/**
 * The maximum length of all overrides of a task together, as JSON.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
 */
const MAX_OVERRIDES = 8_192;

/** Amazon ECS did not start a task. The message contains its reason. */
export class TaskNotStartedError extends FsmError {
  public override readonly name = 'TaskNotStartedError';
  public override readonly code = 'TASK_NOT_STARTED';

  constructor(taskDefinition: string, failures: readonly Failure[]) {
    const reasons = failures.map(({ reason, detail, arn }) => [reason, detail, arn].filter(Boolean).join(', '));
    super(
      `Amazon ECS did not start a task of ${taskDefinition}: ${reasons.join('; ') || 'the response has no reason'}.`,
    );
  }
}

/** The overrides of a task exceed the limit of Amazon ECS. */
export class TaskOverridesTooLargeError extends FsmError {
  public override readonly name = 'TaskOverridesTooLargeError';
  public override readonly code = 'TASK_OVERRIDES_TOO_LARGE';

  constructor(container: string, characters: number) {
    super(
      `The overrides of the container "${container}" (context, ids, command and environment) have ${characters} characters as JSON, but Amazon ECS allows ${MAX_OVERRIDES}. ` +
        'List fewer members in `context` of addEcsTask, or store large data elsewhere, for example in Amazon S3, and its key in the context.',
    );
  }
}

/**
 * Creates the action that starts a task and lets the execution wait until the task stops.
 *
 * Every attempt of a step starts the same task: the client token of the request derives from the idempotency key, and Amazon ECS remembers
 * client tokens for a day. The overrides do not change between attempts either, unless the user's code is not deterministic; Amazon ECS then
 * reports a conflict, which means that an earlier attempt started the task.
 *
 * @param before the user's code of the action. It may prepare the context for the task, or return an event to skip the task
 */
export function taskAction(client: ECSClient, task: EcsTaskConfiguration, before?: Action): Action {
  return async (context, run) => {
    const event = await before?.(context, run);
    if (event !== undefined && event !== null) return event;
    const request = await requestOf(task, context, run);
    try {
      const { tasks = [], failures = [] } = await client.send(new RunTaskCommand(request), { abortSignal: run.signal });
      if (tasks.length === 0) throw new TaskNotStartedError(task.taskDefinition, failures);
      run.logger.info('Started a task.', { task: tasks[0]?.taskArn });
    } catch (thrown) {
      if (!(thrown instanceof ConflictException)) throw thrown;
      run.logger.info('An earlier attempt started the task.', { task: thrown.resourceIds?.[0] });
    }
    return undefined;
  };
}

async function requestOf(task: EcsTaskConfiguration, context: JsonObject, run: Run): Promise<RunTaskCommandInput> {
  const { network, launchType, capacityProviders, command } = task;
  const environment = {
    ...task.environment,
    [TASK_VARIABLES.executionId]: run.executionId,
    [TASK_VARIABLES.step]: String(run.step),
    [TASK_VARIABLES.context]: JSON.stringify(pick(context, task.context ?? [])),
    [TASK_VARIABLES.callbackToken]: await run.callbackToken(),
  };
  const overrides = {
    containerOverrides: [
      {
        name: task.container,
        environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
        ...(command && { command: [...command] }),
      },
    ],
  };
  const characters = JSON.stringify(overrides).length;
  if (characters > MAX_OVERRIDES) throw new TaskOverridesTooLargeError(task.container, characters);
  return {
    cluster: task.cluster,
    taskDefinition: task.taskDefinition,
    count: 1,
    clientToken: createHash('sha256').update(run.idempotencyKey).digest('hex'),
    startedBy: startedByStep(task, run, run.step),
    tags: [{ key: TASK_TAG, value: task.startedBy }],
    overrides,
    ...(launchType && { launchType }),
    ...(capacityProviders && { capacityProviderStrategy: [...capacityProviders] }),
    ...(network && {
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: [...network.subnets],
          securityGroups: [...network.securityGroups],
          assignPublicIp: network.assignPublicIp ? 'ENABLED' : 'DISABLED',
        },
      },
    }),
  };
}

function pick(context: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => Object.hasOwn(context, name)).map((name) => [name, context[name]]));
}
