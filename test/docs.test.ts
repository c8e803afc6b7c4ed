import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MUTATIONS } from '../model/runs';

/* What the pages tell a reader to run or to open must be there. */

const ROOT = join(__dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { readonly scripts: Record<string, string> };

describe.each(['docs/guarantees.md', 'docs/protocol.md', 'docs/upgrades.md'])('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');

  test('names commands that exist', () => {
    const commands = all(text, /npm run ([\w:-]+)/g);
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.filter((command) => !(command in scripts))).toEqual([]);
  });

  test('names tests that exist', () => {
    expect(all(text, /`(test\/[^`\s]+)`/g).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  test('links to files that exist', () => {
    const links = all(text, /\]\(([^)#]+)\)/g).filter((link) => !link.includes('://'));
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
  });

  test('names mistakes that are planted', () => {
    const planted = MUTATIONS.map(({ mutation }) => mutation);
    expect(all(text, /(MUTATE_\w+)/g).filter((name) => !planted.includes(name))).toEqual([]);
  });
});

test('the guarantees say what tests each invariant', () => {
  const page = readFileSync(join(ROOT, 'docs/guarantees.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| **'));
  expect(all(page, /^\| \*\*(I\d)/gm)).toEqual(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7']);
  for (const row of rows) expect(row).toMatch(/`(npm run \w+|test\/[^`]+)`[^|]*\|$/);
});

function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found ?? '');
}
