import { drawRequestFaults } from './request-faults';
import type { LockStoreKind } from './services';
import { ACCEPTED, ACTIONS, CALM, drawMachine, redefine, REFUSED } from './workload';
import type { Ports } from '../../lambda/engine';
import type { MachineInput, UpgradePolicy } from '../../lambda/machine';
import { SeededRandom, type EventSourceKind, type FaultRule, type RetryQueueKind } from '../../lambda/testing';
import { drawScenario, EVENT_SOURCE_KINDS, type Scenario } from '../../lambda/testing/simulation/scenario';

const SECOND = 1_000;
const DAY = 86_400_000;

/** Time for which environments of the old function run concurrently with those of the new one, in milliseconds. */
export const SIDE_BY_SIDE = 40 * SECOND;

/** The ports of a run: those of the test kit, or the adapters over simulated AWS services, with the locks in a table or a cache. */
export type PortsKind = 'memory' | LockStoreKind;

/** All kinds of ports. */
export const PORTS_KINDS: readonly PortsKind[] = ['memory', 'table', 'cache'];

/** The values that a seed draws from. */
export interface Choice {
  /** Primary event sources. */
  readonly sources: readonly EventSourceKind[];
  readonly ports: readonly PortsKind[];
}

/** Everything that a seed determines before a run begins. */
export interface Setting extends Scenario {
  readonly seed: number;
  readonly ports: PortsKind;
  /** Milliseconds by which the clocks of clients are ahead; negative if they are behind. */
  readonly clientClockSkew: number;
  /** Whether another workflow shares the stores. */
  readonly neighbor: boolean;
  /** How late DynamoDB deletes expired items, in milliseconds. */
  readonly lag: number;
  /** Deliveries after which a queue dead-letters a message. */
  readonly maxReceives: number;
  /** Records of a batch that the engine processes concurrently. */
  readonly recordsAtOnce: number;
  readonly machine: MachineInput;
  /** The deployed definitions in order: the machine and, in some runs, a changed definition of it. */
  readonly definitions: readonly MachineInput[];
  /** Milliseconds after the beginning at which the second definition is deployed. */
  readonly redefinedAt: number;
  /** The upgrade policy for executions that began with the first definition. */
  readonly upgradePolicy: UpgradePolicy;
  /** The brokers that are sent to before and after a deployment. All brokers of the run deliver, throughout the run. */
  readonly brokers: readonly [before: Brokers, after: Brokers];
  /** Milliseconds after the beginning at which the deployment changes the brokers. */
  readonly brokersChangedAt: number;
  /** Maximum number of concurrent executions; `undefined` if there is no limit. */
  readonly limit?: number;
  /** Maximum number of executions that one item of the store counts. */
  readonly groupSize: number;
  readonly faults: readonly FaultRule[];
  /** Whether a service refuses some content for good. */
  readonly refuses: boolean;
}

/** Brokers in order of preference, as indexes into those of the run. */
export interface Brokers {
  readonly eventSources: readonly number[];
  readonly retryQueues: readonly number[];
}

/** Retry queues that cannot delay, alone and combined with one that can, in both orders. */
const UNDELAYED: readonly (readonly RetryQueueKind[])[] = [
  ['kinesis'],
  ['sns'],
  ['kinesis', 'sns'],
  ['kinesis', 'sqs'],
  ['sns', 'dynamodb'],
  ['sqs', 'kinesis'],
  ['dynamodb', 'sns'],
  ['sns', 'sqs'],
];

/** Draws the setting of a run. Equal seeds and choices give equal settings. */
export function drawSetting(seed: number, { sources, ports }: Choice): Setting {
  const random = new SeededRandom(`simulation/${seed}`);
  const kind = random.fork('ports').pick(ports);
  const scenario = drawScenario(random.fork('scenario'), { sources, actions: ACTIONS, calmAfterMs: CALM });
  const machine = drawMachine(random.fork('machine'));
  const redefined = random.chance(0.15);
  const upgrade = random.fork('upgrade');
  const adapted = kind !== 'memory';
  const limits = random.fork('limits');
  const limit = limits.chance(0.1) ? limits.between(1, 3) : undefined;
  const refusals = limit === undefined ? drawRefusals(random.fork('refusals')) : [];
  const retryQueues = drawRetryQueues(random.fork('retry queues'), machine, limit) ?? scenario.retryQueues;
  return {
    ...scenario,
    ...drawBrokers(random.fork('brokers'), { ...scenario, retryQueues }, mustDelay(machine, limit)),
    seed,
    ports: kind,
    // Tables expire items by days.
    retention: adapted && scenario.retention === Infinity ? 30 * DAY : scenario.retention,
    clientClockSkew: random.fork('client clock').pick([0, 0, 0, 2_000, -40 * DAY, 40 * DAY]),
    neighbor: random.fork('neighbor').chance(0.3),
    lag: random.pick([0, 2 * DAY]),
    maxReceives: random.fork('receives').pick([3, 10, 100]),
    recordsAtOnce: random.fork('records').pick([1, 2, 50, 50]),
    machine,
    definitions: redefined ? [machine, redefine(machine)] : [machine],
    // Most executions that never wait end within seconds.
    redefinedAt: redefined ? upgrade.between(0, upgrade.pick([5, 60]) * SECOND) : Infinity,
    upgradePolicy: upgrade.pick(['move', 'finish-on-old', 'finish-on-old', 'stop']),
    ...(limit !== undefined && { limit }),
    groupSize: random.fork('groups').pick([1, 2, 10]),
    refuses: refusals.length > 0,
    faults: [
      ...scenario.faults,
      ...refusals,
      ...(limit === undefined ? [] : drawCountFaults(limits, scenario.timeout)),
      ...drawSlowness(random.fork('slow')),
      ...(adapted ? drawRequestFaults(random.fork('requests'), scenario.timeout, CALM) : []),
    ],
  };
}

