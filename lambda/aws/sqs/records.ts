import type { SQSEvent } from 'aws-lambda';
import { findQueue } from './queues';
import { isNearReceiveLimit } from '../../engine/ports';
import type { RecordReader } from '../broker';

export const SQS_RECORDS: RecordReader = {
  reportsFailures: true,
  deliveries: ({ Records }: SQSEvent, workflow) =>
    Records.map(({ messageId, receiptHandle, body, attributes, eventSourceARN }) => {
      // Absent only in an event that did not come from a queue.
      const receives = Number(attributes?.ApproximateReceiveCount ?? 1);
      return {
        id: messageId,
        body,
        place: { service: 'sqs', resource: eventSourceARN, messageId },
        blocking: false,
        // The name of a FIFO queue ends so, and no other name.
        ordered: eventSourceARN.endsWith('.fifo'),
        receipt: { queue: eventSourceARN, handle: receiptHandle },
        receives,
        nearReceiveLimit:
          workflow !== undefined && isNearReceiveLimit(receives, findQueue(workflow, eventSourceARN).maxReceiveCount),
      };
    }),
};
