import type { Construct } from 'constructs';
import type { Binding, TransportService, WorkflowParts, WorkflowPlan } from './binding';
import { bindStream, checkKinesisOptions, type KinesisOptions } from './kinesis-stream';
import type { Problems } from './problems';

/** A Kinesis data stream as an event source. */
export interface KinesisEventSourceOptions extends KinesisOptions {}

export class KinesisEventSource implements TransportService {
  constructor(private readonly options: KinesisEventSourceOptions) {}

  public resource(): unknown {
    return this.options.stream?.streamArn ?? this;
  }

  public check(problems: Problems, plan: WorkflowPlan): void {
    checkKinesisOptions(problems, this.options, plan);
  }

  public bind(scope: Construct, workflow: WorkflowParts): Binding {
    return bindStream(scope, this.options, workflow);
  }
}