/** Draws retry queues that cannot delay, rarely. If a machine or a limit needs delays, one of them can: the constructs require it. */
function drawRetryQueues(
  random: SeededRandom,
  machine: MachineInput,
  limit: number | undefined,
): readonly RetryQueueKind[] | undefined {
  const choice = UNDELAYED.filter((kinds) => !mustDelay(machine, limit) || kinds.some(canDelay));
  return random.chance(0.2) ? random.pick(choice) : undefined;
}

/** Whether the constructs require a retry queue that can delay. */
function mustDelay(machine: MachineInput, limit: number | undefined): boolean {
  return limit !== undefined || Object.values(machine.states).some(({ timeout }) => timeout);
}

function canDelay(kind: RetryQueueKind): boolean {
  return kind === 'sqs' || kind === 'dynamodb';
}

/** Draws a deployment that replaces, adds, removes or reorders brokers, rarely. */
function drawBrokers(
  random: SeededRandom,
  { eventSources, retryQueues }: Pick<Scenario, 'eventSources' | 'retryQueues'>,
  mustHold: boolean,
): Pick<Setting, 'eventSources' | 'retryQueues' | 'brokers' | 'brokersChangedAt'> {
  const all = (kinds: readonly unknown[]) => [...kinds.keys()];
  const before = { eventSources: all(eventSources), retryQueues: all(retryQueues) };
  if (!random.chance(0.15)) {
    return { eventSources, retryQueues, brokers: [before, before], brokersChangedAt: Infinity };
  }
  const sources = [...eventSources, random.pick(EVENT_SOURCE_KINDS.filter((kind) => !eventSources.includes(kind)))];
  const queues = [...retryQueues, random.pick<RetryQueueKind>(['sqs', 'dynamodb'])];
  const some = (kinds: readonly unknown[]) => [...new Set([random.pick(all(kinds)), random.pick(all(kinds))])];
  const after = { eventSources: some(sources), retryQueues: some(queues) };
  const holds = after.retryQueues.some((index) => canDelay(queues[index]!));
  return {
    eventSources: sources,
    retryQueues: queues,
    brokers: [before, holds || !mustHold ? after : { ...after, retryQueues: [queues.length - 1] }],
    brokersChangedAt: random.between(0, random.pick([5, 60])) * SECOND,
  };
}

/** Selects the ports of the brokers that are sent to. */
export function sendingTo<P extends Pick<Ports, 'eventSources' | 'retryQueues'>>(
  ports: P,
  { eventSources, retryQueues }: Brokers,
): P {
  return {
    ...ports,
    eventSources: eventSources.map((index) => ports.eventSources[index]!),
    retryQueues: retryQueues.map((index) => ports.retryQueues[index]!),
  };
}

/**
 * Draws slowness, rarely: a park is written so slowly that its timeout passes before the commit, the invocation dies between its writes, or
 * clients are so slow that an execution parks or continues between two of their calls.
 */
function drawSlowness(random: SeededRandom): FaultRule[] {
  const on = random.pick(['journal.write', 'locks.commit'] as const);
  const parks: readonly FaultRule[] = [
    { on, fault: 'delay', share: 0.5, milliseconds: [1_000, 8_000], until: CALM },
    {
      on: random.pick(['journal.write', 'locks.commit', 'mailbox.remove'] as const),
      fault: 'crash',
      share: 0.3,
      until: CALM,
    },
  ];
  return [
    ...(random.chance(0.15) ? [random.pick(parks)] : []),
    ...(random.chance(0.35)
      ? [{ on: 'client', fault: 'delay', share: 0.7, milliseconds: [1, 2_000], until: CALM } as const]
      : []),
  ];
}

/** Draws services that refuse some content for good, rarely. */
function drawRefusals(random: SeededRandom): FaultRule[] {
  if (!random.chance(0.2)) return [];
  const [on, containing] = random.pick([
    [['journal.write'], REFUSED],
    [['eventSources'], REFUSED],
    [['retryQueues'], REFUSED],
    [['eventSources', 'retryQueues'], REFUSED],
    [['eventSources', 'retryQueues', 'journal.write'], REFUSED],
    [['locks.acquire'], '"executionId":"e0"'],
  ] as const);
  return on.map((call) => ({ on: call, fault: 'refuse', containing, until: ACCEPTED }));
}

/** Draws faults of the count of running executions. */
function drawCountFaults(random: SeededRandom, timeout: number): FaultRule[] {
  const on = random.pick(['running', 'running.enter', 'running.leave'] as const);
  const faults: readonly FaultRule[] = [
    { on, fault: 'fail', share: random.pick([0.1, 0.5, 1]), until: CALM },
    { on, fault: 'crash', share: random.pick([0.05, 0.2]), until: CALM },
    { on, fault: 'crash', call: random.between(1, 6) },
    { on, fault: 'pause', call: random.between(1, 6), milliseconds: timeout + random.between(1, 60) * SECOND },
    { on, fault: 'repeat', share: 0.3, milliseconds: random.pick([1, 2_000, 60_000]), until: CALM },
  ];
  return random.chance(0.6) ? [random.pick(faults)] : [];
}
