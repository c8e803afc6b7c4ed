import { Construct, type IConstruct } from 'constructs';
import type { Broker } from './broker';
import { freeId } from '../shared/free-id';

/**
 * Creates the scope of a broker's resources. Its id names what the broker is and never the role that it plays, so that a queue with waiting
 * messages stays the same queue when it becomes the failover, or a previous event source:
 *
 *     deployment 1   eventSource: EventSource.sqs()       ── EventSourceSqs
 *     deployment 2   eventSource: EventSource.kinesis()   ── EventSourceKinesis
 *                    previousEventSources: [sqs()]        ── EventSourceSqs: the same queue, with its messages
 *
 * The second of several equal brokers has the id `EventSourceSqs2`, and so on. If they change places, all of them still deliver.
 */
export function brokerScope(parent: Construct, role: 'EventSource' | 'RetryQueue', broker: Broker<unknown>): Construct {
  return new Construct(parent, freeId(parent, `${role}${broker.resourceId()}`));
}

/**
 * The id of a resource. That of an existing resource follows its construct: CloudFormation creates new event source mappings before it
 * deletes old ones, and Lambda rejects a second mapping of the same resource.
 */
export function resourceIdOf(kind: string, existing: IConstruct | undefined): string {
  return existing ? `${kind}${existing.node.addr.slice(0, 8)}` : kind;
}
