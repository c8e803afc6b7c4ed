import type { Mutation } from './mutations';

const LOCK_TABLE = 'lambda/aws/dynamodb/lock-table.ts';
const CLIENT_LOCK_TABLE = 'lambda/aws/dynamodb/client-lock-table.ts';
const BATCHED_ACQUIRE = 'lambda/aws/dynamodb/batched-acquire.ts';
const CLIENT_MAILBOX = 'lambda/aws/dynamodb/client-mailbox-table.ts';
const MAILBOX = 'lambda/aws/dynamodb/mailbox-table.ts';
const SCRIPTS = 'lambda/aws/elasticache/scripts.ts';
const LEASE_SCRIPTS = 'lambda/aws/elasticache/lease-scripts.ts';
const RECORDS = 'lambda/runtime/records.ts';

/** Mistakes in the adapters and in the runtime, which show only with the adapters over simulated services. */
const ANYWHERE: readonly Omit<Mutation, 'ports'>[] = [
  {
    name: 'entries that DynamoDB left unprocessed are dropped',
    file: 'lambda/aws/dynamodb/write-batch.ts',
    replace: '{ result: { ok: false, error: new UnprocessedError(this.tableName) }, retry: true }',
    by: '{ result: { ok: true }, retry: false }',
  },
  {
    name: 'entries that SQS rejected count as sent',
    file: 'lambda/aws/sqs/send-messages.ts',
    replace: 'return resultsById(entries, output,',
    by: 'return resultsById(entries, { Successful: [...(output.Successful ?? []), ...(output.Failed ?? [])] },',
  },
  {
    name: 'records that Kinesis rejected count as sent',
    file: 'lambda/aws/kinesis/event-source.ts',
    replace: 'return SequenceNumber === undefined || ErrorCode !== undefined',
    by: "return ErrorMessage === '?'",
  },
  {
    name: 'messages that SNS rejected count as sent',
    file: 'lambda/aws/sns/event-source.ts',
    replace: 'return resultsById(entries, output,',
    by: 'return resultsById(entries, { Successful: [...(output.Successful ?? []), ...(output.Failed ?? [])] },',
  },
  {
    name: 'an invocation by SNS succeeds although its record failed',
    file: RECORDS,
    replace: 'if (failures.length > 0 && !partial) throw new InvocationFailedError(failures.length, outcomes.size);',
    by: '',
  },
  {
    name: 'failed records are not reported',
    file: RECORDS,
    replace: "const failures = [...outcomes].filter(([, outcome]) => outcome !== 'acknowledge');",
    by: "const failures = partial ? [] : [...outcomes].filter(([, outcome]) => outcome !== 'acknowledge');",
  },
  {
    name: 'an event whose transaction conflicts counts as accepted',
    file: CLIENT_MAILBOX,
    replace: 'const [id, place] = refusalsOf(thrown);',
    by: 'if (refusalsOf(thrown).length === 0) return { accepted: true, key };\n      const [id, place] = refusalsOf(thrown);',
  },
  {
    name: 'the table takes events in any order',
    file: CLIENT_MAILBOX,
    replace: '.sort((a, b) => a.position - b.position)[0];',
    by: '.sort((a, b) => b.position - a.position)[0];',
  },
  {
    name: 'the table accepts an event id again',
    file: CLIENT_MAILBOX,
    replace: '{ ConditionExpression: `${IS_NEW} OR #${TTL_ATTRIBUTE} < :now${mayReplace}` },',
    by: "{ ConditionExpression: 'attribute_not_exists(executionId) OR #ttl >= :now' },",
  },
  {
    name: 'each attempt seals its callback token with a different secret',
    file: MAILBOX,
    replace: 'SET secret = if_not_exists(secret, :secret)',
    by: 'SET secret = :secret',
  },
];

