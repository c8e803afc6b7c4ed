import type { IncomingMessage } from 'node:http';
import type { ListTasksRequest, RunTaskRequest, StopTaskRequest, Task } from '@aws-sdk/client-ecs';
import { ServiceServer, type Answer } from './service-server';

type Refuse = (type: string, members?: object) => Answer;

/** An event of EventBridge. */
export type TaskStateChange = Readonly<Record<string, unknown>> & { readonly detail: object };

/**
 * A server for the operations of Amazon ECS that start, list and stop tasks: implements the protocol of the service, enforces its limits, and
 * remembers client tokens as it does. Its tasks do nothing until they are stopped.
 */
export class EcsServer extends ServiceServer {
  /** Every request to run a task. */
  public readonly requests: RunTaskRequest[] = [];
  /** Every request to list tasks, and to stop a task. */
  public readonly lists: ListTasksRequest[] = [];
  public readonly stops: StopTaskRequest[] = [];
  /** The started tasks. */
  public readonly tasks: (Task & { readonly request: RunTaskRequest })[] = [];
  /** The number of requests that fail to place a task. */
  public full = 0;
  /** The number of requests to list tasks that are refused. */
  public refused = 0;
  /** The number of requests that take effect, but return a server error. */
  public lost = 0;

  /** The environment of the container of a task. */
  public environment(index: number): Record<string, string> {
    const [container] = this.tasks[index]?.request.overrides?.containerOverrides ?? [];
    return Object.fromEntries((container?.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
  }

  /** The event for the end of a task. Without an exit code, its container never started. */
  public stopped(index: number, exitCode?: number, lastStatus = 'STOPPED'): TaskStateChange {
    const task = this.tasks[index];
    if (!task) throw new Error(`There is no task ${index}.`);
    task.desiredStatus = 'STOPPED';
    const [override] = task.request.overrides?.containerOverrides ?? [];
    return {
      version: '0',
      source: 'aws.ecs',
      'detail-type': 'ECS Task State Change',
      detail: {
        clusterArn: task.request.cluster,
        taskArn: task.taskArn,
        startedBy: task.request.startedBy,
        lastStatus,
        desiredStatus: 'STOPPED',
        overrides: task.request.overrides,
        containers: [
          { name: 'sidecar', exitCode: 137 },
          { name: override?.name, ...(exitCode !== undefined && { exitCode }) },
        ],
        stopCode: exitCode === undefined ? 'TaskFailedToStart' : 'EssentialContainerExited',
        stoppedReason: exitCode === undefined ? 'CannotPullContainerError' : 'Essential container in task exited',
      },
    };
  }

  protected answer(request: IncomingMessage, sent: Buffer): Answer | undefined {
    const refuse: Refuse = (type, members = {}) => [400, { __type: type, message: type, ...members }];
    // The SDK client of the service sent the request.
    const asked: unknown = JSON.parse(sent.toString());
    switch (String(request.headers['x-amz-target']).split('.')[1]) {
      case 'RunTask':
        return this.run(asked as RunTaskRequest, refuse);
      case 'ListTasks':
        return this.list(asked as ListTasksRequest, refuse);
      case 'StopTask':
        return this.stopTask(asked as StopTaskRequest, refuse);
      default:
        return refuse('UnknownOperationException');
    }
  }

  private list(asked: ListTasksRequest, refuse: Refuse): Answer {
    this.lists.push(asked);
    if (this.refused > 0) {
      this.refused -= 1;
      return refuse('AccessDeniedException');
    }
    const found = this.tasks.filter(
      ({ request, desiredStatus }) =>
        request.cluster === asked.cluster &&
        request.startedBy === asked.startedBy &&
        desiredStatus === (asked.desiredStatus ?? 'RUNNING'),
    );
    return [200, { taskArns: found.map(({ taskArn }) => taskArn) }];
  }

  private stopTask(asked: StopTaskRequest, refuse: Refuse): Answer {
    this.stops.push(asked);
    const task = this.tasks.find(({ taskArn, request }) => taskArn === asked.task && request.cluster === asked.cluster);
    if (!task) return refuse('InvalidParameterException');
    task.desiredStatus = 'STOPPED';
    return [200, { task }];
  }

  private run(run: RunTaskRequest, refuse: Refuse): Answer {
    this.requests.push(run);
    if (JSON.stringify(run.overrides).length > 8_192) return refuse('InvalidParameterException');
    if (!/^[\x21-\x7e]{1,64}$/.test(run.clientToken ?? '')) return refuse('InvalidParameterException');
    if (!/^[A-Za-z0-9/_-]{1,128}$/.test(run.startedBy ?? '')) return refuse('InvalidParameterException');
    if (this.full > 0) {
      this.full -= 1;
      return [200, { tasks: [], failures: [{ arn: run.cluster, reason: 'RESOURCE:MEMORY' }] }];
    }
    const known = this.tasks.find((task) => task.request.clientToken === run.clientToken);
    if (known && JSON.stringify(known.request) !== JSON.stringify(run)) {
      return refuse('ConflictException', { resourceIds: [known.taskArn] });
    }
    const task = known ?? {
      taskArn: `arn:aws:ecs:eu-west-1:1:task/main/${this.tasks.length}`,
      desiredStatus: 'RUNNING',
      request: run,
    };
    if (!known) this.tasks.push(task);
    if (this.lost > 0) {
      this.lost -= 1;
      return [500, { __type: 'ServerException', message: 'lost' }];
    }
    return [200, { tasks: [{ taskArn: task.taskArn }], failures: [] }];
  }
}
