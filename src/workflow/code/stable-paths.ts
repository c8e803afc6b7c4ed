import { existsSync, realpathSync } from 'node:fs';
import * as path from 'node:path';
import { AUTHORING_DIRECTORY } from './built-assets';

/** The files that mark the root of a repository or of a workspace. */
const ROOT_MARKERS = ['.git', 'package-lock.json', 'yarn.lock', 'pnpm-lock.yaml', 'bun.lock', 'bun.lockb'];

const PACKAGES = 'node_modules/';

/**
 * Returns a function that makes the paths in a bundle equal on all machines. Paths within the repository are equal already. The path to a
 * package depends on the location of the repository if the package is in a cache outside of it, as those of Yarn, pnpm and linked packages.
 *
 * @param inputs the paths of the bundled files, relative to the directory of the actions
 */
export function stablePaths(inputs: readonly string[], directory: string): (text: string) => string {
  const root = rootOf(directory);
  const authoring = toPosix(path.relative(directory, realpathSync(AUTHORING_DIRECTORY)));
  const replacements = inputs
    // A loader may put its name before the path.
    .map((input) => input.replace(/^[\w-]+:/, ''))
    .filter((input) => input.startsWith('../'))
    .flatMap((input) => {
      const stable = stablePath(input, path.resolve(directory, input), authoring, root);
      return stable === input ? [] : [{ input, stable }];
    })
    .sort((a, b) => b.input.length - a.input.length);
  return (text) => replacements.reduce((changed, { input, stable }) => changed.replaceAll(input, stable), text);
}

function stablePath(input: string, absolute: string, authoring: string, root: string): string {
  // A CDK app in another language unpacks this package into a temporary directory.
  if (input.startsWith(`${authoring}/`)) return `cdk-lambda-fsm/${input.slice(authoring.length + 1)}`;
  const packages = input.lastIndexOf(PACKAGES);
  if (packages >= 0) return input.slice(packages);
  return toPosix(path.relative(root, absolute)).startsWith('../') ? path.basename(input) : input;
}

/** The closest directory with a root marker; without one, that of the actions. */
function rootOf(directory: string): string {
  for (let current = directory; ; current = path.dirname(current)) {
    if (ROOT_MARKERS.some((marker) => existsSync(path.join(current, marker)))) return current;
    if (current === path.dirname(current)) return directory;
  }
}

function toPosix(file: string): string {
  return file.split(path.sep).join('/');
}
