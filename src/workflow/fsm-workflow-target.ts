import { Token } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { aws_events } from 'aws-cdk-lib/interfaces';
import { EVENT_SOURCE, EXECUTION_ID_PATTERN, START_DETAIL_TYPE, type StartEvent } from '#contract';
import type { FsmWorkflow } from './fsm-workflow';
import { quoteAll, ValidationErrors } from '../shared/validation-errors';
import { checkTypes, objectWith } from '../shared/value-types';

/** The execution that an event starts. */
export interface FsmWorkflowTargetOptions {
  /** Name of the machine that the execution runs. */
  readonly machine: string;
  /**
   * ID of the execution, for example `EventField.fromPath('$.detail.orderId')`. Events with the same ID start one execution.
   *
   * Valid range: 1 to 128 printable ASCII characters without spaces.
   *
   * @default - the ID of the event, so that an event that is delivered twice starts one execution
   */
  readonly executionId?: string;
  /**
   * Context of the execution: an object whose values may be fields of the event, for example `EventField.fromPath('$.detail.object.key')`.
   *
   * @default - the `detail` of the event
   */
  readonly context?: { [name: string]: unknown };
}

/**
 * Uses a workflow as the target of an EventBridge rule: each event that matches the rule starts an execution.
 *
 * ```ts
 * bucket.enableEventBridgeNotification();
 * new Rule(this, 'Uploads', {
 *   eventPattern: { source: ['aws.s3'], detailType: ['Object Created'], detail: { bucket: { name: [bucket.bucketName] } } },
 *   targets: [new FsmWorkflowTarget(workflow, { machine: 'upload' })],
 * });
 * ```
 *
 * After three failed attempts to start the execution, the workflow retries the event ten times, and then moves it to its dead-letter queue.
 */
export class FsmWorkflowTarget implements events.IRuleTarget {
  /** @throws Error that lists all invalid options */
  constructor(
    private readonly workflow: FsmWorkflow,
    private readonly options: FsmWorkflowTargetOptions,
  ) {
    const errors = new ValidationErrors();
    checkTypes(errors, { workflow }, { workflow: objectWith(['_failedInvocations'], 'an FsmWorkflow') }, ['workflow']);
    errors.throwIfAny('FsmWorkflowTarget');
    const { machine, executionId, context } = options;
    if (!Token.isUnresolved(machine) && !workflow.machineNames.includes(machine)) {
      errors.add(`Invalid machine "${machine}": the workflow has only ${quoteAll(workflow.machineNames)}.`);
    }
    if (executionId !== undefined && !Token.isUnresolved(executionId) && !EXECUTION_ID_PATTERN.test(executionId)) {
      errors.add(
        `Invalid executionId "${executionId.slice(0, 200)}": expected 1 to 128 printable ASCII characters without spaces, for example EventField.fromPath('$.detail.orderId').`,
      );
    }
    // JavaScript callers can pass any value.
    if (
      context !== undefined &&
      !Token.isUnresolved(context) &&
      (typeof context !== 'object' || context === null || Array.isArray(context))
    ) {
      errors.add(
        `Invalid context ${JSON.stringify(context)}: expected an object, for example { key: EventField.fromPath('$.detail.object.key') }.`,
      );
    }
    errors.throwIfAny(`FsmWorkflowTarget of workflow "${workflow.node.path}"`);
  }

  /** Called by the rule that the target is added to. */
  public bind(rule: aws_events.IRuleRef, id?: string): events.RuleTargetConfig {
    const { function: fn, _failedInvocations } = this.workflow;
    _failedInvocations.receiveAsynchronous();
    const event: StartEvent = {
      source: EVENT_SOURCE,
      'detail-type': START_DETAIL_TYPE,
      detail: {
        machine: this.options.machine,
        executionId: this.options.executionId ?? events.EventField.eventId,
        context: this.options.context ?? events.EventField.fromPath('$.detail'),
      },
    };
    return new targets.LambdaFunction(fn, { event: events.RuleTargetInput.fromObject(event) }).bind(rule, id);
  }
}
