import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as ts from 'typescript';

const ROOT = join(__dirname, '..');

/** The code of a page: each block whose first line names its file, laid into a folder as a project of a user would have it. */
export class Snippets {
  /**
   * @param page its path in the project
   * @param folder where the files are laid, emptied before
   */
  public static of(page: string, folder: string): Snippets {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const files = [...text.matchAll(/```ts\n\/\/ (\S+)\n([^]*?)```/g)].map(([, name = '', code = '']) => [name, code] as const);
    const path = join(ROOT, folder);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    for (const [name, code] of files) writeFileSync(join(path, name), code);
    return new Snippets(path, files.map(([name]) => name), text.match(/```ts\n/g)?.length ?? 0);
  }

  private constructor(
    public readonly folder: string,
    /** The names of the files, in the order of the page. */
    public readonly names: readonly string[],
    /** How many blocks of TypeScript there are, with a name or without. */
    public readonly blocks: number,
  ) {}

  /** What the compiler says of them, each with its place. */
  public problems(): string[] {
    const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as { config: { compilerOptions: object } };
    const { options } = ts.parseJsonConfigFileContent({ compilerOptions: config.compilerOptions, extends: './tsconfig.jsii.json', files: [] }, ts.sys, ROOT);
    const program = ts.createProgram(this.names.map((name) => join(this.folder, name)), { ...options, rootDir: ROOT, noEmit: true });
    return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const line = file && start !== undefined ? `${relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1} ` : '';
      return line + ts.flattenDiagnosticMessageText(messageText, '\n');
    });
  }
}
