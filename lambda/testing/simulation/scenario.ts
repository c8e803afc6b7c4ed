import type { SeededRandom } from '../determinism/seeded-random';
import type { CallName, FaultRule } from '../faults/faults';
import type { EventSourceKind, RetryQueueKind } from '../services/in-memory-services';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;

/** The configuration of one simulated run, drawn from its seed. */
export interface Scenario {
  readonly eventSources: readonly EventSourceKind[];
  readonly retryQueues: readonly RetryQueueKind[];
  readonly disorder: boolean;
  readonly eagerCommit: boolean;
  readonly batchSize: number;
  readonly concurrency: number;
  /** Timeout of the function, in milliseconds. */
  readonly timeout: number;
  readonly clockSkew: number;
  /** Retention of ended executions, in milliseconds. */
  readonly retention: number;
  readonly faults: readonly FaultRule[];
}

/** The choices from which a scenario is drawn. */
export interface ScenarioOptions {
  /** The candidates for the primary event source. */
  readonly sources: readonly EventSourceKind[];
  /** The names of the actions, as targets of faults. */
  readonly actions: readonly string[];
  /** No faults are injected after this many milliseconds of virtual time. */
  readonly calmAfterMs: number;
}

/** All kinds of event sources. */
export const EVENT_SOURCE_KINDS: readonly EventSourceKind[] = ['sqs', 'sqs-fifo', 'kinesis', 'dynamodb', 'sns'];

/** The calls that faults target: the protocol must survive an interruption between any two of them. */
const CALLS: readonly CallName[] = [
  'eventSources',
  'eventSources[0].send',
  'retryQueues',
  'retryQueues[0].send',
  'retryQueues[0].due',
  'retryQueues[0].remove',
  'locks',
  'locks.acquire',
  'locks.release',
  'locks.commit',
  'locks.read',
  'journal',
  'journal.write',
  'journal.read',
  'mailbox',
  'mailbox.first',
  'mailbox.read',
  'mailbox.remove',
  'deadLetters',
];

/** Draws the configuration of a run and its faults. The same random numbers produce the same scenario. */
export function drawScenario(random: SeededRandom, options: ScenarioOptions): Scenario {
  const primary = random.pick(options.sources);
  const failover = random.chance(0.3) ? [random.pick(EVENT_SOURCE_KINDS.filter((kind) => kind !== primary))] : [];
  const retries = random.pick<readonly RetryQueueKind[]>([
    ['dynamodb'],
    ['sqs'],
    ['sqs', 'dynamodb'],
    ['dynamodb', 'sqs'],
  ]);
  const timeout = random.pick([5, 30]) * SECOND_MS;
  return {
    eventSources: [primary, ...failover],
    retryQueues: retries,
    disorder: random.chance(0.5),
    eagerCommit: random.chance(0.25),
    batchSize: random.pick([1, 3, 10]),
    concurrency: random.pick([1, 2, 5]),
    timeout,
    // Two clocks differ by up to twice this value, which the engine tolerates.
    clockSkew: random.pick([0, 0, 1_000, 2_400]),
    retention: random.pick([Infinity, DAY_MS]),
    faults: drawFaults(random, timeout, options),
  };
}

type Draw = (random: SeededRandom, timeout: number, options: ScenarioOptions) => FaultRule | readonly FaultRule[];

/** The kinds of faults, with their probabilities and durations. */
const KINDS: readonly Draw[] = [
  (random) => ({ on: random.pick(CALLS), fault: 'fail', share: random.pick([0.05, 0.2]) }),
  (random) => ({ on: random.pick(CALLS), fault: 'crash', share: random.pick([0.03, 0.1]) }),
  (random) => ({ on: random.pick(CALLS), fault: 'crash', call: random.between(1, 8) }),
  (random) => ({ on: random.pick(CALLS), fault: 'fail', call: [random.between(1, 6), random.between(1, 12)] }),
  () => ({ fault: 'fail', share: 0.03 }),
  () => ({ fault: 'crash', share: 0.01 }),
  // An outage of all event sources and retry queues.
  (random) => {
    const from = random.between(0, 30) * SECOND_MS;
    const outage = {
      fault: 'fail',
      effect: 'before',
      from,
      until: from + random.between(2, 40) * SECOND_MS,
      share: random.pick([0.5, 1]),
    } as const;
    return [
      { on: 'eventSources', ...outage },
      { on: 'retryQueues', ...outage },
    ];
  },
  // A superseded attempt sends its envelope late.
  (random, timeout) => ({
    on: 'eventSources[0].send',
    fault: 'pause',
    effect: 'before',
    call: random.between(1, 6),
    milliseconds: timeout + random.between(5, 90) * SECOND_MS,
  }),
  // A pause longer than a lease.
  (random, timeout) => ({
    on: random.pick(CALLS),
    fault: 'pause',
    call: random.between(1, 10),
    milliseconds: timeout + random.between(1, 60) * SECOND_MS,
  }),
  (random, timeout) => ({ fault: 'pause', share: 0.004, milliseconds: timeout + random.between(1, 40) * SECOND_MS }),
  // A pause nearly as long as the function's timeout.
  (_random, timeout) => ({ fault: 'pause', share: 0.01, milliseconds: Math.floor(timeout * 0.9) }),
  (random) => ({ fault: 'delay', share: 0.1, milliseconds: [1, random.pick([200, 3_000])] }),
  (random) => ({ on: random.pick(CALLS), fault: 'repeat', share: 0.2, milliseconds: random.pick([1, 2_000, 60_000]) }),
  // Throttling, and partial failures of batches.
  (random) => ({
    on: random.pick<CallName>(['eventSources', 'retryQueues', 'journal.write']),
    fault: 'fail',
    share: 0.4,
    entries: 0.5,
  }),
  // An outage of a single service.
  (random) => {
    const from = random.between(0, 60) * SECOND_MS;
    const on = random.pick<CallName>([
      'eventSources[0]',
      'eventSources',
      'retryQueues',
      'locks',
      'journal',
      'mailbox',
      'deadLetters',
    ]);
    return { on, fault: 'fail', effect: 'before', from, until: from + random.between(2, 90) * SECOND_MS };
  },
  (random, _timeout, { actions }) => ({
    on: `actions.${random.pick(actions)}`,
    fault: 'fail',
    share: random.pick([0.1, 0.5]),
  }),
  (random, _timeout, { actions }) => ({ on: `actions.${random.pick(actions)}`, fault: 'crash', share: 0.1 }),
  // An action fails until its retries are exhausted.
  (random, _timeout, { actions }) => ({ on: `actions.${random.pick(actions)}`, fault: 'fail' }),
  (random) => ({ on: 'client', fault: 'fail', share: random.pick([0.05, 0.3]) }),
  () => ({ on: 'client', fault: 'crash', share: 0.1 }),
  () => ({ on: 'client', fault: 'delay', share: 0.5, milliseconds: [1, 1_000] }),
  () => ({ on: 'client', fault: 'repeat', share: 0.2, milliseconds: 3_000 }),
];

function drawFaults(random: SeededRandom, timeout: number, options: ScenarioOptions): FaultRule[] {
  const aimsAtActions = (rule: FaultRule) => rule.on?.startsWith('actions.') ?? false;
  return Array.from({ length: random.between(0, 5) }, () => random.pick(KINDS)(random, timeout, options))
    .flat()
    .filter((rule) => options.actions.length > 0 || !aimsAtActions(rule))
    .map((rule) => ({ ...rule, until: Math.min(rule.until ?? Infinity, options.calmAfterMs) }));
}
