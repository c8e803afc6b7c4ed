import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODE_FILES } from '../../contract/code';
import { readEcsTasks } from '../../contract/ecs-tasks';
import { ECS_TASKS_VARIABLE } from '../../contract/environment';
import { familyOf } from '../ecs/tasks';
import type { FunctionDefinition } from '../function/function';
import type { Template } from '../template/template';
import { listOf, memberOf } from '../template/template-value';

/** A container that a workflow runs in Amazon ECS. */
export interface Container {
  readonly name: string;
  /** The name with the family of the task definition: `films/render`. */
  readonly fullName: string;
}

/** Returns the containers that the functions run. */
export function containersOf(functions: readonly FunctionDefinition[]): Container[] {
  return functions
    .flatMap(({ directory, environment }) => {
      const file = join(directory, CODE_FILES.ecsTasks);
      const tasks = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
      return Object.values(readEcsTasks(tasks, environment[ECS_TASKS_VARIABLE]));
    })
    .map(({ taskDefinition, container }) => ({
      name: container,
      fullName: `${familyOf(taskDefinition)}/${container}`,
    }));
}

/** Reads the environment variables of containers from the task definitions, by full name. Secrets are not included. */
export function environmentsOf(
  template: Template,
  containers: readonly Container[],
): Record<string, Record<string, string>> {
  return Object.fromEntries(
    template.ofType('AWS::ECS::TaskDefinition').flatMap((logicalId) => {
      const family = familyOf(String(template.resolve({ Ref: logicalId }, logicalId)));
      const place = `${logicalId}.ContainerDefinitions`;
      return listOf(template.raw(logicalId).ContainerDefinitions).flatMap((definition) => {
        const fullName = `${family}/${String(template.resolve(memberOf(definition, 'Name'), place))}`;
        if (!containers.some((container) => container.fullName === fullName)) {
          return [];
        }
        const variables = listOf(template.resolve(memberOf(definition, 'Environment'), place));
        return [
          [
            fullName,
            Object.fromEntries(
              variables.map((variable) => [String(memberOf(variable, 'Name')), String(memberOf(variable, 'Value'))]),
            ),
          ],
        ];
      });
    }),
  );
}

/**
 * Checks that each container has a command, and each command a container.
 *
 * @throws Error that lists all missing and all unknown commands
 */
export function checkCommands(containers: readonly Container[], commands: Readonly<Record<string, string>>): void {
  const missing = containers.filter(
    ({ name, fullName }) => !Object.hasOwn(commands, name) && !Object.hasOwn(commands, fullName),
  );
  const unknown = Object.keys(commands).filter(
    (key) => !containers.some(({ name, fullName }) => key === name || key === fullName),
  );
  const known = containers.map(({ fullName }) => `"${fullName}"`).join(', ');
  const problems = [
    ...missing.map(
      ({ name, fullName }) =>
        `Container "${fullName}" has no local command. Pass one, for example: --task ${name}='node ${name}.js'`,
    ),
    ...unknown.map(
      (key) =>
        `Unknown container "${key}" in the local commands: the workflows run ${known === '' ? 'no containers' : known}.`,
    ),
  ];
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
}
