import {
  InvalidDefinitionError, describeProblem, loadMachineFile, normalize, validate, type Machine, type MachineInput, type Problem,
} from 'cdk-lambda-fsm/machine';

/** One or more machines, checked at synth by the rules that the runtime and the test kit have, too. */
export class MachineDefinition {
  /**
   * A machine as an object, as `defineMachine` takes it.
   *
   * @param definition name, initial state and states of the machine
   */
  public static fromObject(definition: unknown): MachineDefinition {
    const problems = validate(definition);
    if (problems.some(isError)) return new MachineDefinition([], problems);
    // `validate` takes any value whatever, and has found nothing in this one that keeps it from being a machine.
    return new MachineDefinition([normalize(definition as MachineInput)], problems);
  }

  /**
   * The machines of a YAML file (`.yaml`, `.yml`) and of those that it imports: the library's own form, or the fsm.yaml dialect of
   * aws-lambda-fsm-workflows.
   *
   * @param path absolute, or relative to the working directory
   */
  public static fromYamlFile(path: string): MachineDefinition {
    return MachineDefinition.fromFile(path, ['.yaml', '.yml']);
  }

  /**
   * The machines of a JSON file (`.json`) and of those that it imports, in the forms that {@link fromYamlFile} takes.
   *
   * @param path absolute, or relative to the working directory
   */
  public static fromJsonFile(path: string): MachineDefinition {
    return MachineDefinition.fromFile(path, ['.json']);
  }

  private static fromFile(path: string, extensions: readonly string[]): MachineDefinition {
    if (!extensions.some((extension) => path.toLowerCase().endsWith(extension))) {
      return new MachineDefinition([], [{
        severity: 'error',
        file: path,
        message: `The name of the file ${extensions.length > 1 ? `ends neither with ${extensions.join(' nor with ')}` : `does not end with ${extensions.join()}`}`,
        fix: 'Rename it, or load it with the method for its format.',
      }]);
    }
    try {
      const { machines, warnings } = loadMachineFile(path);
      return new MachineDefinition(machines, warnings);
    } catch (error) {
      if (error instanceof InvalidDefinitionError) return new MachineDefinition([], error.problems);
      throw error;
    }
  }

  private constructor(
    /** @internal */
    public readonly _machines: readonly Machine[],
    private readonly problems: readonly Problem[],
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
