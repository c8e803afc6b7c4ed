import { UpgradePolicy, type MachineDefinition } from './machine-definition';
import { quoteAll, type ValidationErrors } from '../shared/validation-errors';
import { definitionHash, type Machine, type Upgrade } from 'cdk-lambda-fsm/machine';

/** @returns how each machine is upgraded, by the machine's name; machines with `UpgradePolicy.MOVE` are omitted */
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

/** @returns all previous versions of all machines */
export function previousMachines(upgrades: Readonly<Record<string, Upgrade>>): readonly Machine[] {
  return Object.values(upgrades).flatMap(({ previousVersions = [] }) => previousVersions);
}

/** Adds the errors in the previous versions of the machines. */
export function checkUpgrades(errors: ValidationErrors, definitions: readonly MachineDefinition[]): void {
  for (const { _machines: machines, _options } of definitions) {
    const { upgradePolicy = UpgradePolicy.MOVE, previousVersions = [] } = _options;
    if (previousVersions.length > 0 && upgradePolicy !== UpgradePolicy.FINISH_ON_OLD) {
      const policy = upgradePolicy === UpgradePolicy.STOP ? 'UpgradePolicy.STOP' : 'UpgradePolicy.MOVE';
      errors.add(
        `machines: previousVersions of ${nameAll(machines)} has no effect, because the upgradePolicy is ${policy}. ` +
          'Set upgradePolicy to UpgradePolicy.FINISH_ON_OLD, or omit previousVersions.',
      );
    }
    for (const version of previousVersions) checkPreviousVersion(errors, machines, version);
  }
}

function checkPreviousVersion(
  errors: ValidationErrors,
  machines: readonly Machine[],
  version: MachineDefinition,
): void {
  errors.addFrom('machines: previousVersions', version._optionErrors);
  errors.add(...version._errors.map((error) => `machines: previousVersions: ${error}`));
  if (version._options.upgradePolicy !== undefined || version._options.previousVersions !== undefined) {
    errors.add(
      `machines: previousVersions: upgradePolicy and previousVersions of the previous version ${nameAll(version._machines)} have no effect. ` +
        'Set upgradePolicy on the current definition, and list all previous versions there.',
    );
  }
  for (const previous of version._machines) {
    const current = machines.find(({ name }) => name === previous.name);
    if (!current) {
      errors.add(
        `machines: previousVersions: the previous version "${previous.name}" matches no machine of the current definition, which defines ${nameAll(machines)}. ` +
          'List versions of these machines only. A machine cannot be renamed.',
      );
    } else if (definitionHash(current) === definitionHash(previous)) {
      errors.add(
        `machines: previousVersions: the previous version "${previous.name}" equals the current definition. ` +
          'List the definition from before the change, or omit it.',
      );
    }
  }
}

function nameAll(machines: readonly Machine[]): string {
  return machines.length === 0 ? 'no machine' : quoteAll(machines.map(({ name }) => name));
}
