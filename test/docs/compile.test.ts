import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compile, filesWithErrors } from '../support/compiler';
import { all, pages, ROOT } from '../support/pages';
import { writeBlocks } from '../support/snippets';

/* All tests that need the TypeScript compiler. They share its parsed sources. */

jest.setTimeout(120_000);

test('the TypeScript of all pages compiles', () => {
  const files = pages().flatMap(({ path, blocks }) =>
    writeBlocks(blocks, `.readme/compile/${basename(path, '.md')}`).filter((file) => file?.endsWith('.ts')),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(compile(files.map(String))).toEqual([]);
});

test('with the name of a new broker, the compiler finds an error in each registry that add-a-broker.md lists, and nowhere else', () => {
  const page = readFileSync(join(ROOT, 'docs/contributing/add-a-broker.md'), 'utf8');
  const registries = all(page, /^- `([^`]+)`/gm);
  expect(registries).not.toEqual([]);
  const names = 'lambda/contract/brokers.ts';
  const withNewBroker = readFileSync(join(ROOT, names), 'utf8').replace("'sqs',", "'sqs', 'new-broker',");
  expect(filesWithErrors(names, withNewBroker)).toEqual([...registries].sort());
});
