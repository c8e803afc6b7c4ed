import type { Construct } from 'constructs';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import type { Problems } from './problems';
import { bindTopic, checkSnsOptions, type SnsOptions } from './sns-topic';

/** An SNS topic as an event source. */
export interface SnsEventSourceOptions extends SnsOptions {}

export class SnsEventSource implements TransportService {
  constructor(private readonly options: SnsEventSourceOptions) {}

  public resource(): unknown {
    return this.options.topic?.topicArn ?? this;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    checkSnsOptions(problems, this.options, plan);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    return bindTopic(scope, this.options, workflow);
  }
}
