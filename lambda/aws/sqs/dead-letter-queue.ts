import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { SendMessageCommand, type Message, type MessageAttributeValue, type SendMessageCommandInput, type SQSClient } from '@aws-sdk/client-sqs';
import { FORBIDDEN, MAX_MESSAGE_BYTES } from './limits';
import type { DeadLetter, DeadLetterStore, Place, Random } from '../../engine/ports';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The longest reason that is kept, in characters. A reason is a sentence; what is longer has somebody's data in it. */
const MAX_REASON = 2_048;

const COMPRESSED_BODY = 'The message is in the attribute "body", compressed with gzip.';

const NO_REASON = 'The message says no reason: the source has put it here after too many deliveries, or it left no room for one.';

const NO_BODY = 'The message is too large for this queue, also when it is compressed. The attribute "place" says where it was put.';

/**
 * Dead letters in an SQS queue: the body of the message is the message as it came, unchanged, and what else is known of it stands in
 * message attributes (`reason`, `executionId`, `machine`, `place` as JSON, `at`). So letters look the same whether this class has put them
 * there or the source's own redrive policy (those have no attributes), and SQS's own redrive can send both back.
 *
 * A body is never cut. Every envelope has room for the attributes beside it; a message that somebody else has made so large that it has
 * not, goes without them. One that cannot be the body of a message (it is empty, has characters that SQS forbids, or comes from a source
 * with larger messages) is put into the attribute `body`, compressed. One that does not fit even so stays where it is, and the letter says
 * where that is, as Lambda's own letters do: only a stream of Kinesis can deliver it, it is no envelope, and it must not hold up what
 * stands behind it.
 */
export class DeadLetterQueue implements DeadLetterStore {
  private readonly isFifo: boolean;

  constructor(private readonly client: SQSClient, private readonly queueUrl: string, private readonly system: { readonly random: Random }) {
    // The name of a FIFO queue must end so. The dead-letter queue of a FIFO queue must itself be one.
    this.isFifo = queueUrl.endsWith('.fifo');
  }

  public async put(letter: DeadLetter): Promise<void> {
    await this.client.send(new SendMessageCommand({
      QueueUrl: this.queueUrl,
      ...await messageOf(letter),
      ...this.isFifo ? { MessageGroupId: letter.executionId ?? 'unknown', MessageDeduplicationId: this.system.random.id() } : {},
    }));
  }
}

/**
 * The letter that a message of a dead-letter queue holds, whoever has put it there.
 *
 * @param message as ReceiveMessage returns it, with all its attributes and system attributes
 */
export async function readDeadLetter(message: Message, queueUrl: string): Promise<DeadLetter> {
  const { MessageAttributes: attributes = {}, Attributes: system = {} } = message;
  const body = attributes.body?.BinaryValue;
  const place = attributes.place?.StringValue;
  return {
    reason: attributes.reason?.StringValue ?? NO_REASON,
    executionId: attributes.executionId?.StringValue,
    machine: attributes.machine?.StringValue,
    body: body ? (await decompress(body)).toString() : message.Body ?? '',
    // Written by `attributesOf`.
    place: place ? JSON.parse(place) as Place : {
      service: 'sqs',
      resource: system.DeadLetterQueueSourceArn ?? queueUrl,
      messageId: message.MessageId,
    },
    at: Number(attributes.at?.StringValue ?? system.SentTimestamp ?? 0),
  };
}

async function messageOf(letter: DeadLetter): Promise<Pick<SendMessageCommandInput, 'MessageBody' | 'MessageAttributes'>> {
  const attributes = attributesOf(letter);
  const bytes = Buffer.byteLength(letter.body);
  const isBody = bytes > 0 && bytes <= MAX_MESSAGE_BYTES && !FORBIDDEN.test(letter.body);
  if (isBody) {
    const hasRoom = bytes + sizeOf(attributes) <= MAX_MESSAGE_BYTES;
    return { MessageBody: letter.body, MessageAttributes: hasRoom ? attributes : {} };
  }
  const compressed = { ...attributes, body: { DataType: 'Binary', BinaryValue: await compress(letter.body) } };
  const hasRoom = COMPRESSED_BODY.length + sizeOf(compressed) <= MAX_MESSAGE_BYTES;
  if (!hasRoom) return { MessageBody: NO_BODY, MessageAttributes: attributes };
  return { MessageBody: COMPRESSED_BODY, MessageAttributes: compressed };
}

function attributesOf(letter: DeadLetter): Record<string, MessageAttributeValue> {
  const texts = {
    reason: shortened(letter.reason),
    executionId: letter.executionId,
    machine: letter.machine,
    place: JSON.stringify(letter.place),
    at: String(letter.at),
  };
  return Object.fromEntries(Object.entries(texts)
    // A value must not be empty.
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
    .map(([name, value]) => [name, { DataType: 'String', StringValue: value.replace(new RegExp(FORBIDDEN, 'gu'), '\ufffd') }]));
}

function shortened(reason: string): string {
  return reason.length <= MAX_REASON ? reason : `${reason.slice(0, MAX_REASON)}… (${reason.length - MAX_REASON} characters more)`;
}

/** What SQS counts of attributes: name, type and value, of bytes what they take as Base64. */
function sizeOf(attributes: Record<string, MessageAttributeValue>): number {
  return Object.entries(attributes).reduce((sum, [name, { DataType = '', StringValue = '', BinaryValue }]) => (
    sum + Buffer.byteLength(name + DataType + StringValue) + Math.ceil((BinaryValue?.length ?? 0) / 3) * 4
  ), 0);
}
