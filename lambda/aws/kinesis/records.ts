import { isUtf8 } from 'node:buffer';
import type { KinesisStreamEvent } from 'aws-lambda';
import type { RecordReader } from '../broker';

export const KINESIS_RECORDS: RecordReader = {
  reportsFailures: true,
  deliveries: ({ Records }: KinesisStreamEvent) =>
    Records.map(({ eventID, eventSourceARN, kinesis: { data, sequenceNumber } }) => ({
      id: sequenceNumber,
      body: textOf(Buffer.from(data, 'base64')),
      place: {
        service: 'kinesis',
        // With enhanced fan-out, the ARN is that of the consumer, below the ARN of the stream.
        resource: eventSourceARN.replace(/\/consumer\/.*$/, ''),
        // The id consists of the shard id, a colon and the sequence number.
        shard: eventID.slice(0, eventID.lastIndexOf(':')),
        sequenceNumber,
      },
      blocking: true,
      ordered: true,
    })),
};

/** The text of a record. Binary data is not an envelope. It is encoded in Base64, so that its dead letter holds it unchanged. */
export function textOf(data: Buffer): string {
  return data.toString(isUtf8(data) ? 'utf8' : 'base64');
}
