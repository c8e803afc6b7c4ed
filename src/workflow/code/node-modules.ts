import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import type { ValidationErrors } from '../../shared/validation-errors';

/** How a package manager installs exactly the versions of its lock file. */
interface PackageManager {
  readonly lockFile: string;
  readonly command: readonly [string, ...string[]];
}

const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    lockFile: 'pnpm-lock.yaml',
    command: ['pnpm', 'install', '--prod', '--config.node-linker=hoisted', '--no-frozen-lockfile'],
  },
  { lockFile: 'yarn.lock', command: ['yarn', 'install', '--production'] },
  { lockFile: 'bun.lock', command: ['bun', 'install', '--production'] },
  { lockFile: 'bun.lockb', command: ['bun', 'install', '--production'] },
  { lockFile: 'package-lock.json', command: ['npm', 'ci', '--omit=dev', '--no-audit', '--no-fund'] },
];

const NPM_WITHOUT_LOCK_FILE = ['npm', 'install', '--omit=dev', '--no-audit', '--no-fund'] as const;

/** Packages that are installed next to the bundle instead of being bundled. */
export interface InstalledModules {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly lockFile?: string;
  readonly command: readonly [string, ...string[]];
}

/**
 * Finds the versions of packages, and the package manager of the project.
 *
 * @returns undefined if there are no packages, or after adding errors
 */
export function findModules(
  source: string,
  names: readonly string[],
  errors: ValidationErrors,
): InstalledModules | undefined {
  if (names.length === 0) return undefined;
  const dependencies: Record<string, string> = {};
  for (const name of names) {
    const version = versionOf(name, source);
    if (version === undefined) {
      errors.add(
        `bundling: nodeModules: "${name}" is neither a dependency of the project of ${source} nor installed. Install it, or remove it from nodeModules.`,
      );
    } else {
      dependencies[name] = version;
    }
  }
  if (Object.keys(dependencies).length < names.length) return undefined;
  for (let directory = path.dirname(source); ; directory = path.dirname(directory)) {
    for (const { lockFile, command } of PACKAGE_MANAGERS) {
      const file = path.join(directory, lockFile);
      if (existsSync(file)) return { dependencies, lockFile: file, command };
    }
    if (directory === path.dirname(directory)) return { dependencies, command: NPM_WITHOUT_LOCK_FILE };
  }
}

/** Installs the packages into the directory of the code. */
export function installModules(modules: InstalledModules, directory: string): void {
  const { dependencies, lockFile, command } = modules;
  writeFileSync(path.join(directory, 'package.json'), `${JSON.stringify({ dependencies }, undefined, 2)}\n`);
  if (lockFile !== undefined) copyFileSync(lockFile, path.join(directory, path.basename(lockFile)));
  const [program, ...args] = command;
  try {
    execFileSync(program, args, { cwd: directory, stdio: 'pipe', shell: process.platform === 'win32' });
  } catch (error) {
    const output = error as { readonly stderr?: Buffer; readonly message: string };
    throw new Error(
      `Cannot install the nodeModules ${Object.keys(dependencies).join(', ')} with "${command.join(' ')}": ${output.stderr?.toString() || output.message}`,
    );
  }
}

/** The version in the closest package.json with the dependency; otherwise the installed version. */
function versionOf(name: string, source: string): string | undefined {
  for (let directory = path.dirname(source); ; directory = path.dirname(directory)) {
    const file = path.join(directory, 'package.json');
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as Readonly<
        Record<string, Readonly<Record<string, string>> | undefined>
      >;
      for (const kind of ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies']) {
        const version = manifest[kind]?.[name];
        if (version !== undefined) return version;
      }
    }
    if (directory === path.dirname(directory)) break;
  }
  try {
    const manifest = createRequire(source).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version?: string }).version;
  } catch {
    return undefined;
  }
}
