import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyContents } from '../../../../src/workflow/code/built-assets';

test('files of a read-only package are copied writable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'read-only-'));
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  mkdirSync(join(from, 'chunks'), { recursive: true });
  writeFileSync(join(from, 'chunks', 'index.mjs'), 'code');
  chmodSync(join(from, 'chunks', 'index.mjs'), 0o444);
  for (const directory of ['chunks', '']) chmodSync(join(from, directory), 0o555);

  copyContents(from, to);
  expect(readFileSync(join(to, 'chunks', 'index.mjs'), 'utf8')).toBe('code');
  for (const copied of ['', 'chunks', 'chunks/index.mjs']) expect(statSync(join(to, copied)).mode & 0o200).toBe(0o200);

  for (const directory of ['', 'chunks']) chmodSync(join(from, directory), 0o755);
  rmSync(folder, { recursive: true });
});
