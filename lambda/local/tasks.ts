import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { ListTasksRequest, RunTaskRequest, StopTaskRequest } from '@aws-sdk/client-ecs';
import type { EventBus } from './event-bus';
import { ServiceError, type Operations } from './json-server';
import { LOCAL_ACCOUNT, LOCAL_REGION } from './template';

export interface TaskRunnerOptions {
  /** The command lines of containers, by the container's name, or by family of the task definition and name: `render` or `films/render`. */
  readonly commands: Readonly<Record<string, string>>;
  /** The environment that the task definitions give their containers, by family and name. */
  readonly environments: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Environment variables that all containers get besides. */
  readonly environment: Readonly<Record<string, string>>;
  /** Gets each line that containers write to their output. */
  readonly onLine?: (line: string) => void;
}

/** A task, from when it was asked for until it has stopped. */
interface Task {
  readonly taskArn: string;
  readonly request: RunTaskRequest;
  readonly container: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  desiredStatus: 'RUNNING' | 'STOPPED';
  /** Why it was asked to stop. */
  stoppedReason?: string;
  process?: ChildProcess;
}

/** How a task has ended. Without an exit code its container was never started. */
interface End {
  readonly exitCode?: number;
  readonly reason?: string;
}

/** All overrides of a task have that many characters at most, as JSON. @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html */
const MAX_OVERRIDES = 8_192;

/**
 * Milliseconds that a container has to end by itself when its task is stopped.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
 */
const STOP_TIMEOUT = 30_000;

/**
 * Amazon ECS, as far as starting, finding and stopping tasks goes. A task is a process of this machine: the command line that the user has
 * given for the container that the request is about. Other containers of the task definition are left out. As on AWS, a token of the client
 * starts one task, and the bus is told when a task runs and when it has stopped.
 */
export class TaskRunner {
  /** What clients may ask of it. */
  public readonly operations: Operations = {
    'AmazonEC2ContainerServiceV20141113.RunTask': (input) => this.runTask(input as RunTaskRequest),
    'AmazonEC2ContainerServiceV20141113.ListTasks': (input) => this.listTasks(input as ListTasksRequest),
    'AmazonEC2ContainerServiceV20141113.StopTask': (input) => this.stopTask(input as StopTaskRequest),
  };
  private readonly tasks = new Map<string, Task>();
  private readonly ended = new Set<Promise<void>>();
  private stopped = false;

  constructor(private readonly options: TaskRunnerOptions, private readonly bus: EventBus) {}

