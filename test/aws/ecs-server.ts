import type { IncomingMessage } from 'node:http';
import type { ListTasksRequest, RunTaskRequest, StopTaskRequest, Task } from '@aws-sdk/client-ecs';
import { ServiceServer, type Answer } from './service-server';

type Refuse = (type: string, members?: object) => Answer;

/** An event as EventBridge hands it to a function. */
export type TaskStateChange = Readonly<Record<string, unknown>> & { readonly detail: object };

/**
 * Amazon ECS, as far as starting, finding and stopping tasks goes, on loopback: it speaks the protocol of the service, checks the requests
 * against the service's limits, and keeps client tokens as the service does. Its tasks do nothing until they are stopped.
 */
export class EcsServer extends ServiceServer {
  /** Every request for a task, as it came. */
  public readonly requests: RunTaskRequest[] = [];
  /** Every request to list tasks, and to stop one, as it came. */
  public readonly lists: ListTasksRequest[] = [];
  public readonly stops: StopTaskRequest[] = [];
  /** The tasks that were started. */
  public readonly tasks: (Task & { readonly request: RunTaskRequest })[] = [];
  /** That many requests are answered with a failure to place the task. */
  public full = 0;
  /** That many requests to list tasks are refused. */
  public refused = 0;
  /** That many requests take effect, but get an error of the server for an answer. */
  public lost = 0;

  /** What a container of a task was told. */
  public environment(index: number): Record<string, string> {
    const [container] = this.tasks[index]?.request.overrides?.containerOverrides ?? [];
    return Object.fromEntries((container?.environment ?? []).map(({ name = '', value = '' }) => [name, value]));
  }

  /** The event of the end of a task; without an exit code its container was never started. */
  public stopped(index: number, exitCode?: number, lastStatus = 'STOPPED'): TaskStateChange {
    const task = this.tasks[index];
    if (!task) throw new Error(`There is no task ${index}.`);
    task.desiredStatus = 'STOPPED';
    const [override] = task.request.overrides?.containerOverrides ?? [];
    return {
      'version': '0',
      'source': 'aws.ecs',
      'detail-type': 'ECS Task State Change',
      'detail': {
        clusterArn: task.request.cluster,
        taskArn: task.taskArn,
        startedBy: task.request.startedBy,
        lastStatus,
        desiredStatus: 'STOPPED',
        overrides: task.request.overrides,
        containers: [{ name: 'sidecar', exitCode: 137 }, { name: override?.name, ...exitCode !== undefined && { exitCode } }],
        stopCode: exitCode === undefined ? 'TaskFailedToStart' : 'EssentialContainerExited',
        stoppedReason: exitCode === undefined ? 'CannotPullContainerError' : 'Essential container in task exited',
      },
    };
  }

  protected answer(request: IncomingMessage, sent: Buffer): Answer | undefined {
    const refuse: Refuse = (type, members = {}) => [400, { __type: type, message: type, ...members }];
    // The service's own client has made the request.
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
    const found = this.tasks.filter(({ request, desiredStatus }) => (
      request.cluster === asked.cluster && request.startedBy === asked.startedBy && desiredStatus === (asked.desiredStatus ?? 'RUNNING')
    ));
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
    if (known && JSON.stringify(known.request) !== JSON.stringify(run)) return refuse('ConflictException', { resourceIds: [known.taskArn] });
    const task = known ?? { taskArn: `arn:aws:ecs:eu-west-1:1:task/main/${this.tasks.length}`, desiredStatus: 'RUNNING', request: run };
    if (!known) this.tasks.push(task);
    if (this.lost > 0) {
      this.lost -= 1;
      return [500, { __type: 'ServerException', message: 'lost' }];
    }
    return [200, { tasks: [{ taskArn: task.taskArn }], failures: [] }];
  }
}
