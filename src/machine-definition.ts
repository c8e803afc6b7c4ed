import {
  InvalidDefinitionError, describeProblem, loadMachineFile, normalize, validate, type Machine, type MachineInput, type Problem,
} from 'cdk-lambda-fsm/machine';

/** What becomes of the executions that an earlier definition of a machine has begun, when the machine is deployed with a new one. */
export enum UpgradePolicy {
  /**
   * They go on with the new definition from their next step on. If it has not the state that they are in, or takes not the event that they
   * have, they fail, and can be redriven when a definition has been deployed that does.
   */
  MOVE = 'move',
  /**
   * They end with the definition that they have, which must be one of the `previousVersions`. Otherwise they fail, and can be redriven when
   * that has been added.
   */
  FINISH_ON_OLD = 'finish-on-old',
  /**
   * They fail at their next step, without running anything, so that a person decides about each: `client.redrive` with `moveToCurrent` lets
   * one go on with the new definition.
   */
  STOP = 'stop',
}

/** How the machines of a definition follow those that were deployed before. */
export interface MachineDefinitionOptions {
  /**
   * What becomes of the executions in flight when the definition has changed. Which definition an execution has begun with is known from a
   * hash in its envelope: the order of states, and a default that is written out, make no difference; any other change does.
   *
   * @default UpgradePolicy.MOVE
   */
  readonly upgradePolicy?: UpgradePolicy;
  /**
   * The definitions that executions may still run on, for `UpgradePolicy.FINISH_ON_OLD`: in any order, each of a machine of the same name.
   * The actions that they name must stay in the actions file. One can go when no execution of it is left.
   *
   * @default - none
   */
  readonly previousVersions?: MachineDefinition[];
  /**
   * How many executions of each machine of the definition may be under way at once: from their first step on, until they have ended or
   * failed; also while they are parked. A start beyond that is accepted, and waits in the retry queue: it uses up no attempt, and comes
   * again at random within seconds to a minute, so those that wait begin in no particular order. An execution that is redriven waits in
   * the same way.
   *
   * Above 100 the limit is kept by groups of up to 100, to which executions belong by their id: then some may wait although a few others
   * could begin. Counting takes one more request at the start and one at the end of an execution, each of a write unit for every ten to
   * twenty executions of the group. Executions that had begun before there was a limit are not counted.
   *
   * Valid range: 1 to 100,000.
   *
   * @default - any number
   */
  readonly maxRunningExecutions?: number;
}

/** One or more machines, checked at synth by the rules that the runtime and the test kit have, too. */
export class MachineDefinition {
  /**
   * A machine as an object, as `defineMachine` takes it.
   *
   * @param definition name, initial state and states of the machine
   */
  public static fromObject(definition: unknown, options: MachineDefinitionOptions = {}): MachineDefinition {
    const problems = validate(definition);
    if (problems.some(isError)) return new MachineDefinition([], problems, options);
    // `validate` takes any value whatever, and has found nothing in this one that keeps it from being a machine.
    return new MachineDefinition([normalize(definition as MachineInput)], problems, options);
  }

  /**
   * The machines of a YAML file (`.yaml`, `.yml`) and of those that it imports: the library's own form, or the fsm.yaml dialect of
   * aws-lambda-fsm-workflows.
   *
   * @param path absolute, or relative to the working directory
   */
  public static fromYamlFile(path: string, options: MachineDefinitionOptions = {}): MachineDefinition {
    return MachineDefinition.fromFile(path, ['.yaml', '.yml'], options);
  }

  /**
   * The machines of a JSON file (`.json`) and of those that it imports, in the forms that {@link fromYamlFile} takes.
   *
   * @param path absolute, or relative to the working directory
   */
  public static fromJsonFile(path: string, options: MachineDefinitionOptions = {}): MachineDefinition {
    return MachineDefinition.fromFile(path, ['.json'], options);
  }

  private static fromFile(path: string, extensions: readonly string[], options: MachineDefinitionOptions): MachineDefinition {
    if (!extensions.some((extension) => path.toLowerCase().endsWith(extension))) {
      return new MachineDefinition([], [{
        severity: 'error',
        file: path,
        message: `The name of the file ${extensions.length > 1 ? `ends neither with ${extensions.join(' nor with ')}` : `does not end with ${extensions.join()}`}`,
        fix: 'Rename it, or load it with the method for its format.',
      }], options);
    }
    try {
      const { machines, warnings } = loadMachineFile(path);
      return new MachineDefinition(machines, warnings, options);
    } catch (error) {
      if (error instanceof InvalidDefinitionError) return new MachineDefinition([], error.problems, options);
      throw error;
    }
  }

  private constructor(
    /** @internal */
    public readonly _machines: readonly Machine[],
    private readonly problems: readonly Problem[],
    /** @internal */
    public readonly _options: MachineDefinitionOptions,
  ) {}

  /**
   * One line for each thing that keeps the definition from being used.
   *
   * @internal
   */
  public get _errors(): string[] {
    return this.problems.filter(isError).map(describeProblem);
  }

  /**
   * One line for each thing that is odd.
   *
   * @internal
   */
  public get _warnings(): string[] {
    return this.problems.filter((problem) => !isError(problem)).map(describeProblem);
  }
}

function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
