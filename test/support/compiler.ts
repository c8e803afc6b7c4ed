import { join, relative } from 'node:path';
import * as ts from 'typescript';
import { ROOT } from './pages';

/** The roots of the project's code that does not depend on a test framework. */
const PROJECT = [
  'src/index.ts',
  'lambda/runtime/handler.mts',
  'lambda/client/index.ts',
  'lambda/testing/index.ts',
  'lambda/local/index.ts',
  'test/support/sources.ts',
  'bench/sources.ts',
];

const OPTIONS = readOptions();

/** The parsed sources of all programs. Parsing the declarations of aws-cdk-lib takes most of the time of a program. */
const sources = new Map<string, ts.SourceFile | undefined>();

/**
 * Compiles files as one program, as a user's project would.
 *
 * @returns the compiler's diagnostics, each with its place
 */
export function compile(files: readonly string[]): string[] {
  // An excerpt may declare what only the reader's code uses.
  const options = { ...OPTIONS, noUnusedLocals: false, noUnusedParameters: false };
  const program = ts.createProgram([...files], options, hostWith());
  // Checks only the given files: `npm run typecheck` checks the sources that they import.
  const diagnostics = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => {
      const source = program.getSourceFile(file);
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    }),
  ];
  return diagnostics.map(({ file, start, messageText }) => {
    const line =
      file && start !== undefined
        ? `${relative(ROOT, file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1} `
        : '';
    return line + ts.flattenDiagnosticMessageText(messageText, '\n');
  });
}

/** A program of files, with the types that they import. */
export function programOf(files: readonly string[]): ts.Program {
  return ts.createProgram([...files], OPTIONS, hostWith());
}

/**
 * Compiles the project with another text of one of its files.
 *
 * @param path path of the file in the project
 * @returns the paths of the files that have errors, sorted
 */
export function filesWithErrors(path: string, text: string): string[] {
  const program = ts.createProgram(
    PROJECT.map((file) => join(ROOT, file)),
    OPTIONS,
    hostWith({ [join(ROOT, path)]: text }),
  );
  const files = program.getSourceFiles().filter(({ fileName }) => !fileName.includes('/node_modules/'));
  const wrong = files.filter((file) => program.getSemanticDiagnostics(file).length > 0);
  return wrong.map(({ fileName }) => relative(ROOT, fileName)).sort();
}

function hostWith(replaced: Readonly<Record<string, string>> = {}): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS);
  const readFile = host.readFile.bind(host);
  const getSourceFile = host.getSourceFile.bind(host);
  host.readFile = (file) =>
    // The package's index names the modules of 300 services. The project and its pages import modules by their paths.
    file.endsWith('/aws-cdk-lib/index.d.ts') ? readFile(file)?.replace(/^export \* as .*$/gm, '') : readFile(file);
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const text = replaced[file];
    if (text !== undefined) return ts.createSourceFile(file, text, languageVersion);
    if (!sources.has(file)) sources.set(file, getSourceFile(file, languageVersion, ...rest));
    return sources.get(file);
  };
  return host;
}

function readOptions(): ts.CompilerOptions {
  // The shape of the project's own tsconfig.json.
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.parseJsonConfigFileContent(
    { compilerOptions: config.compilerOptions, extends: './tsconfig.jsii.json', files: [] },
    ts.sys,
    ROOT,
  );
  return { ...options, rootDir: ROOT, noEmit: true, skipLibCheck: true };
}