/** Mistakes in the lock table. */
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
    replace: 'AND done = :done AND expires < :updatedAt',
    by: 'AND done = :done',
  },
  {
    name: 'the table commits a step for the envelope of another machine',
    file: LOCK_TABLE,
    replace: "const COMMIT = 'incarnation = :incarnation AND machine = :machine AND",
    by: "const COMMIT = 'incarnation = :incarnation AND",
  },
  {
    name: 'the table ignores the fence of a commit',
    file: LOCK_TABLE,
    replace: "const HELD = 'incarnation = :incarnation AND fence = :fence';",
    by: "const HELD = 'attribute_exists(fence)';",
  },
  {
    name: 'a cancellation does not increase the fence in the table',
    file: CLIENT_LOCK_TABLE,
    replace: 'fence = fence + :one, updatedAt = :now',
    by: 'updatedAt = :now',
  },
  {
    name: 'the table admits one execution above the limit',
    file: 'lambda/aws/dynamodb/running-executions-table.ts',
    replace: 'size(executions) < :capacity',
    by: 'size(executions) <= :capacity',
  },
  {
    name: 'a refused statement counts as a lease',
    file: BATCHED_ACQUIRE,
    replace: 'return response?.Error ? undefined : response?.Item;',
    by: 'const { executionId, parent } = requests[index]!;\n      return response && { ...acquiredBy(requests[index]!), executionId: text(executionId), fence: number(parent + 1), released: number(0), accompanied: number(0), startedAt: number(0) };',
  },
  {
    name: 'a statement accepts the envelope of any attempt',
    file: BATCHED_ACQUIRE,
    replace:
      " AND \"fence\" = ? ' + 'RETURNING ALL NEW *',\n    Parameters: [ ...Object.values(item), ...[partition, text(request.incarnation), text(request.machine), number(previous), number(request.parent)], ],",
    by: " RETURNING ALL NEW *',\n    Parameters: [...Object.values(item), partition, text(request.incarnation), text(request.machine), number(previous)],",
  },
];

/** Mistakes in the lock cache. */
const CACHE: readonly Omit<Mutation, 'ports'>[] = [
  {
    name: 'the cache grants a lease to the envelope of another machine',
    file: LEASE_SCRIPTS,
    replace: 'local same = incarnation == ARGV[1] and machine == ARGV[9]',
    by: 'local same = incarnation == ARGV[1]',
  },
  {
    name: 'the cache ignores the chain of fences',
    file: LEASE_SCRIPTS,
    replace: 'local commits = same and step == ARGV[3] and fence == ARGV[4]',
    by: 'local commits = step == ARGV[2]',
  },
  {
    name: 'the cache ignores a valid lease',
    file: LEASE_SCRIPTS,
    replace: 'and tonumber(expires) < tonumber(ARGV[5])',
    by: '',
  },
  {
    name: 'the cache ignores the fence of a commit',
    file: LEASE_SCRIPTS,
    replace: 'if incarnation ~= ARGV[1] or fence ~= ARGV[2] or released == fence then',
    by: 'if not fence or released == fence then',
  },
  {
    name: 'the cache admits one execution above the limit',
    file: 'lambda/aws/elasticache/running-executions-scripts.ts',
    replace: "#redis.call('HGETALL', KEYS[1]) >= 2 * tonumber(ARGV[4])",
    by: "#redis.call('HGETALL', KEYS[1]) > 2 * tonumber(ARGV[4])",
  },
  {
    name: 'a cancellation does not increase the fence in the cache',
    file: SCRIPTS,
    replace: "redis.call('HINCRBY', KEYS[1], 'fence', 1)\nredis.call('EXPIRE', KEYS[1], ARGV[2])",
    by: "redis.call('EXPIRE', KEYS[1], ARGV[2])",
  },
];

export const ADAPTER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the keys omit the workflow',
    file: 'lambda/contract/tables.ts',
    replace: 'return `${encodeURIComponent(workflow)}/${name}`;',
    by: 'void workflow;\n  return name;',
    ports: ['table', 'cache'],
  },
  {
    name: 'the name of a workflow is not escaped in keys',
    file: 'lambda/contract/tables.ts',
    replace: 'return `${encodeURIComponent(workflow)}/${name}`;',
    by: 'return `${workflow}/${name}`;',
    ports: ['table', 'cache'],
  },
  ...ANYWHERE.map((mutation) => ({ ...mutation, ports: ['table', 'cache'] as const })),
  ...TABLE.map((mutation) => ({ ...mutation, ports: ['table'] as const })),
  ...CACHE.map((mutation) => ({ ...mutation, ports: ['cache'] as const })),
];
