import type { FaultRule, SeededRandom } from '../../lambda/testing';

const SECOND = 1_000;

/** The requests of the adapters. Batches come first, because single entries of them can fail. */
const BATCHES = [
  'dynamodb.BatchWriteItem',
  'dynamodb.BatchExecuteStatement',
  'sqs.SendMessageBatch',
  'kinesis.PutRecords',
  'sns.PublishBatch',
];
const OPERATIONS = [
  ...BATCHES,
  'dynamodb.UpdateItem',
  'dynamodb.GetItem',
  'dynamodb.Query',
  'dynamodb.DeleteItem',
  'dynamodb.TransactWriteItems',
  'sqs.SendMessage',
  'elasticache.evaluate',
];
const SERVICES = ['dynamodb', 'sqs', 'kinesis', 'sns', 'elasticache'];

type Draw = (random: SeededRandom, timeout: number) => FaultRule;

/** Faults of single requests, and their severity. */
const KINDS: readonly Draw[] = [
  // Throttling and lost answers: the SDK retries the request.
  (random) => ({ on: `requests.${random.pick(OPERATIONS)}`, fault: 'fail', share: random.pick([0.1, 0.4]) }),
  (random) => ({
    on: `requests.${random.pick(OPERATIONS)}`,
    fault: 'fail',
    effect: 'after',
    share: random.pick([0.2, 0.7]),
  }),
  () => ({ on: 'requests', fault: 'fail', share: 0.1 }),
  // Some entries of a batch are accepted and others rejected.
  (random) => ({
    on: `requests.${random.pick(BATCHES)}`,
    fault: 'fail',
    share: random.pick([0.3, 0.8]),
    entries: random.pick([0.3, 0.6]),
  }),
  (random) => ({ on: 'requests', fault: 'fail', share: 0.3, entries: random.pick([0.5, 1]) }),
  // The invocation dies or freezes between two requests of one call.
  (random) => ({ on: `requests.${random.pick(OPERATIONS)}`, fault: 'crash', share: random.pick([0.03, 0.1]) }),
  (random) => ({ on: `requests.${random.pick(OPERATIONS)}`, fault: 'crash', call: random.between(1, 8) }),
  (random, timeout) => ({
    on: `requests.${random.pick(OPERATIONS)}`,
    fault: 'pause',
    call: random.between(1, 8),
    milliseconds: timeout + random.between(1, 60) * SECOND,
  }),
  // An abandoned request arrives late.
  (random) => ({
    on: `requests.${random.pick(OPERATIONS)}`,
    fault: 'repeat',
    share: 0.2,
    milliseconds: random.pick([10, 2_000, 40_000]),
  }),
  (random) => ({ on: 'requests', fault: 'delay', share: 0.2, milliseconds: [1, random.pick([100, 2_000])] }),
  // An outage of one service.
  (random) => {
    const from = random.between(0, 60) * SECOND;
    return {
      on: `requests.${random.pick(SERVICES)}`,
      fault: 'fail',
      effect: 'before',
      from,
      until: from + random.between(2, 60) * SECOND,
    };
  },
  (random) => ({ on: 'client.requests', fault: 'fail', share: random.pick([0.1, 0.3]) }),
];

/**
 * Draws the faults of the adapters' requests.
 *
 * @param timeout milliseconds after which an invocation is killed
 * @param calm milliseconds after which no fault occurs
 */
export function drawRequestFaults(random: SeededRandom, timeout: number, calm: number): FaultRule[] {
  return Array.from({ length: random.between(0, 4) }, () => random.pick(KINDS)(random, timeout)).map((rule) => ({
    ...rule,
    until: Math.min(rule.until ?? Infinity, calm),
  }));
}
