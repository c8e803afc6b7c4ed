import { existsSync } from 'node:fs';
import * as path from 'node:path';

// Built with this package by `scripts/bundle-runtime.ts`, and shipped in it.
const ASSETS_DIRECTORY = path.join(__dirname, '..', 'assets');

/** The Lambda runtime and the AWS clients that it may load. */
export const RUNTIME_DIRECTORY = path.join(ASSETS_DIRECTORY, 'runtime');

/** What bundles of actions take from this package. */
export const AUTHORING_DIRECTORY = path.join(ASSETS_DIRECTORY, 'authoring');

/** @throws Error when this package is incomplete */
export function requireAssets(): void {
  for (const directory of [RUNTIME_DIRECTORY, AUTHORING_DIRECTORY]) {
    if (!existsSync(directory)) {
      throw new Error(`${directory} is missing. Install cdk-lambda-fsm again; in its own repository run "npx projen bundle:runtime".`);
    }
  }
}
