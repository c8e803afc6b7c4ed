import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blocksOf, type Block } from './snippets';

export const ROOT = join(__dirname, '..', '..');

/** A page of the documentation. */
export interface Page {
  /** Its path in the project. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

/** All pages of the documentation. */
export function pages(): Page[] {
  const paths = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md') && !path.startsWith('.vitepress'))
    .map((path) => `docs/${path}`);
  return ['README.md', ...paths.sort(), 'CONTRIBUTING.md'].map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path, text, blocks: blocksOf(text) };
  });
}

/** The first group of each match. */
export function all(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, found]) => found ?? '');
}
