import { Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { aws_events } from 'aws-cdk-lib/interfaces';
import { keepFailedInvocations } from './failed-invocations';
import type { FsmWorkflow } from './fsm-workflow';

/** What an event starts. */
export interface FsmWorkflowTargetOptions {
  /** Name of the machine that the execution runs. */
  readonly machine: string;
  /**
   * Name of the execution, for example `EventField.fromPath('$.detail.orderId')`: 1 to 128 printable ASCII characters without a space. The
   * same name starts one execution.
   *
   * @default - the id of the event, so that an event that is delivered twice starts one execution
   */
  readonly executionId?: string;
  /**
   * The context of the execution: an object, in which any value may be a field of the event (`EventField.fromPath('$.detail.object.key')`).
   *
   * @default - the detail of the event
   */
  readonly context?: { [name: string]: unknown };
}

/**
 * A workflow as the target of an EventBridge rule: each event that the rule matches starts an execution.
 *
 * ```ts
 * bucket.enableEventBridgeNotification();
 * new Rule(this, 'Uploads', {
 *   eventPattern: { source: ['aws.s3'], detailType: ['Object Created'], detail: { bucket: { name: [bucket.bucketName] } } },
 *   targets: [new FsmWorkflowTarget(workflow, { machine: 'upload' })],
 * });
 * ```
 *
 * An event that starts nothing after three attempts goes to the workflow's dead-letter queue.
 */
export class FsmWorkflowTarget implements events.IRuleTarget {
  /** @throws Error when the workflow has no such machine, or no execution can have that name or that context */
  constructor(private readonly workflow: FsmWorkflow, private readonly options: FsmWorkflowTargetOptions) {
    const { machine, executionId, context } = options;
    if (executionId !== undefined && !Token.isUnresolved(executionId) && !/^[\x21-\x7e]{1,128}$/.test(executionId)) {
      throw new Error(`"${executionId.slice(0, 200)}" can be no executionId: expected 1 to 128 printable ASCII characters without a space, such as EventField.fromPath('$.detail.orderId').`);
    }
    // Who writes JavaScript can give anything.
    if (context !== undefined && !Token.isUnresolved(context) && (typeof context !== 'object' || context === null || Array.isArray(context))) {
      throw new Error(`${JSON.stringify(context)} can be no context: expected an object, such as { key: EventField.fromPath('$.detail.object.key') }.`);
    }
    if (!Token.isUnresolved(machine) && !workflow.machineNames.includes(machine)) {
      throw new Error(`The workflow "${workflow.node.path}" has no machine "${machine}" that an event could start; it has ${workflow.machineNames.map((name) => `"${name}"`).join(', ')}.`);
    }
  }

  /** Called by the rule. */
  public bind(rule: aws_events.IRuleRef, id?: string): events.RuleTargetConfig {
    const { function: fn, deadLetterQueue } = this.workflow;
    keepFailedInvocations(fn, deadLetterQueue);
    return new targets.LambdaFunction(fn, {
      event: events.RuleTargetInput.fromObject({
        'source': 'cdk-lambda-fsm',
        'detail-type': 'start',
        'detail': {
          machine: this.options.machine,
          executionId: this.options.executionId ?? events.EventField.eventId,
          context: this.options.context ?? events.EventField.fromPath('$.detail'),
        },
      }),
    }).bind(rule, id);
  }
}
