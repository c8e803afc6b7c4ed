import { ValidationErrors } from '../shared/validation-errors';
import { checkTypes, listOf, objectWith, type TypesOf } from '../shared/value-types';
import {
  InvalidDefinitionError,
  describeProblem,
  loadMachineFile,
  normalize,
  validate,
  type Machine,
  type MachineInput,
  type Problem,
} from 'cdk-lambda-fsm/machine';

/** How executions that started on an earlier definition of a machine continue after a new definition is deployed. */
export enum UpgradePolicy {
  /**
   * Executions continue with the new definition at their next step. An execution fails if the new definition lacks its state, or a transition
   * for its event. Deploy a definition that has them, and redrive the execution.
   */
  MOVE = 'move',
  /**
   * Executions finish with the definition that they started on, which must be one of the `previousVersions`. Otherwise an execution fails. Add
   * the missing version, deploy, and redrive the execution.
   */
  FINISH_ON_OLD = 'finish-on-old',
  /**
   * Executions fail at their next step, before any action runs. To continue an execution with the new definition, call `client.redrive` with
   * `moveToCurrent`.
   */
  STOP = 'stop',
}

/** Options for the deployment of machines. */
export interface MachineDefinitionOptions {
  /**
   * How executions in flight continue when the definition changes. The runtime detects a change by a hash of the definition, which each
   * envelope carries. The hash ignores the order of states and explicit default values.
   *
   * @default UpgradePolicy.MOVE
   */
  readonly upgradePolicy?: UpgradePolicy;
  /**
   * Earlier definitions that executions may still run on with `UpgradePolicy.FINISH_ON_OLD`, in any order. Each must have the name of a machine
   * in this definition. Keep the actions that they name in the actions file. Remove a version once no execution uses it.
   *
   * @default - none
   */
  readonly previousVersions?: MachineDefinition[];
  /**
   * Maximum number of concurrent executions of each machine in this definition. An execution counts from its first step until it completes or
   * fails, and also while it is parked. A start beyond the limit is accepted and waits in the retry queue: it is retried within seconds to a
   * minute, at random, without using up an attempt. Waiting executions start in no particular order, but those that have waited for more than
   * a minute take precedence over new ones. Redriven executions wait in the same way.
   *
   * Executions are counted in groups of up to 10, and each execution ID may use 10 of them. Above 100, a few executions may therefore wait
   * although the limit is not quite reached. Counting adds one read and one write at the start, and one write at the end of each execution.
   * Executions that started before the limit was set are not counted.
   *
   * Valid range: 1 to 100,000.
   *
   * @default - no limit
   */
  readonly maxRunningExecutions?: number;
}

const TYPES: TypesOf<MachineDefinitionOptions> = {
  previousVersions: listOf(
    objectWith(['_machines'], 'a machine definition, for example MachineDefinition.fromObject(order)'),
    'a list of machine definitions, for example [MachineDefinition.fromObject(order)]',
  ),
};

/** One or more machines. Synthesis validates them by the same rules as the runtime and the test kit. */
export class MachineDefinition {
  /**
   * Loads a machine from an object, in the form that `defineMachine` accepts.
   *
   * @param definition name, initial state and states of the machine
   */
  public static fromObject(definition: unknown, options: MachineDefinitionOptions = {}): MachineDefinition {
    const problems = validate(definition);
    if (problems.some(isError)) return new MachineDefinition([], problems, options);
    // `validate` accepts any value, and returns an error for each value that is not a `MachineInput`.
    return new MachineDefinition([normalize(definition as MachineInput)], problems, options);
  }

  /**
   * Loads the machines of a YAML file (`.yaml` or `.yml`) and of the files that it imports, in this library's format or in the fsm.yaml dialect
   * of aws-lambda-fsm-workflows.
   *
   * @param path absolute, or relative to the working directory
   */
  public static fromYamlFile(path: string, options: MachineDefinitionOptions = {}): MachineDefinition {
    return MachineDefinition.fromFile(path, ['.yaml', '.yml'], options);
  }

  /**
   * Loads the machines of a JSON file (`.json`) and of the files that it imports, in the formats that {@link fromYamlFile} accepts.
   *
   * @param path absolute, or relative to the working directory
   */
  public static fromJsonFile(path: string, options: MachineDefinitionOptions = {}): MachineDefinition {
    return MachineDefinition.fromFile(path, ['.json'], options);
  }

  private static fromFile(
    path: string,
    extensions: readonly string[],
    options: MachineDefinitionOptions,
  ): MachineDefinition {
    if (!extensions.some((extension) => path.toLowerCase().endsWith(extension))) {
      return new MachineDefinition(
        [],
        [
          {
            severity: 'error',
            file: path,
            message: `Unsupported file extension: expected ${extensions.join(' or ')}`,
            fix: 'Rename the file, or load it with the method for its format.',
          },
        ],
        options,
      );
    }
    try {
      const { machines, warnings } = loadMachineFile(path);
      return new MachineDefinition(machines, warnings, options);
    } catch (error) {
      if (error instanceof InvalidDefinitionError) return new MachineDefinition([], error.problems, options);
      throw error;
    }
  }

  /** @internal */
  public readonly _options: MachineDefinitionOptions;
  /**
   * The options of other types, which `_options` omits.
   *
   * @internal
   */
  public readonly _optionErrors = new ValidationErrors();

  private constructor(
    /** @internal */
    public readonly _machines: readonly Machine[],
    private readonly problems: readonly Problem[],
    options: MachineDefinitionOptions,
  ) {
    this._options = checkTypes<MachineDefinitionOptions>(this._optionErrors, options, TYPES);
  }

  /**
   * One line for each error that makes the definition invalid.
   *
   * @internal
   */
  public get _errors(): string[] {
    return this.problems.filter(isError).map(describeProblem);
  }

  /**
   * One line for each warning.
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
