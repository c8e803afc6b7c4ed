import type { DynamoDBStreamEvent } from 'aws-lambda';
import { ENVELOPE_ATTRIBUTE } from '../../contract/tables';
import type { RecordReader } from '../broker';

/** The envelope is an attribute of the new image. The filter of the event source mapping drops items without one. */
export const DYNAMODB_RECORDS: RecordReader = {
  reportsFailures: true,
  deliveries: ({ Records }: DynamoDBStreamEvent) =>
    Records.map(({ dynamodb, eventSourceARN = '' }) => ({
      id: dynamodb?.SequenceNumber ?? '',
      body: dynamodb?.NewImage?.[ENVELOPE_ATTRIBUTE]?.S ?? '',
      place: { service: 'dynamodb', resource: eventSourceARN, sequenceNumber: dynamodb?.SequenceNumber },
      blocking: true,
      ordered: true,
    })),
};
