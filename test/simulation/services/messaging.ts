import { gunzipSync } from 'node:zlib';
import { GetRecordsCommand, GetShardIteratorCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PublishBatchCommand } from '@aws-sdk/client-sns';
import { SendMessageBatchCommand, SendMessageCommand, type SendMessageBatchRequestEntry, type SendMessageCommandInput } from '@aws-sdk/client-sqs';
import { ValidationException, type FailingEntries, type Service } from './service';
import type { Clock, DeadLetter, DeadLetterStore, Place } from '../../../lambda/engine';
import type { InMemoryQueue, InMemoryStream, InMemoryTopic } from '../../../lambda/testing';

const MEBIBYTE = 1_048_576;
const MAX_TOPIC_BYTES = 262_144;
/** For so long a FIFO queue knows the deduplication id of a message. */
const DEDUPLICATION = 300_000;

/** The characters that neither SQS nor SNS takes. */
// eslint-disable-next-line no-control-regex -- they are what the services refuse
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

const INTERNAL = { Code: 'InternalError', Message: 'The service has failed.', SenderFault: false };

/** Queues by their URLs, and the one for dead letters. */
export class SimulatedSqs implements Service {
  public readonly name = 'sqs';
  private readonly known = new Map<string, { readonly place: Place; readonly at: number }>();

  constructor(
    private readonly queues: ReadonlyMap<string, InMemoryQueue>,
    private readonly deadLetters: DeadLetterMessages,
    private readonly clock: Clock,
  ) {}

  public entriesOf(command: object): number {
    return command instanceof SendMessageBatchCommand ? command.input.Entries?.length ?? 0 : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (command instanceof SendMessageCommand) return this.deadLetters.receive(command.input);
    if (!(command instanceof SendMessageBatchCommand)) throw new Error(`The simulation of SQS does not know ${command.constructor.name}.`);
    const { QueueUrl = '', Entries = [] } = command.input;
    const queue = this.queues.get(QueueUrl);
    if (!queue) throw new ValidationException(`There is no queue ${QueueUrl}.`, 'QueueDoesNotExist');
    checkTexts('SQS', Entries.map(({ MessageBody = '' }) => MessageBody), MEBIBYTE, 'InvalidMessageContents');
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const [index, entry] of Entries.entries()) {
      const fault = failing.get(index);
      const messageId = fault?.effect === 'before' ? undefined : this.put(queue, entry).messageId;
      if (fault) Failed.push({ Id: entry.Id, ...INTERNAL });
      else Successful.push({ Id: entry.Id, MessageId: messageId });
    }
    return { Successful, Failed };
  }

  private put(queue: InMemoryQueue, entry: SendMessageBatchRequestEntry): Place {
    const { MessageBody = '', MessageGroupId: group, MessageDeduplicationId: id, DelaySeconds = 0 } = entry;
    const known = id === undefined ? undefined : this.known.get(id);
    if (known && this.clock.now() < known.at + DEDUPLICATION) return known.place;
    const place = queue.put(MessageBody, { group, delay: DelaySeconds * 1_000 });
    if (id !== undefined) this.known.set(id, { place, at: this.clock.now() });
    return place;
  }
}

/** The queue of dead letters: what the adapter sends, and what sources put there themselves, without attributes. */
export class DeadLetterMessages implements DeadLetterStore {
  private readonly kept: DeadLetter[] = [];

  /** Oldest first. */
  public get letters(): readonly DeadLetter[] {
    return [...this.kept];
  }

  public async put(letter: DeadLetter): Promise<void> {
    this.kept.push(letter);
  }

  public receive({ MessageBody = '', MessageAttributes = {} }: SendMessageCommandInput): object {
    checkTexts('SQS', [MessageBody], MEBIBYTE, 'InvalidMessageContents');
    const text = (name: string) => MessageAttributes[name]?.StringValue;
    const compressed = MessageAttributes.body?.BinaryValue;
    this.kept.push({
      reason: text('reason') ?? '',
      executionId: text('executionId'),
      machine: text('machine'),
      body: compressed ? gunzipSync(compressed).toString() : MessageBody,
      // The adapter has written it from one.
      place: JSON.parse(text('place') ?? '{}') as Place,
      at: Number(text('at')),
    });
    return { MessageId: String(this.kept.length) };
  }
}

