import { UpgradePolicy, type MachineDefinition } from './machine-definition';
import type { Problems } from './problems';
import { definitionHash, type Machine, type Upgrade } from 'cdk-lambda-fsm/machine';

/** How the machines of these definitions are upgraded, by the name of the machine. One without is moved. */
export function upgradesOf(definitions: readonly MachineDefinition[]): Record<string, Upgrade> {
  const upgrades: Record<string, Upgrade> = {};
  for (const { _machines, _options } of definitions) {
    const { upgradePolicy = UpgradePolicy.MOVE, previousVersions = [] } = _options;
    if (upgradePolicy === UpgradePolicy.MOVE) continue;
    const previous = previousVersions.flatMap((version) => version._machines);
    for (const { name } of _machines) {
      upgrades[name] = { policy: upgradePolicy, previousVersions: previous.filter((machine) => machine.name === name) };
    }
  }
  return upgrades;
}

/** All previous versions of all machines. */
export function previousMachines(upgrades: Readonly<Record<string, Upgrade>>): readonly Machine[] {
  return Object.values(upgrades).flatMap(({ previousVersions = [] }) => previousVersions);
}

/** Adds what is wrong with the previous versions of the machines. */
export function checkUpgrades(problems: Problems, definitions: readonly MachineDefinition[]): void {
  for (const { _machines: machines, _options: { upgradePolicy, previousVersions = [] } } of definitions) {
    if (previousVersions.length > 0 && upgradePolicy !== UpgradePolicy.FINISH_ON_OLD) {
      problems.add(
        `machines: previousVersions of ${nameAll(machines)} would not be used, since the upgradePolicy is ${policyText(upgradePolicy)}. ` +
        'Set it to UpgradePolicy.FINISH_ON_OLD, or leave them out.',
      );
    }
    for (const version of previousVersions) checkPrevious(problems, machines, version);
  }
}

function checkPrevious(problems: Problems, machines: readonly Machine[], version: MachineDefinition): void {
  problems.add(...version._errors.map((error) => `machines: previousVersions: ${error}`));
  if (version._options.upgradePolicy !== undefined || version._options.previousVersions !== undefined) {
    problems.add(
      `machines: previousVersions: ${nameAll(version._machines)} has options of its own, which nobody would look at. ` +
      'Give the upgradePolicy and all the previous versions, one beside the other, to the current definition.',
    );
  }
  for (const previous of version._machines) {
    const current = machines.find(({ name }) => name === previous.name);
    if (!current) {
      problems.add(
        `machines: previousVersions: "${previous.name}" is no machine of the definition that it is given to, which has ${nameAll(machines)}. ` +
        'Give a version of one of these; a machine keeps its name.',
      );
    } else if (definitionHash(current) === definitionHash(previous)) {
      problems.add(
        `machines: previousVersions: "${previous.name}" is the very definition that it is given to. ` +
        'Give the definition as it was before the change, or leave it out if there is none.',
      );
    }
  }
}

function policyText(policy: UpgradePolicy = UpgradePolicy.MOVE): string {
  return policy === UpgradePolicy.STOP ? 'UpgradePolicy.STOP' : 'UpgradePolicy.MOVE';
}

function nameAll(machines: readonly Machine[]): string {
  return machines.length === 0 ? 'no machine' : machines.map(({ name }) => `"${name}"`).join(', ');
}
