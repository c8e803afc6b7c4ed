import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

// `scripts/bundle-runtime.ts` builds the assets, and the package contains them.
const ASSETS_DIRECTORY = path.join(__dirname, '..', '..', '..', 'assets');

/** The Lambda runtime with the AWS clients that it may load. */
export const RUNTIME_DIRECTORY = path.join(ASSETS_DIRECTORY, 'runtime');

/** The modules of this package that actions may import. */
export const AUTHORING_DIRECTORY = path.join(ASSETS_DIRECTORY, 'authoring');

/** The program that checks an actions file. */
export const CHECK_PROGRAM = path.join(ASSETS_DIRECTORY, 'check', 'check-actions.mjs');

/** @throws Error if this package is incomplete */
export function requireAssets(): void {
  for (const part of [RUNTIME_DIRECTORY, AUTHORING_DIRECTORY, CHECK_PROGRAM]) {
    if (!existsSync(part)) {
      throw new Error(
        `${part} is missing. Reinstall cdk-lambda-fsm, or run "npx projen bundle:runtime" in its repository.`,
      );
    }
  }
}

/**
 * Copies the contents of files, but not their permissions: a package manager may install this package read-only, or in an archive that only
 * the basic functions of the file system can read.
 */
export function copyContents(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) copyContents(source, target);
    else writeFileSync(target, readFileSync(source));
  }
}
