import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '..', '..');

/** A fenced block of a page. */
export interface Block {
  /** The first word after the fence. */
  readonly language: string;
  /** Name of the file that the block contains: named in its first line (`// order.ts`, `# order.yaml`) or after the language (`json [order.json]`). */
  readonly name?: string;
  readonly code: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
  /** The code of the nearest `<!-- setup … -->` comment above, which readers do not see. */
  readonly setup: string;
  /** The words of a `<!-- words -->` comment in the line above the fence. */
  readonly mark?: string;
}

/** The fenced blocks of a page. */
export function blocksOf(text: string): Block[] {
  const pattern = /^<!-- setup\n([^]*?)\n-->$|^(?:<!-- ([\w ]+) -->\n)?( *)```([^\n]*)\n([^]*?)^\3```$/gm;
  let setup = '';
  const blocks: Block[] = [];
  for (const { index, 0: all, 1: next, 2: mark, 3: indent = '', 4: info = '', 5: indented = '' } of text.matchAll(
    pattern,
  )) {
    if (next !== undefined) {
      setup = next;
      continue;
    }
    const code = indented.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
    const fence = index + all.indexOf('```');
    const [language = ''] = info.split(' ');
    blocks.push({
      language,
      name: /\[(\S+)\]/.exec(info)?.[1] ?? /^(?:\/\/|#) (\S+\.\w+)\n/.exec(code)?.[1],
      code,
      line: text.slice(0, fence).split('\n').length,
      setup,
      mark,
    });
  }
  return blocks;
}

/**
 * Writes the blocks of a page into a folder, which is emptied first, as a user's project would have them. An unnamed block of TypeScript
 * becomes a file of its own: its setup, and its code in an async function, so that it may use `await`.
 *
 * @returns the path of each block's file, in the order of the blocks; `undefined` for a block that is not a file
 */
export function writeBlocks(blocks: readonly Block[], folder: string): (string | undefined)[] {
  const path = join(ROOT, folder);
  rmSync(path, { recursive: true, force: true });
  return blocks.map(({ language, name, code, line, setup }) => {
    if (name === undefined && !['ts', 'yaml', 'json'].includes(language)) return undefined;
    const file = join(path, name ?? `line-${line}.${language}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, language === 'ts' && name === undefined ? inFunction(setup, code) : code);
    return file;
  });
}

function inFunction(setup: string, code: string): string {
  if (/^export /m.test(code)) return `${setup}\n${code}`;
  const imports = /^import [^]*?;\n/gm;
  const body = code.replace(imports, (found) => found.replace(/[^\n]/g, ''));
  return `${setup}\n${code.match(imports)?.join('') ?? ''}export async function example() {\n${body}}\n`;
}
