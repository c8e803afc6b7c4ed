import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The first bytes of the file of an SQLite database. @see https://www.sqlite.org/fileformat.html */
const HEADER = 'SQLite format 3\0';

/**
 * Checks the file that stores the tables, which need not exist yet.
 *
 * @throws Error if the embedded database cannot use it
 */
export function checkDatabaseFile(file: string): void {
  const problem = problemOf(resolve(file));
  if (problem !== undefined) {
    throw new Error(
      `Invalid database file "${file}": ${problem}. Name a new file, or one that the local runner has written.`,
    );
  }
}

function problemOf(file: string): string | undefined {
  if (!existsSync(file)) {
    const folder = dirname(file);
    if (!existsSync(folder)) return `the folder ${folder} does not exist`;
    return statSync(folder).isDirectory() ? writable(folder) : `${folder} is not a folder`;
  }
  if (!statSync(file).isFile()) return 'it is not a file';
  return writable(file) ?? (isDatabase(file) ? undefined : 'it is not a database');
}

function writable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `${path} cannot be written`;
  }
}

/** An empty file becomes a database. */
function isDatabase(file: string): boolean {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(HEADER.length);
    const length = readSync(descriptor, bytes);
    return length === 0 || bytes.toString('latin1') === HEADER;
  } finally {
    closeSync(descriptor);
  }
}
