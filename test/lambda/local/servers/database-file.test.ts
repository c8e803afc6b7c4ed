import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkDatabaseFile } from '../../../../lambda/local/servers/database-file';
import { temporaryDirectory } from '../../../support/local';

const folder = temporaryDirectory();

function fileWith(text: string): string {
  const file = join(temporaryDirectory(), 'tables.db');
  writeFileSync(file, text);
  return file;
}

test('accepts a new file, an empty one and a database', () => {
  for (const file of [join(folder, 'new.db'), fileWith(''), fileWith('SQLite format 3\0…')]) {
    expect(() => checkDatabaseFile(file)).not.toThrow();
  }
});

test.each([
  ['a folder', folder, 'it is not a file'],
  [
    'a file in a folder that does not exist',
    join(folder, 'a', 'b.db'),
    `the folder ${join(folder, 'a')} does not exist`,
  ],
  ['another file', fileWith('{ "not": "a database" }'), 'it is not a database'],
  ['a short file', fileWith('SQLite'), 'it is not a database'],
])('refuses %s', (_, file, problem) => {
  expect(() => checkDatabaseFile(file)).toThrow(
    `Invalid database file "${file}": ${problem}. Name a new file, or one that the local runner has written.`,
  );
});

test('refuses a file below another file', () => {
  const file = join(fileWith(''), 'tables.db');
  expect(() => checkDatabaseFile(file)).toThrow(/is not a folder\./);
});
