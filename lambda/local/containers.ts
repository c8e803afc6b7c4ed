import type { FunctionDefinition } from './function';
import { familyOf } from './tasks';
import type { Template } from './template';
import { listOf, memberOf } from './template-value';
import { ECS_TASKS_VARIABLE, readEcsTasks } from '../aws/ecs/configuration';

/** A container that a workflow runs on Amazon ECS. */
export interface Container {
  readonly name: string;
  /** With the family of its task definition: `films/render`. */
  readonly fullName: string;
}

/** The containers that functions run. */
export function containersOf(functions: readonly FunctionDefinition[]): Container[] {
  return functions.flatMap(({ environment }) => Object.values(readEcsTasks(environment[ECS_TASKS_VARIABLE])))
    .map(({ taskDefinition, container }) => ({ name: container, fullName: `${familyOf(taskDefinition)}/${container}` }));
}

/** The environment variables that the task definitions of a stack give to containers, by full name. Secrets are not among them. */
export function environmentsOf(template: Template, containers: readonly Container[]): Record<string, Record<string, string>> {
  return Object.fromEntries(template.ofType('AWS::ECS::TaskDefinition').flatMap((logicalId) => {
    const family = familyOf(String(template.resolve({ Ref: logicalId }, logicalId)));
    const place = `${logicalId}.ContainerDefinitions`;
    return listOf(template.raw(logicalId).ContainerDefinitions).flatMap((definition) => {
      const fullName = `${family}/${String(template.resolve(memberOf(definition, 'Name'), place))}`;
      if (!containers.some((container) => container.fullName === fullName)) {
        return [];
      }
      const variables = listOf(template.resolve(memberOf(definition, 'Environment'), place));
      return [[fullName, Object.fromEntries(variables.map((variable) => [String(memberOf(variable, 'Name')), String(memberOf(variable, 'Value'))]))]];
    });
  }));
}

/**
 * Checks that there is a command for each container, and no other.
 *
 * @throws Error that lists all that are missing or too many
 */
export function checkCommands(containers: readonly Container[], commands: Readonly<Record<string, string>>): void {
  const missing = containers.filter(({ name, fullName }) => !Object.hasOwn(commands, name) && !Object.hasOwn(commands, fullName));
  const unknown = Object.keys(commands).filter((key) => !containers.some(({ name, fullName }) => key === name || key === fullName));
  const known = containers.map(({ fullName }) => `"${fullName}"`).join(', ');
  const problems = [
    ...missing.map(({ name, fullName }) => `The container "${fullName}" cannot be run here: say what runs in its place, as in --task ${name}='node ${name}.js'.`),
    ...unknown.map((key) => `There is a command for the container "${key}", but the workflows run ${known === '' ? 'none' : known}.`),
  ];
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
}