  /** Kills all tasks. Nobody is told. */
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
      throw new ServiceError('ConflictException', 'The token of the client was used for another request.', { resourceIds: [known.taskArn] });
    }
    if (known) {
      return accepted(known);
    }
    const [override] = request.overrides?.containerOverrides ?? [];
    const container = override?.name ?? '';
    const command = this.commandOf(request, container);
    if (command === undefined) {
      return { tasks: [], failures: [{ arn: request.taskDefinition, reason: 'MISSING', detail: `The local runner has no command for the container "${container}".` }] };
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

  /** By what started them, if that is given, and by what they are to be. */
  private listTasks({ cluster, startedBy, desiredStatus = 'RUNNING' }: ListTasksRequest): object {
    const found = [...this.tasks.values()].filter((task) => (
      clusterArn(task.request.cluster) === clusterArn(cluster)
      && (startedBy === undefined || task.request.startedBy === startedBy)
      && task.desiredStatus === desiredStatus
    ));
    return { taskArns: found.map(({ taskArn }) => taskArn) };
  }

  /** As on AWS, the container is asked to end, and killed when it does not. */
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
        const patience = setTimeout(() => endGroup(processId, 'SIGKILL'), STOP_TIMEOUT).unref();
        running.once('exit', () => clearTimeout(patience));
      }
    }
    return { task: { ...described(task), desiredStatus: task.desiredStatus } };
  }

  private commandOf({ taskDefinition }: RunTaskRequest, container: string): string | undefined {
    const { commands } = this.options;
    return [`${familyOf(taskDefinition)}/${container}`, container].flatMap((name) => Object.hasOwn(commands, name) ? commands[name] : [])[0];
  }

  private async run(task: Task, command: string): Promise<void> {
    const [override] = task.request.overrides?.containerOverrides ?? [];
    const variables = Object.fromEntries((override?.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
    // As a container's command follows its entry point. The process leads a group, so that all that it starts can be ended with it.
    task.process = spawn('/bin/sh', ['-c', `${command} "$@"`, 'sh', ...override?.command ?? []], {
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
    task.process.once('spawn', () => this.tell(task, 'RUNNING'));
    const end = await endOf(task.process);
    task.desiredStatus = 'STOPPED';
    if (!this.stopped) {
      this.tell(task, 'STOPPED', end);
    }
  }

  private tell({ taskArn, request, container, createdAt, stoppedReason }: Task, status: 'RUNNING' | 'STOPPED', end?: End): void {
    const detail = {
      ...described({ taskArn, request }),
      group: `family:${familyOf(request.taskDefinition)}`,
      lastStatus: status,
      desiredStatus: status,
      createdAt: new Date(createdAt).toISOString(),
      updatedAt: new Date().toISOString(),
      containers: [{ name: container, taskArn, lastStatus: status, exitCode: end?.exitCode, reason: end?.reason }],
      ...end && {
        stoppedAt: new Date().toISOString(),
        ...causeOf(end, stoppedReason),
      },
    };
    this.bus.put({ source: 'aws.ecs', detailType: 'ECS Task State Change', detail, resources: [taskArn] });
  }
}

/** `films` out of `arn:aws:ecs:us-east-1:000000000000:task-definition/films:7`. */
export function familyOf(taskDefinition = ''): string {
  return taskDefinition.slice(taskDefinition.lastIndexOf('/') + 1).replace(/:\d+$/, '');
}

/** Why a task has stopped: it never started, was stopped for a reason, or has come to its end. */
function causeOf({ exitCode, reason }: End, stoppedReason: string | undefined): object {
  if (exitCode === undefined) return { stopCode: 'TaskFailedToStart', stoppedReason: reason };
  if (stoppedReason !== undefined) return { stopCode: 'UserInitiated', stoppedReason };
  return { stopCode: 'EssentialContainerExited', stoppedReason: 'Essential container in task exited' };
}

/** What both the answer to the request and the events say of a task. */
function described({ taskArn, request }: Pick<Task, 'taskArn' | 'request'>): object {
  const { cluster, taskDefinition, startedBy, launchType, overrides } = request;
  return { taskArn, clusterArn: clusterArn(cluster), taskDefinitionArn: taskDefinition, startedBy, launchType, overrides };
}

function accepted(task: Task): object {
  const status = { lastStatus: 'PENDING', desiredStatus: 'RUNNING', createdAt: task.createdAt / 1000 };
  return { tasks: [{ ...described(task), ...status }], failures: [] };
}

/** The limits of the service that a request can break which one of another form would keep. */
function check({ overrides, clientToken, startedBy }: RunTaskRequest): void {
  if (JSON.stringify(overrides ?? {}).length > MAX_OVERRIDES) {
    throw new ServiceError('InvalidParameterException', `Container Overrides length must be at most ${MAX_OVERRIDES}`);
  }
  if (clientToken !== undefined && !/^[\x21-\x7e]{1,64}$/.test(clientToken)) {
    throw new ServiceError('InvalidParameterException', 'clientToken is 1 to 64 printable ASCII characters.');
  }
  if (startedBy !== undefined && !/^[A-Za-z0-9/_-]{1,128}$/.test(startedBy)) {
    throw new ServiceError('InvalidParameterException', 'startedBy is 1 to 128 letters, digits, hyphens, underscores and slashes.');
  }
}

function clusterArn(cluster = 'default'): string {
  return cluster.startsWith('arn:') ? cluster : `arn:aws:ecs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:cluster/${cluster}`;
}

/** The process reaches the embedded servers, and nothing of an account that whoever runs it happens to have. */
function withoutAws(variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith('AWS_')));
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ reason: `CannotStartContainerError: ${error.message}` }));
    child.once('exit', (code, signal) => {
      // With its first process, a container ends as a whole.
      if (child.pid !== undefined) endGroup(child.pid, 'SIGKILL');
      // As a shell says it, and Docker: 128 and the number of the signal.
      resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
    });
  });
}

function endGroup(processId: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-processId, signal);
  } catch {
    // It has ended meanwhile.
  }
}
