import { drawRequestFaults } from './request-faults';
import type { LockStoreKind } from './services';
import { ACTIONS, CALM, drawMachine, redefine } from './workload';
import type { MachineInput, UpgradePolicy } from '../../lambda/machine';
import {
  drawScenario, SeededRandom, type EventSourceKind, type FaultRule, type RetryQueueKind, type Scenario,
} from '../../lambda/testing';

const SECOND = 1_000;
const DAY = 86_400_000;

/** Milliseconds for which environments of the function as it was before go on beside those of the new one. */
export const SIDE_BY_SIDE = 40 * SECOND;

/** What the ports are: those of the test kit, or the adapters over simulated AWS services, with the locks in a table or a cache. */
export type PortsKind = 'memory' | LockStoreKind;

/** All kinds of ports. */
export const PORTS_KINDS: readonly PortsKind[] = ['memory', 'table', 'cache'];

/** Of what a seed chooses. */
export interface Choice {
  /** Primary event sources. */
  readonly sources: readonly EventSourceKind[];
  readonly ports: readonly PortsKind[];
}

/** All that a seed decides before a run begins. */
export interface Setting extends Scenario {
  readonly seed: number;
  readonly ports: PortsKind;
  /** Milliseconds by which DynamoDB deletes what has outlived its retention later than it might. */
  readonly lag: number;
  /** Records of a batch that the engine works on at once. */
  readonly recordsAtOnce: number;
  readonly machine: MachineInput;
  /** The definitions that are deployed, one after the other: the machine as it is, and perhaps as it is deployed later. */
  readonly definitions: readonly MachineInput[];
  /** Milliseconds after the beginning at which the second definition is deployed. */
  readonly redefinedAt: number;
  /** What becomes of the executions that the first definition has begun. */
  readonly upgradePolicy: UpgradePolicy;
  /** How many executions may be under way at once; `undefined` for any number. */
  readonly limit?: number;
  readonly faults: readonly FaultRule[];
}

/** Retry queues that hold nothing back, alone and with one that does, before it and behind it. */
const AT_ONCE: readonly (readonly RetryQueueKind[])[] = [
  ['kinesis'], ['sns'], ['kinesis', 'sns'], ['kinesis', 'sqs'], ['sns', 'dynamodb'], ['sqs', 'kinesis'], ['dynamodb', 'sns'], ['sns', 'sqs'],
];

/** Draws the setting of a run. The same seed and choice give the same. */
export function drawSetting(seed: number, { sources, ports }: Choice): Setting {
  const random = new SeededRandom(`simulation/${seed}`);
  const kind = random.fork('ports').pick(ports);
  const scenario = drawScenario(random.fork('scenario'), { sources, actions: ACTIONS, calm: CALM });
  const machine = drawMachine(random.fork('machine'));
  const redefined = random.chance(0.15);
  const upgrade = random.fork('upgrade');
  const adapted = kind !== 'memory';
  const limits = random.fork('limits');
  const limit = limits.chance(0.1) ? limits.between(1, 3) : undefined;
  return {
    ...scenario,
    seed,
    ports: kind,
    retryQueues: drawRetryQueues(random.fork('retry queues'), machine, limit) ?? scenario.retryQueues,
    // A table deletes in days, not in milliseconds.
    retention: adapted && scenario.retention === Infinity ? 30 * DAY : scenario.retention,
    lag: random.pick([0, 2 * DAY]),
    recordsAtOnce: random.fork('records').pick([1, 2, 50, 50]),
    machine,
    definitions: redefined ? [machine, redefine(machine)] : [machine],
    // Most executions that wait for nothing have ended after some seconds.
    redefinedAt: redefined ? upgrade.between(0, upgrade.pick([5, 60]) * SECOND) : Infinity,
    upgradePolicy: upgrade.pick(['move', 'finish-on-old', 'finish-on-old', 'stop']),
    ...limit !== undefined && { limit },
    faults: [
      ...scenario.faults,
      ...limit === undefined ? [] : drawCountFaults(limits, scenario.timeout),
      ...drawSlowness(random.fork('slow')),
      ...adapted ? drawRequestFaults(random.fork('requests'), scenario.timeout, CALM) : [],
    ],
  };
}

/** Seldom, they are some that hold nothing back. For what must not come before its time there is one that does: the constructs want it. */
function drawRetryQueues(random: SeededRandom, machine: MachineInput, limit: number | undefined): readonly RetryQueueKind[] | undefined {
  const mustHold = limit !== undefined || Object.values(machine.states).some(({ timeout }) => timeout);
  const choice = AT_ONCE.filter((kinds) => !mustHold || kinds.some((kind) => kind === 'sqs' || kind === 'dynamodb'));
  return random.chance(0.2) ? random.pick(choice) : undefined;
}

/**
 * Seldom, a park takes so long to be written that the time of its state is over before it is committed, or the invocation dies between what
 * it writes, or clients are so slow that an execution parks, or goes on, between two of their calls.
 */
function drawSlowness(random: SeededRandom): FaultRule[] {
  const on = random.pick(['journal.write', 'locks.commit'] as const);
  const parks: readonly FaultRule[] = [
    { on, fault: 'delay', share: 0.5, milliseconds: [1_000, 8_000], until: CALM },
    { on: random.pick(['journal.write', 'locks.commit', 'mailbox.remove'] as const), fault: 'crash', share: 0.3, until: CALM },
  ];
  return [
    ...random.chance(0.15) ? [random.pick(parks)] : [],
    ...random.chance(0.35) ? [{ on: 'client', fault: 'delay', share: 0.7, milliseconds: [1, 2_000], until: CALM } as const] : [],
  ];
}

/** What goes wrong with the count of the executions that are under way. */
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
