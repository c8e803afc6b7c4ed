import { MessageRejectedError } from './batches/message-rejected';

/** The errors that name nothing but the content of a message, whatever their text is. */
const ALWAYS: readonly string[] = ['InvalidMessageContents', 'BatchRequestTooLong', 'InvalidAttributeValue'];

/**
 * The errors that name an invalid parameter of any kind, and the texts that say that the parameter is content. Every other text names
 * something that an operator can fix, such as a wrong table, key, queue or topic.
 */
const BY_TEXT: readonly (readonly [names: readonly string[], text: RegExp])[] = [
  // Amazon DynamoDB.
  [
    ['ValidationException', 'ValidationError'],
    /item size|item to update has exceeded|size of .*exceed|size has exceeded|nesting levels|expression size|supplied AttributeValue|attribute ?value|number overflow|significant digits|unicode|utf-?8/i,
  ],
  // Amazon Kinesis.
  [
    ['ValidationException', 'InvalidArgumentException'],
    /\b(data|partitionKey)\b.*(less than|exceed|larger|size|length)/is,
  ],
  [['ValidationException', 'InvalidArgumentException'], /record.*(exceed|larger|too large|size)/is],
  // Amazon SQS and Amazon SNS.
  [
    ['InvalidParameterValue', 'InvalidParameter'],
    /message (body )?(must be shorter|too long|too large|length|is too)|message.*(characters|unicode|shorter than|exceed)|too long|invalid characters/is,
  ],
];

/** The texts of Valkey and Redis OSS, whose errors have no names. */
const CACHE_REFUSAL = /exceeds maximum allowed size|invalid (multi)?bulk length/i;

/** The texts that name the resource or the key of a request although they look like content. */
const NOT_CONTENT =
  /key element|the key schema|missing the key|type mismatch|specified index|TopicArn|QueueUrl|StreamName/i;

/**
 * Whether a service refuses what a request carries, however often it is repeated: a message or an item that is too large, a character or a
 * value that the service does not store. See `Ports.refusesContent`.
 *
 * False for throttling, denied access and missing resources, which time or an operator cures.
 */
export function refusesContent(error: Error): boolean {
  const { code = '', message = '' } =
    error instanceof MessageRejectedError ? error.reason : { code: error.name, message: error.message };
  const name = code.replace(/^(AWS\.SimpleQueueService|com\.amazonaws\.\w+)[.#]/, '');
  const short = name.replace(/Exception$/, '');
  if (ALWAYS.includes(short) || statusOf(error) === 413) return true;
  if (NOT_CONTENT.test(message)) return false;
  if (BY_TEXT.some(([names, text]) => (names.includes(name) || names.includes(short)) && text.test(message))) {
    return true;
  }
  return (
    ['Error', 'ReplyError', 'ErrorReply', 'SimpleError', 'RequestError'].includes(name) && CACHE_REFUSAL.test(message)
  );
}

/** The status of the response, which an error of the AWS SDK has. */
function statusOf(error: Error): unknown {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  return typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
    ? metadata.httpStatusCode
    : undefined;
}
