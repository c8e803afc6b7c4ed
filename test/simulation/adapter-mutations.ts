import type { Mutation } from './mutations';

const LOCK_TABLE = 'lambda/aws/dynamodb/lock-table.ts';
const JOINT_ACQUISITION = 'lambda/aws/dynamodb/joint-acquisition.ts';
const MAILBOX = 'lambda/aws/dynamodb/mailbox-table.ts';
const SCRIPTS = 'lambda/aws/elasticache/scripts.ts';
const RECORDS = 'lambda/runtime/records.ts';

/** Mistakes in the adapters and in the runtime, which only show with the adapters over simulated services. */
const ANYWHERE: readonly Omit<Mutation, 'ports'>[] = [
  {
    name: 'entries that DynamoDB has left unprocessed are dropped',
    file: 'lambda/aws/dynamodb/write-batch.ts',
    replace: 'pending = pending.filter(({ request }) => left.has(this.keyOf(request)));',
    by: 'pending = left.size > 0 ? [] : [];',
  },
  {
    name: 'entries that SQS has not taken count as sent',
    file: 'lambda/aws/sqs/send-batch.ts',
    replace: 'answers.set(Id, { ok: false, error: new EntryFailedError(Code, Message) });',
    by: 'answers.set(Id, { ok: true, journaled: false, place: { service: \'sqs\', resource: `${queueUrl}${Code}${Message}` } });',
  },
  {
    name: 'records that Kinesis has not taken count as sent',
    file: 'lambda/aws/kinesis/stream.ts',
    replace: 'return SequenceNumber === undefined || ErrorCode !== undefined',
    by: 'return ErrorMessage === \'?\'',
  },
  {
    name: 'messages that SNS has not taken count as sent',
    file: 'lambda/aws/sns/topic.ts',
    replace: 'answers.set(Id, { ok: false, error: new MessageFailedError(Code, Message) });',
    by: 'answers.set(Id, { ok: true, journaled: false, place: { service: \'sns\', resource: `${this.topicArn}${Code}${Message}` } });',
  },
  {
    name: 'an invocation of SNS succeeds though its record has failed',
    file: RECORDS,
    replace: 'if (failures.length > 0 && !partial) throw new InvocationFailedError(failures.length, outcomes.size);',
    by: '',
  },
  {
    name: 'records that failed are not reported',
    file: RECORDS,
    replace: 'const failures = [...outcomes].filter(([, outcome]) => outcome === \'redeliver\');',
    by: 'const failures = partial ? [] : [...outcomes].filter(([, outcome]) => outcome === \'redeliver\');',
  },
  {
    name: 'an event is lost that others were quicker than',
    file: MAILBOX,
    replace: 'if (!refusal || refusal.isKnown) {',
    by: 'if (!refusal || refusal.isKnown || attempt === 1) {',
  },
  {
    name: 'two events get one position in the mailbox',
    file: MAILBOX,
    replace: 'ConditionExpression: last === 0 ? isNew : \'#last = :last\',',
    by: '',
  },
  {
    name: 'each attempt seals its callback token with a secret of its own',
    file: MAILBOX,
    replace: 'SET #secret = if_not_exists(#secret, :proposal)',
    by: 'SET #secret = :proposal',
  },
];

/** Mistakes in the locks of a table. */
const TABLE: readonly Omit<Mutation, 'ports'>[] = [
  {
    name: 'the table ignores the chain of fences',
    file: LOCK_TABLE,
    replace: 'step = :previous AND fence = :parent',
    by: 'step = :previous',
  },
  {
    name: 'the table ignores a valid lease',
    file: LOCK_TABLE,
    replace: 'done = :done AND expires < :updatedAt',
    by: 'done = :done',
  },
  {
    name: 'the table ignores who commits',
    file: LOCK_TABLE,
    replace: 'const HELD = \'fence = :fence\';',
    by: 'const HELD = \'attribute_exists(fence)\';',
  },
  {
    name: 'a cancellation leaves the fence in the table as it is',
    file: LOCK_TABLE,
    replace: 'fence = fence + :one, updatedAt = :now',
    by: 'updatedAt = :now',
  },
  {
    name: 'the table counts one more than there is room for',
    file: 'lambda/aws/dynamodb/running-executions-table.ts',
    replace: 'size(executions) < :capacity',
    by: 'size(executions) <= :capacity',
  },
  {
    name: 'a statement that was refused counts as a lease',
    file: JOINT_ACQUISITION,
    replace: 'response && !response.Error ? item ?? response.Item : undefined',
    by: 'response ? item ?? response.Item : undefined',
  },
  {
    name: 'a statement takes the step of any attempt',
    file: JOINT_ACQUISITION,
    replace: ' AND "fence" = ? RETURNING ALL NEW *\',\n      Parameters: [...Object.values(item), text(request.executionId), number(request.step - 1), number(request.parent)]',
    by: ' RETURNING ALL NEW *\',\n      Parameters: [...Object.values(item), text(request.executionId), number(request.step - 1)]',
  },
];

/** Mistakes in the locks of a cache. */
const CACHE: readonly Omit<Mutation, 'ports'>[] = [
  {
    name: 'the cache ignores the chain of fences',
    file: SCRIPTS,
    replace: 'local commits = step == ARGV[2] and fence == ARGV[3]',
    by: 'local commits = step == ARGV[2]',
  },
  {
    name: 'the cache ignores a valid lease',
    file: SCRIPTS,
    replace: ' and done == \'0\' and tonumber(expires) < tonumber(ARGV[4])',
    by: ' and done == \'0\'',
  },
  {
    name: 'the cache ignores who commits',
    file: SCRIPTS,
    replace: 'if fence ~= ARGV[1] or released == fence then',
    by: 'if not fence or released == fence then',
  },
  {
    name: 'the cache counts one more than there is room for',
    file: SCRIPTS,
    replace: 'if #all >= tonumber(ARGV[4]) then',
    by: 'if #all > tonumber(ARGV[4]) then',
  },
  {
    name: 'a cancellation leaves the fence in the cache as it is',
    file: SCRIPTS,
    replace: 'redis.call(\'HINCRBY\', KEYS[1], \'fence\', 1)\nredis.call(\'EXPIREAT\', KEYS[1], ARGV[2])',
    by: 'redis.call(\'EXPIREAT\', KEYS[1], ARGV[2])',
  },
];

export const ADAPTER_MUTATIONS: readonly Mutation[] = [
  ...ANYWHERE.map((mutation) => ({ ...mutation, ports: ['table', 'cache'] as const })),
  ...TABLE.map((mutation) => ({ ...mutation, ports: ['table'] as const })),
  ...CACHE.map((mutation) => ({ ...mutation, ports: ['cache'] as const })),
];
