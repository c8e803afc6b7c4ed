import {
  definitionHash,
  stateOf,
  transition,
  type Machine,
  type Step,
  type Upgrade,
  type UpgradePolicy,
} from '../../machine';
import type { Envelope } from '../envelope/envelope';
import { DefinitionChangedError, UnknownMachineError } from '../errors';
import { asError } from '../thrown';

/** A machine and the hash of its definition. */
export interface Definition {
  readonly machine: Machine;
  readonly hash: string;
}

/** A step, and the definition that it runs on. */
export interface Plan {
  readonly definition: Definition;
  readonly step: Step;
}

interface Deployed {
  readonly current: Definition;
  readonly policy: UpgradePolicy;
  /** By hash. */
  readonly previous: ReadonlyMap<string, Definition>;
}

/** The deployed definitions: the current one of each machine, and the previous ones that executions in flight may still run on. */
export class Definitions {
  private readonly deployed: ReadonlyMap<string, Deployed>;

  constructor(machines: readonly Machine[], upgrades: Readonly<Record<string, Upgrade>>) {
    this.deployed = new Map(
      machines.map((machine) => {
        const upgrade = Object.hasOwn(upgrades, machine.name) ? upgrades[machine.name] : undefined;
        const previous = (upgrade?.previousVersions ?? []).map(define);
        return [
          machine.name,
          {
            current: define(machine),
            policy: upgrade?.policy ?? 'move',
            previous: new Map(previous.map((definition) => [definition.hash, definition])),
          },
        ];
      }),
    );
  }

  /** Returns the definition that an envelope runs on, or nothing if the upgrade policy stops its execution or the machine is unknown. */
  public of({ machine, definition }: Pick<Envelope, 'machine' | 'definition'>): Definition | undefined {
    const deployed = this.deployed.get(machine);
    if (!deployed) return undefined;
    const { current, policy, previous } = deployed;
    if (definition === undefined || definition === current.hash || policy === 'move') return current;
    return policy === 'finish-on-old' ? previous.get(definition) : undefined;
  }

  /** Plans the step of an envelope. Returns an error if no deployed definition can run it. */
  public plan(envelope: Envelope): Plan | Error {
    const deployed = this.deployed.get(envelope.machine);
    if (!deployed) return new UnknownMachineError(envelope.machine, [...this.deployed.keys()]);
    const definition = this.of(envelope);
    const changed = (cause?: Error) =>
      new DefinitionChangedError(envelope, deployed.current.hash, deployed.policy, cause);
    if (!definition) return changed();
    try {
      return { definition, step: transition(definition.machine, envelope.state, envelope.event) };
    } catch (thrown) {
      return this.isForeign(envelope) ? changed(asError(thrown)) : asError(thrown);
    }
  }

  /** Whether the sender of an envelope ran a machine or a definition that is not deployed here: an older or a newer one. */
  public isForeign({ machine, definition }: Pick<Envelope, 'machine' | 'definition'>): boolean {
    const deployed = this.deployed.get(machine);
    if (!deployed) return true;
    return definition !== undefined && definition !== deployed.current.hash && !deployed.previous.has(definition);
  }

  /** Returns the current definition of a machine. */
  public current(machine: string): Machine | undefined {
    return this.deployed.get(machine)?.current.machine;
  }

  /** Whether any definition of a machine has a state. */
  public hasState(machine: string, state: string): boolean {
    const deployed = this.deployed.get(machine);
    if (!deployed) return false;
    return [deployed.current, ...deployed.previous.values()].some(
      (definition) => stateOf(definition.machine, state) !== undefined,
    );
  }
}

function define(machine: Machine): Definition {
  return { machine, hash: definitionHash(machine) };
}
