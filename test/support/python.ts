import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './processes';

const MIN_PYTHON = [3, 10] as const;

/** Packages of Python that a suite needs. */
export interface PythonPackages {
  /** The suite's name for them, for messages: `the AWS emulator`. */
  readonly name: string;
  /** Path of the file that pins the packages and all of their dependencies. */
  readonly requirements: string;
  /** The folder of the private environment, which is created again when the requirements have changed. */
  readonly environment: string;
}

/**
 * Installs packages into a private Python environment, unless they are installed.
 *
 * @returns the path of the folder with the environment's programs, such as `python`
 * @throws Error if Python is missing or too old; the message says how to install it
 */
export async function installPython({ name, requirements, environment }: PythonPackages): Promise<string> {
  const programs = join(environment, 'bin');
  // Copied in the last step, so an interrupted installation lacks it.
  const installed = join(environment, 'requirements.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(requirements, 'utf8')) return programs;
  await checkPython(name);
  console.log(`Installing ${name}…`);
  mkdirSync(dirname(environment), { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', environment]).catch((error: Error) => {
    throw new Error(
      `${error.message}\n\nPython cannot create virtual environments. On Debian or Ubuntu, run: apt-get install python3-venv`,
    );
  });
  await run(join(programs, 'pip'), [
    'install',
    '--disable-pip-version-check',
    '--no-deps',
    '--requirement',
    requirements,
  ]);
  copyFileSync(requirements, installed);
  return programs;
}

async function checkPython(name: string): Promise<void> {
  const [major, minor] = MIN_PYTHON;
  const wanted = `For ${name}, Python ${major}.${minor} or newer is required as python3`;
  const printed = await run('python3', ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])']).catch(
    (error: Error) => {
      throw new Error(`${wanted}, but python3 cannot be run: ${error.message}`);
    },
  );
  const [foundMajor = 0, foundMinor = 0] = printed.trim().split(' ').map(Number);
  if (foundMajor < major || (foundMajor === major && foundMinor < minor)) {
    throw new Error(
      `${wanted}, but found Python ${foundMajor}.${foundMinor}. Install a newer version, and put it first on the PATH.`,
    );
  }
}
