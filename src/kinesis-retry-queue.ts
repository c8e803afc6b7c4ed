import type { Construct } from 'constructs';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import { bindStream, checkKinesisOptions, type KinesisOptions } from './kinesis-stream';
import type { Problems } from './problems';
import { refuseBackoff, type RetryAtOnceOptions } from './retry-at-once';

/** A Kinesis data stream as a retry queue that holds nothing back. */
export interface KinesisRetryQueueOptions extends KinesisOptions, RetryAtOnceOptions {}

export class KinesisRetryQueue implements TransportService {
  constructor(private readonly options: KinesisRetryQueueOptions) {}

  public resource(): unknown {
    return this.options.stream?.streamArn ?? this;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    checkKinesisOptions(problems, this.options, plan);
    refuseBackoff(problems, 'Kinesis', this.options, plan);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    return bindStream(scope, this.options, workflow);
  }
}
