import type { DynamoDBStreamEvent, KinesisStreamEvent, SNSEvent, SQSEvent } from 'aws-lambda';
import type { Source } from './sources';
import { ENVELOPE_VERSION, type Envelope } from '../lambda/engine';
import { normalize, START, type Machine } from '../lambda/machine';

/** A machine that goes round for ever: all that is measured is what the workflow does itself. */
export const ring: Machine = normalize({
  name: 'ring',
  initial: 'a',
  states: { a: { do: 'go', on: { go: 'b' } }, b: { do: 'go', on: { go: 'a', stop: 'end' } }, end: { final: true } },
});

/** The file of its actions, as synth would put it beside the runtime. */
export const RING_ACTIONS = 'export default { go: (context) => { context.rounds = (context.rounds ?? 0) + 1; return \'go\'; } };\n';

/** About as much as an order has. */
const CONTEXT = { customer: 'c-8861', items: Array.from({ length: 8 }, (_, n) => ({ sku: `sku-${n}`, quantity: n, cents: 199 * n })), paid: false };

/** Executions that take their steps together, in batches of one record each. */
export class Batches {
  private step = 0;

  constructor(private readonly name: string, private readonly size: number) {}

  /** The envelopes of the next step, as the step before has sent them. */
  public next(): string[] {
    const bodies = Array.from({ length: this.size }, (_, n) => JSON.stringify(envelopeOf(`${this.name}-${n}`, this.step)));
    this.step++;
    return bodies;
  }
}

/** Each step is acquired once, so its fence is one more than its number. */
function envelopeOf(executionId: string, step: number): Envelope {
  return {
    version: ENVELOPE_VERSION,
    executionId,
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

/** What Lambda invokes the function with when the source has delivered these messages. Of each record what the function reads. */
export function eventOf(source: Source, bodies: readonly string[]): unknown {
  const id = (index: number) => `${Date.now()}-${index}`;
  switch (source) {
    case 'sqs': {
      const records: Partial<SQSEvent['Records'][number]>[] = bodies.map((body, index) => ({
        eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:000000000000:events', messageId: id(index), body,
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
      const records: (Pick<Record, 'eventSource' | 'eventSourceARN' | 'eventID'> & { kinesis: Partial<Record['kinesis']> })[] = bodies.map((body, index) => ({
        eventSource: 'aws:kinesis',
        eventSourceARN: 'arn:aws:kinesis:eu-west-1:000000000000:stream/events',
        eventID: `shardId-000000000000:${id(index)}`,
        kinesis: { sequenceNumber: id(index), data: Buffer.from(body).toString('base64') },
      }));
      return { Records: records };
    }
    case 'sns': {
      const records: { EventSource: string; Sns: Partial<SNSEvent['Records'][number]['Sns']> }[] = bodies.map((body, index) => ({
        EventSource: 'aws:sns', Sns: { TopicArn: 'arn:aws:sns:eu-west-1:000000000000:events', MessageId: id(index), Message: body },
      }));
      return { Records: records };
    }
  }
}
