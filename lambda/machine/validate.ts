import type { Machine } from './definition';
import type { MachineInput } from './input';
import { normalizeDraft } from './normalize';
import { ProblemCollector, throwOnErrors, type Problem } from './problem';
import { readNativeForm } from './read/native-form';
import { sourceOfValue } from './read/source';
import { checkMachine, checkMachineNames } from './rules';

/**
 * Finds all problems of a machine definition. Accepts any value, and never throws.
 *
 * @param input a machine in the form of {@link MachineInput}
 * @returns errors and warnings; empty if the definition is valid
 */
export function validate(input: unknown): Problem[] {
  return examine(input).problems.all;
}

/**
 * Validates a machine definition and fills in every default.
 *
 * @throws InvalidDefinitionError if the definition has errors; it lists all problems
 */
export function normalize(input: MachineInput): Machine {
  const { draft, problems } = examine(input);
  throwOnErrors(problems.all);
  return normalizeDraft(draft);
}

/**
 * Checks that machines can belong to one workflow: their names must be unique.
 *
 * @returns one error for each duplicate; empty if the names are unique
 */
export function validateTogether(machines: readonly Machine[]): Problem[] {
  const problems = new ProblemCollector();
  checkMachineNames(
    machines.map(({ name }) => ({ name, place: { machine: name } })),
    problems,
  );
  return problems.all;
}

function examine(input: unknown) {
  const problems = new ProblemCollector();
  const draft = readNativeForm(sourceOfValue(input), undefined, problems);
  checkMachine(draft, problems);
  return { draft, problems };
}
