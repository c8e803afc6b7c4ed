import { gunzipSync } from 'node:zlib';
import { GetRecordsCommand, GetShardIteratorCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { PublishBatchCommand } from '@aws-sdk/client-sns';
import {
  ChangeMessageVisibilityBatchCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type ChangeMessageVisibilityBatchRequestEntry,
  type SendMessageBatchRequestEntry,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import { ValidationException, type FailingEntries, type Service } from './service';
import type { Clock, DeadLetter, DeadLetterStore, Place } from '../../../lambda/engine';
import type { InMemoryQueue } from '../../../lambda/testing/services/in-memory-queue';
import type { InMemoryStream } from '../../../lambda/testing/services/in-memory-stream';
import type { InMemoryTopic } from '../../../lambda/testing/services/in-memory-topic';

const MEBIBYTE = 1_048_576;
const MAX_TOPIC_BYTES = 262_144;
/** How long a FIFO queue remembers the deduplication id of a message, in milliseconds. */
const DEDUPLICATION = 300_000;

/** The characters that both SQS and SNS reject. */
// eslint-disable-next-line no-control-regex -- the services reject exactly these
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

const INTERNAL = { Code: 'InternalError', Message: 'The service has failed.', SenderFault: false };

/** Queues by their URLs, and the dead-letter queue. */
export class SimulatedSqs implements Service {
  public readonly name = 'sqs';
  private readonly known = new Map<string, { readonly place: Place; readonly at: number }>();

  constructor(
    private readonly queues: ReadonlyMap<string, InMemoryQueue>,
    private readonly deadLetters: DeadLetterMessages,
    private readonly clock: Clock,
  ) {}

  public entriesOf(command: object): number {
    return command instanceof SendMessageBatchCommand ? (command.input.Entries?.length ?? 0) : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (command instanceof SendMessageCommand) return this.deadLetters.receive(command.input);
    if (command instanceof ChangeMessageVisibilityBatchCommand) return this.changeVisibility(command.input);
    if (!(command instanceof SendMessageBatchCommand)) {
      throw new Error(`The simulated SQS does not support ${command.constructor.name}.`);
    }
    const { QueueUrl = '', Entries = [] } = command.input;
    const queue = this.queues.get(QueueUrl);
    if (!queue) throw new ValidationException(`The queue ${QueueUrl} does not exist.`, 'QueueDoesNotExist');
    checkTexts(
      'SQS',
      Entries.map(({ MessageBody = '' }) => MessageBody),
      MEBIBYTE,
      'InvalidMessageContents',
    );
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

  private changeVisibility({ QueueUrl = '', Entries = [] }: ChangeMessageVisibilityBatchCommand['input']): object {
    const queue = this.queues.get(QueueUrl);
    if (!queue) throw new ValidationException(`The queue ${QueueUrl} does not exist.`, 'QueueDoesNotExist');
    const isChanged = (entry: ChangeMessageVisibilityBatchRequestEntry) =>
      queue.changeVisibility(entry.ReceiptHandle ?? '', (entry.VisibilityTimeout ?? 0) * 1_000);
    const failed = Entries.filter((entry) => !isChanged(entry));
    return { Failed: failed.map(({ Id }) => ({ Id, Code: 'ReceiptHandleIsInvalid', SenderFault: true })) };
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

/** The dead-letter queue: messages of the adapter, and messages of the sources themselves, which have no attributes. */
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
      // The adapter wrote this text from a place.
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
    return command instanceof PutRecordsCommand ? (command.input.Records?.length ?? 0) : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (command instanceof PutRecordsCommand) return this.put(command.input, failing);
    if (command instanceof GetShardIteratorCommand) {
      const { StreamName, StartingSequenceNumber } = command.input;
      return { ShardIterator: JSON.stringify([StreamName, StartingSequenceNumber]) };
    }
    if (command instanceof GetRecordsCommand) return this.get(command.input.ShardIterator ?? '');
    throw new Error(`The simulated Kinesis does not support ${command.constructor.name}.`);
  }

  private put({ StreamName, Records = [] }: PutRecordsCommand['input'], failing: FailingEntries): object {
    const sizes = Records.map(({ Data, PartitionKey = '' }) => (Data?.length ?? 0) + PartitionKey.length);
    if (sizes.some((size) => size > MEBIBYTE)) {
      throw new ValidationException('A record is too large.', 'InvalidArgumentException');
    }
    const stream = this.stream(StreamName);
    return {
      Records: Records.map(({ Data, PartitionKey = '' }, index) => {
        const fault = failing.get(index);
        const place =
          fault?.effect === 'before' ? undefined : stream.put(Buffer.from(Data ?? []).toString(), PartitionKey);
        return fault
          ? { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' }
          : { ShardId: place?.shard, SequenceNumber: place?.sequenceNumber };
      }),
    };
  }

  private get(iterator: string): object {
    // `answer` created it.
    const [name, sequenceNumber] = JSON.parse(iterator) as [string, string];
    const body = this.stream(name).bodyAt(sequenceNumber);
    return { Records: body === undefined ? [] : [{ Data: Buffer.from(body), SequenceNumber: sequenceNumber }] };
  }

  private stream(name: string | undefined): InMemoryStream {
    const stream = this.streams.get(name ?? '');
    if (!stream) throw new ValidationException(`The stream ${name} does not exist.`, 'ResourceNotFoundException');
    return stream;
  }
}

/** Topics by their ARNs. */
export class SimulatedSns implements Service {
  public readonly name = 'sns';

  constructor(private readonly topics: ReadonlyMap<string, InMemoryTopic>) {}

  public entriesOf(command: object): number {
    return command instanceof PublishBatchCommand ? (command.input.PublishBatchRequestEntries?.length ?? 0) : 0;
  }

  public answer(command: object, failing: FailingEntries): object {
    if (!(command instanceof PublishBatchCommand)) {
      throw new Error(`The simulated SNS does not support ${command.constructor.name}.`);
    }
    const { TopicArn = '', PublishBatchRequestEntries: entries = [] } = command.input;
    const topic = this.topics.get(TopicArn);
    if (!topic) throw new ValidationException(`The topic ${TopicArn} does not exist.`, 'NotFoundException');
    checkTexts(
      'SNS',
      entries.map(({ Message = '' }) => Message),
      MAX_TOPIC_BYTES,
      'InvalidParameterException',
    );
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

/** @throws ValidationException if the service rejects a batch with these texts */
function checkTexts(service: string, texts: readonly string[], maxBytes: number, invalid: string): void {
  if (texts.length > 10) {
    throw new ValidationException(`${service} accepts at most 10 entries.`, 'TooManyEntriesInBatchRequest');
  }
  if (texts.some((text) => text === '' || FORBIDDEN.test(text))) {
    throw new ValidationException(`${service} does not accept these characters.`, invalid);
  }
  if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > maxBytes) {
    throw new ValidationException(`${service} accepts at most ${maxBytes} bytes.`, 'BatchRequestTooLong');
  }
}
