import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { ListTasksRequest, RunTaskRequest, StopTaskRequest } from '@aws-sdk/client-ecs';
import { checkTaskVariables } from './task-variables';
import { TASK_STATE_CHANGE } from '../../contract/events';
import type { EventBus } from '../eventbridge/event-bus';
import { ServiceError, type Operations } from '../servers/json-server';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../template/template';

export interface TaskRunnerOptions {
  /** The containers that the workflows run, by the family of the task definition and the name. No other container runs. */
  readonly containers: readonly string[];
  /** Shell commands by the name of the container, or by the family of the task definition and the name: `render` or `films/render`. */
  readonly commands: Readonly<Record<string, string>>;
  /** Environment variables of the containers in the task definitions, by family and name. */
  readonly environments: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Additional environment variables of all containers. */
  readonly environment: Readonly<Record<string, string>>;
  /** Receives each line of output of the containers. */
  readonly onLine?: (line: string) => void;
}

/** A task, from its request until it has stopped. */
interface Task {
  readonly taskArn: string;
  readonly request: RunTaskRequest;
  readonly container: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  desiredStatus: 'RUNNING' | 'STOPPED';
  /** The reason of the request to stop it. */
  stoppedReason?: string;
  process?: ChildProcess;
}

/** The end of a task. Without an exit code, its container never started. */
interface End {
  readonly exitCode?: number;
  readonly reason?: string;
}

/** Maximum length of the overrides of a task, in characters of JSON. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html */
const MAX_OVERRIDES_LENGTH = 8_192;

/**
 * Time that a container has to exit after its task is stopped, in milliseconds. After that, it is killed.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
 */
const STOP_TIMEOUT_MS = 30_000;

/**
 * Implements the operations of Amazon ECS that start, list and stop tasks. A task is a local process: the command that the user configured
 * for the requested container. Other containers of the task definition are ignored. As in AWS, a client token starts one task only, and
 * events are sent to EventBridge when a task is running and when it has stopped.
 */
export class TaskRunner {
  /** The supported operations. */
  public readonly operations: Operations = {
    'AmazonEC2ContainerServiceV20141113.RunTask': (input) => this.runTask(input as RunTaskRequest),
    'AmazonEC2ContainerServiceV20141113.ListTasks': (input) => this.listTasks(input as ListTasksRequest),
    'AmazonEC2ContainerServiceV20141113.StopTask': (input) => this.stopTask(input as StopTaskRequest),
  };
  private readonly tasks = new Map<string, Task>();
  private readonly ended = new Set<Promise<void>>();
  private stopped = false;

  constructor(
    private readonly options: TaskRunnerOptions,
    private readonly bus: EventBus,
  ) {}

  /** Kills all tasks, without sending events. */
  public async stop(): Promise<void> {
    this.stopped = true;
    for (const { process: running } of this.tasks.values()) {
      if (running?.pid !== undefined && running.exitCode === null && running.signalCode === null) {
        endGroup(running.pid, 'SIGKILL');
      }
    }
    await Promise.all(this.ended);
  }

  private runTask(request: RunTaskRequest): object {
    check(request);
    const token = request.clientToken ?? randomUUID();
    const known = this.tasks.get(token);
    if (known && JSON.stringify(known.request) !== JSON.stringify(request)) {
      throw new ServiceError('ConflictException', 'The client token was used for a different request.', {
        resourceIds: [known.taskArn],
      });
    }
    if (known) {
      return accepted(known);
    }
    const [override] = request.overrides?.containerOverrides ?? [];
    const container = override?.name ?? '';
    const command = this.commandOf(request, container);
    if (command === undefined) {
      return {
        tasks: [],
        failures: [
          {
            arn: request.taskDefinition,
            reason: 'MISSING',
            detail: `The local runner has no command for container "${container}" of task definition "${familyOf(request.taskDefinition)}".`,
          },
        ],
      };
    }
    const task: Task = {
      taskArn: `${clusterArn(request.cluster).replace(':cluster/', ':task/')}/${createHash('md5').update(token).digest('hex')}`,
      request,
      container,
      createdAt: Date.now(),
      desiredStatus: 'RUNNING',
    };
    this.tasks.set(token, task);
    const ended = this.run(task, command).finally(() => this.ended.delete(ended));
    this.ended.add(ended);
    return accepted(task);
  }

  /** Filters tasks by `startedBy`, if present, and by their desired status. */
  private listTasks({ cluster, startedBy, desiredStatus = 'RUNNING' }: ListTasksRequest): object {
    const found = [...this.tasks.values()].filter(
      (task) =>
        clusterArn(task.request.cluster) === clusterArn(cluster) &&
        (startedBy === undefined || task.request.startedBy === startedBy) &&
        task.desiredStatus === desiredStatus,
    );
    return { taskArns: found.map(({ taskArn }) => taskArn) };
  }

  /** As in AWS, the container gets SIGTERM, and SIGKILL if it does not exit in time. */
  private stopTask({ cluster, task: arn, reason = 'Task stopped by user' }: StopTaskRequest): object {
    const task = [...this.tasks.values()].find(({ taskArn }) => taskArn === arn);
    if (!task || clusterArn(task.request.cluster) !== clusterArn(cluster)) {
      throw new ServiceError('InvalidParameterException', 'The referenced task was not found.');
    }
    if (task.desiredStatus === 'RUNNING') {
      task.desiredStatus = 'STOPPED';
      task.stoppedReason = reason;
      const { process: running } = task;
      if (running?.pid !== undefined) {
        const processId = running.pid;
        endGroup(processId, 'SIGTERM');
        const kill = setTimeout(() => endGroup(processId, 'SIGKILL'), STOP_TIMEOUT_MS).unref();
        running.once('exit', () => clearTimeout(kill));
      }
    }
    return { task: { ...described(task), desiredStatus: task.desiredStatus } };
  }

