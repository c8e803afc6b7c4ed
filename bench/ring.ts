import type { DynamoDBStreamEvent, KinesisStreamEvent, SNSEvent, SQSEvent } from 'aws-lambda';
import type { Source } from './sources';
import { ENVELOPE_VERSION, type Envelope } from '../lambda/engine';
import { normalize, START, type Machine } from '../lambda/machine';
import { INCARNATION } from '../test/support/execution-key';

/** A machine that alternates between two states. Its actions do almost nothing, so the bench measures the workflow itself. */
export const ring: Machine = normalize({
  name: 'ring',
  initial: 'a',
  states: { a: { do: 'go', on: { go: 'b' } }, b: { do: 'go', on: { go: 'a', stop: 'end' } }, end: { final: true } },
});

/** The actions file that synth would put next to the runtime. */
export const RING_ACTIONS =
  "export default { go: (context) => { context.rounds = (context.rounds ?? 0) + 1; return 'go'; } };\n";

/** A context of the size of an order. */
const CONTEXT = {
  customer: 'c-8861',
  items: Array.from({ length: 8 }, (_, n) => ({ sku: `sku-${n}`, quantity: n, cents: 199 * n })),
  paid: false,
};

/** Executions that take their steps together: each batch has one record of each execution. */
export class Batches {
  private step = 0;

  constructor(
    private readonly name: string,
    private readonly size: number,
  ) {}

  /** The envelopes of the next step, as the previous step would send them. */
  public next(): string[] {
    const bodies = Array.from({ length: this.size }, (_, n) =>
      JSON.stringify(envelopeOf(`${this.name}-${n}`, this.step)),
    );
    this.step++;
    return bodies;
  }
}

/** Each step is acquired once, so its fence is its number plus one. */
function envelopeOf(executionId: string, step: number): Envelope {
  return {
    version: ENVELOPE_VERSION,
    executionId,
    incarnation: INCARNATION,
    machine: ring.name,
    step,
    parent: step,
    attempt: 0,
    state: step === 0 ? null : step % 2 === 1 ? 'a' : 'b',
    event: step === 0 ? START : 'go',
    context: { ...CONTEXT, rounds: step },
    sentAt: Date.now(),
  };
}

/** The event with which Lambda invokes the function for these messages, with the fields that the function reads. */
export function eventOf(source: Source, bodies: readonly string[]): unknown {
  const id = (index: number) => `${Date.now()}-${index}`;
  switch (source) {
    case 'sqs': {
      const records: Partial<SQSEvent['Records'][number]>[] = bodies.map((body, index) => ({
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:events',
        messageId: id(index),
        body,
      }));
      return { Records: records };
    }
    case 'dynamodb': {
      const records: DynamoDBStreamEvent['Records'] = bodies.map((body, index) => ({
        eventSource: 'aws:dynamodb',
        eventSourceARN: 'arn:aws:dynamodb:eu-west-1:000000000000:table/checkpoints/stream/1',
        dynamodb: { SequenceNumber: id(index), NewImage: { envelope: { S: body } } },
      }));
      return { Records: records };
    }
    case 'kinesis': {
      type Record = KinesisStreamEvent['Records'][number];
      const records: (Pick<Record, 'eventSource' | 'eventSourceARN' | 'eventID'> & {
        kinesis: Partial<Record['kinesis']>;
      })[] = bodies.map((body, index) => ({
        eventSource: 'aws:kinesis',
        eventSourceARN: 'arn:aws:kinesis:eu-west-1:000000000000:stream/events',
        eventID: `shardId-000000000000:${id(index)}`,
        kinesis: { sequenceNumber: id(index), data: Buffer.from(body).toString('base64') },
      }));
      return { Records: records };
    }
    case 'sns': {
      const records: { EventSource: string; Sns: Partial<SNSEvent['Records'][number]['Sns']> }[] = bodies.map(
        (body, index) => ({
          EventSource: 'aws:sns',
          Sns: { TopicArn: 'arn:aws:sns:eu-west-1:000000000000:events', MessageId: id(index), Message: body },
        }),
      );
      return { Records: records };
    }
  }
}
