import type { Construct } from 'constructs';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import type { Problems } from './problems';
import { refuseBackoff, type RetryAtOnceOptions } from './retry-at-once';
import { bindTopic, checkSnsOptions, type SnsOptions } from './sns-topic';

/** An SNS topic as a retry queue that holds nothing back. */
export interface SnsRetryQueueOptions extends SnsOptions, RetryAtOnceOptions {}

export class SnsRetryQueue implements TransportService {
  constructor(private readonly options: SnsRetryQueueOptions) {}

  public resource(): unknown {
    return this.options.topic?.topicArn ?? this;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    checkSnsOptions(problems, this.options, plan);
    refuseBackoff(problems, 'SNS', this.options, plan);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    return bindTopic(scope, this.options, workflow);
  }
}