/** Streams by their names. */
export class SimulatedKinesis implements Service {
  public readonly name = 'kinesis';

  constructor(private readonly streams: ReadonlyMap<string, InMemoryStream>) {}

  public entriesOf(command: object): number {
    return command instanceof PutRecordsCommand ? command.input.Records?.length ?? 0 : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (command instanceof PutRecordsCommand) return this.put(command.input, failing);
    if (command instanceof GetShardIteratorCommand) {
      const { StreamName, StartingSequenceNumber } = command.input;
      return { ShardIterator: JSON.stringify([StreamName, StartingSequenceNumber]) };
    }
    if (command instanceof GetRecordsCommand) return this.get(command.input.ShardIterator ?? '');
    throw new Error(`The simulation of Kinesis does not know ${command.constructor.name}.`);
  }

  private put({ StreamName, Records = [] }: PutRecordsCommand['input'], failing: FailingEntries): object {
    const sizes = Records.map(({ Data, PartitionKey = '' }) => (Data?.length ?? 0) + PartitionKey.length);
    if (sizes.some((size) => size > MEBIBYTE)) throw new ValidationException('A record is too large.', 'InvalidArgumentException');
    const stream = this.stream(StreamName);
    return {
      Records: Records.map(({ Data, PartitionKey = '' }, index) => {
        const fault = failing.get(index);
        const place = fault?.effect === 'before' ? undefined : stream.put(Buffer.from(Data ?? []).toString(), PartitionKey);
        return fault
          ? { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' }
          : { ShardId: place?.shard, SequenceNumber: place?.sequenceNumber };
      }),
    };
  }

  private get(iterator: string): object {
    // Made by `answer`.
    const [name, sequenceNumber] = JSON.parse(iterator) as [string, string];
    const body = this.stream(name).bodyAt(sequenceNumber);
    return { Records: body === undefined ? [] : [{ Data: Buffer.from(body), SequenceNumber: sequenceNumber }] };
  }

  private stream(name: string | undefined): InMemoryStream {
    const stream = this.streams.get(name ?? '');
    if (!stream) throw new ValidationException(`There is no stream ${name}.`, 'ResourceNotFoundException');
    return stream;
  }
}

/** Topics by their ARNs. */
export class SimulatedSns implements Service {
  public readonly name = 'sns';

  constructor(private readonly topics: ReadonlyMap<string, InMemoryTopic>) {}

  public entriesOf(command: object): number {
    return command instanceof PublishBatchCommand ? command.input.PublishBatchRequestEntries?.length ?? 0 : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (!(command instanceof PublishBatchCommand)) throw new Error(`The simulation of SNS does not know ${command.constructor.name}.`);
    const { TopicArn = '', PublishBatchRequestEntries: entries = [] } = command.input;
    const topic = this.topics.get(TopicArn);
    if (!topic) throw new ValidationException(`There is no topic ${TopicArn}.`, 'NotFoundException');
    checkTexts('SNS', entries.map(({ Message = '' }) => Message), MAX_TOPIC_BYTES, 'InvalidParameterException');
    const Successful: object[] = [];
    const Failed: object[] = [];
    for (const [index, { Id, Message = '' }] of entries.entries()) {
      const fault = failing.get(index);
      const messageId = fault?.effect === 'before' ? undefined : topic.put(Message).messageId;
      if (fault) Failed.push({ Id, ...INTERNAL });
      else Successful.push({ Id, MessageId: messageId });
    }
    return { Successful, Failed };
  }
}

/** @throws ValidationException when the service takes no batch with these texts */
function checkTexts(service: string, texts: readonly string[], maxBytes: number, invalid: string): void {
  if (texts.length > 10) throw new ValidationException(`${service} takes at most 10 entries.`, 'TooManyEntriesInBatchRequest');
  if (texts.some((text) => text === '' || FORBIDDEN.test(text))) throw new ValidationException(`${service} does not take such characters.`, invalid);
  if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxBytes) {
    throw new ValidationException(`${service} takes at most ${maxBytes} bytes.`, 'BatchRequestTooLong');
  }
}