  private commandOf({ taskDefinition }: RunTaskRequest, container: string): string | undefined {
    const { commands, containers } = this.options;
    const fullName = `${familyOf(taskDefinition)}/${container}`;
    if (!containers.includes(fullName)) return undefined;
    return [fullName, container].flatMap((name) => (Object.hasOwn(commands, name) ? commands[name] : []))[0];
  }

  private async run(task: Task, command: string): Promise<void> {
    const [override] = task.request.overrides?.containerOverrides ?? [];
    const variables = Object.fromEntries(
      (override?.environment ?? []).map(({ name = '', value = '' }) => [name, value]),
    );
    // The command of the override follows, as a container's command follows its entry point. The process leads a process group, so that its
    // children can be killed with it.
    task.process = spawn('/bin/sh', ['-c', `${command} "$@"`, 'sh', ...(override?.command ?? [])], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...withoutAws(process.env),
        ...this.options.environment,
        ...this.options.environments[`${familyOf(task.request.taskDefinition)}/${task.container}`],
        ...variables,
      },
    });
    for (const stream of [task.process.stdout, task.process.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.options.onLine?.(line));
    }
    task.process.once('spawn', () => this.publish(task, 'RUNNING'));
    const end = await endOf(task.process);
    task.desiredStatus = 'STOPPED';
    if (!this.stopped) {
      this.publish(task, 'STOPPED', end);
    }
  }

  private publish(
    { taskArn, request, container, createdAt, stoppedReason }: Task,
    status: 'RUNNING' | 'STOPPED',
    end?: End,
  ): void {
    const detail = {
      ...described({ taskArn, request }),
      group: `family:${familyOf(request.taskDefinition)}`,
      lastStatus: status,
      desiredStatus: status,
      createdAt: new Date(createdAt).toISOString(),
      updatedAt: new Date().toISOString(),
      containers: [{ name: container, taskArn, lastStatus: status, exitCode: end?.exitCode, reason: end?.reason }],
      ...(end && {
        stoppedAt: new Date().toISOString(),
        ...causeOf(end, stoppedReason),
      }),
    };
    this.bus.put({ ...TASK_STATE_CHANGE, detail, resources: [taskArn] });
  }
}

/** Returns the family of a task definition: `films` for `arn:aws:ecs:us-east-1:000000000000:task-definition/films:7`. */
export function familyOf(taskDefinition = ''): string {
  return taskDefinition.slice(taskDefinition.lastIndexOf('/') + 1).replace(/:\d+$/, '');
}

/** Returns why a task stopped: it never started, was stopped on request, or exited. */
function causeOf({ exitCode, reason }: End, stoppedReason: string | undefined): object {
  if (exitCode === undefined) return { stopCode: 'TaskFailedToStart', stoppedReason: reason };
  if (stoppedReason !== undefined) return { stopCode: 'UserInitiated', stoppedReason };
  return { stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' };
}

/** Returns the members of a task that responses and events share. */
function described({ taskArn, request }: Pick<Task, 'taskArn' | 'request'>): object {
  const { cluster, taskDefinition, startedBy, launchType, overrides } = request;
  return {
    taskArn,
    clusterArn: clusterArn(cluster),
    taskDefinitionArn: taskDefinition,
    startedBy,
    launchType,
    overrides,
  };
}

function accepted(task: Task): object {
  const status = { lastStatus: 'PENDING', desiredStatus: 'RUNNING', createdAt: task.createdAt / 1000 };
  return { tasks: [{ ...described(task), ...status }], failures: [] };
}

/** Checks the limits of Amazon ECS that a workflow could exceed. */
function check({ overrides, clientToken, startedBy }: RunTaskRequest): void {
  for (const { environment } of overrides?.containerOverrides ?? []) checkTaskVariables(environment ?? []);
  if (JSON.stringify(overrides ?? {}).length > MAX_OVERRIDES_LENGTH) {
    throw new ServiceError(
      'InvalidParameterException',
      `Container Overrides length must be at most ${MAX_OVERRIDES_LENGTH}`,
    );
  }
  if (clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(clientToken)) {
    throw new ServiceError(
      'InvalidParameterException',
      'Invalid clientToken: expected 1 to 64 printable ASCII characters.',
    );
  }
  if (startedBy !== undefined && !/^[A-Za-z0-9/_-]{1,128}$/.test(startedBy)) {
    throw new ServiceError(
      'InvalidParameterException',
      'Invalid startedBy: expected 1 to 128 letters, digits, hyphens, underscores and slashes.',
    );
  }
}

function clusterArn(cluster = 'default'): string {
  return cluster.startsWith('arn:') ? cluster : `arn:aws:ecs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:cluster/${cluster}`;
}

/** Removes AWS variables, so that a process reaches the embedded servers and not the user's AWS account. */
function withoutAws(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('AWS_')));
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ reason: `CannotStartContainerError: ${error.message}` }));
    child.once('exit', (code, signal) => {
      // A container ends with its first process.
      if (child.pid !== undefined) endGroup(child.pid, 'SIGKILL');
      // As in shells and Docker, the exit code of a signal is 128 plus its number.
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
    });
  });
}

function endGroup(processId: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-processId, signal);
  } catch {
    // The process group has already ended.
  }
}
