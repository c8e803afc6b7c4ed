import { definitionHash, stateOf, transition, type Machine, type Step, type Upgrade, type UpgradePolicy } from '../machine';
import type { Envelope } from './envelope';
import { asError, DefinitionChangedError, UnknownMachineError } from './errors';

/** A machine and the hash of its definition. */
export interface Definition {
  readonly machine: Machine;
  readonly hash: string;
}

interface Deployed {
  readonly current: Definition;
  readonly policy: UpgradePolicy;
  /** By their hashes. */
  readonly previous: ReadonlyMap<string, Definition>;
}

/** The definitions that are deployed: of each machine the current one, and those that executions in flight may still run on. */
export class Definitions {
  private readonly deployed: ReadonlyMap<string, Deployed>;

  constructor(machines: readonly Machine[], upgrades: Readonly<Record<string, Upgrade>>) {
    this.deployed = new Map(machines.map((machine) => {
      const upgrade = Object.hasOwn(upgrades, machine.name) ? upgrades[machine.name] : undefined;
      const previous = (upgrade?.previousVersions ?? []).map(define);
      return [machine.name, {
        current: define(machine),
        policy: upgrade?.policy ?? 'move',
        previous: new Map(previous.map((definition) => [definition.hash, definition])),
      }];
    }));
  }

  /** The definition by which an envelope is run. There is none if its execution is to be stopped, or its machine is unknown. */
  public of({ machine, definition }: Pick<Envelope, 'machine' | 'definition'>): Definition | undefined {
    const deployed = this.deployed.get(machine);
    if (!deployed) return undefined;
    const { current, policy, previous } = deployed;
    if (definition === undefined || definition === current.hash || policy === 'move') return current;
    return policy === 'finish-on-old' ? previous.get(definition) : undefined;
  }

  /** What the step of an envelope is to do, or why no definition can tell. */
  public plan(envelope: Envelope): Step | Error {
    const deployed = this.deployed.get(envelope.machine);
    if (!deployed) return new UnknownMachineError(envelope.machine, [...this.deployed.keys()]);
    const definition = this.of(envelope);
    const changed = (cause?: Error) => new DefinitionChangedError(envelope, deployed.current.hash, deployed.policy, cause);
    if (!definition) return changed();
    try {
      return transition(definition.machine, envelope.state, envelope.event);
    } catch (thrown) {
      return this.isForeign(envelope) ? changed(asError(thrown)) : asError(thrown);
    }
  }

  /** Whether the sender of an envelope has run a machine or a definition that is not deployed here: an earlier one, or a later one. */
  public isForeign({ machine, definition }: Pick<Envelope, 'machine' | 'definition'>): boolean {
    const deployed = this.deployed.get(machine);
    if (!deployed) return true;
    return definition !== undefined && definition !== deployed.current.hash && !deployed.previous.has(definition);
  }

  /** A machine by its name, in its current definition. */
  public current(machine: string): Machine | undefined {
    return this.deployed.get(machine)?.current.machine;
  }

  /** Whether a machine has a state, in any of its definitions. */
  public hasState(machine: string, state: string): boolean {
    const deployed = this.deployed.get(machine);
    if (!deployed) return false;
    return [deployed.current, ...deployed.previous.values()].some((definition) => stateOf(definition.machine, state) !== undefined);
  }
}

function define(machine: Machine): Definition {
  return { machine, hash: definitionHash(machine) };
}
