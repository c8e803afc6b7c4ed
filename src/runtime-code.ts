import { createHash } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { AssetHashType, BundlingOutput, DockerImage } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { BundledActions } from './actions-bundle';
import { RUNTIME_DIRECTORY } from './built-assets';
import type { Machine, Upgrade } from 'cdk-lambda-fsm/machine';

/** The code of a workflow's function: the runtime, and beside it the machines and the user's actions. */
export function runtimeCode(
  machines: readonly Machine[], upgrades: Readonly<Record<string, Upgrade>>, actions: BundledActions,
): lambda.Code {
  const files = {
    'machines.json': jsonFile(machines),
    // Most workflows have none.
    ...Object.keys(upgrades).length > 0 && { 'upgrades.json': jsonFile(upgrades) },
    ...actions.files,
  };
  return lambda.Code.fromAsset(RUNTIME_DIRECTORY, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Everything is there already, so no container ever runs. The CDK knows equal assets by their bundling options.
      image: DockerImage.fromRegistry('never-pulled'),
      command: [createHash('sha256').update(JSON.stringify(files)).digest('hex')],
      local: {
        tryBundle: (directory) => {
          cpSync(RUNTIME_DIRECTORY, directory, { recursive: true });
          for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
          return true;
        },
      },
      outputType: BundlingOutput.NOT_ARCHIVED,
    },
  });
}

function jsonFile(content: unknown): string {
  return `${JSON.stringify(content, undefined, 1)}\n`;
}
