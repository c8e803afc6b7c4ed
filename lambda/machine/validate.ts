import type { Machine } from './definition';
import type { MachineInput } from './input';
import { normalizeDraft } from './normalize';
import { Findings, refuseErrors, type Problem } from './problem';
import { readOwnForm } from './read/own-form';
import { sourceOfValue } from './read/source';
import { checkMachine, checkMachineNames } from './rules';

/**
 * Finds everything that is wrong with a machine's definition. It takes any value whatever and never throws.
 *
 * @param input a machine in the form of {@link MachineInput}
 * @returns errors and warnings; empty when all is well
 */
export function validate(input: unknown): Problem[] {
  return examine(input).findings.problems;
}

/**
 * Turns a machine as its author wrote it into the model, with every default filled in.
 *
 * @throws InvalidDefinitionError with all problems, if there is an error among them
 */
export function normalize(input: MachineInput): Machine {
  const { draft, findings } = examine(input);
  refuseErrors(findings.problems);
  return normalizeDraft(draft);
}

/** Checks that machines can be used together in one workflow: that each has a name of its own. */
export function validateTogether(machines: readonly Machine[]): Problem[] {
  const findings = new Findings();
  checkMachineNames(machines.map(({ name }) => ({ name, place: { machine: name } })), findings);
  return findings.problems;
}

function examine(input: unknown) {
  const findings = new Findings();
  const draft = readOwnForm(sourceOfValue(input), undefined, findings);
  checkMachine(draft, findings);
  return { draft, findings };
}
