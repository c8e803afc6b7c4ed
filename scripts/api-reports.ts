/*
 * Writes the public API of each TypeScript subpath (`cdk-lambda-fsm/machine` and so on) into api/, so that a review shows every change to
 * it. Reads the declarations that `npx projen compile:lambda` writes to lambda-lib/. API.md covers the constructs.
 *
 *   npx tsx scripts/api-reports.ts            updates the reports
 *   npx tsx scripts/api-reports.ts --check    prints the differences from the committed reports, and fails if it finds one
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor';

const ROOT = join(__dirname, '..');
const DECLARATIONS = join(ROOT, 'lambda-lib');
const REPORTS = join(ROOT, 'api');

/**
 * Types in these files check the names inside a machine, or derive the types of a client from its machines. The compiler evaluates them,
 * users never write them, and none of them is exported.
 */
const COMPUTED_TYPES = ['machine/define.d.ts', 'machine/implement.d.ts', 'machine/types.d.ts', 'client/typed.d.ts'].map(
  (file) => join(DECLARATIONS, file),
);

function main(check: boolean): void {
  if (!existsSync(DECLARATIONS)) {
    throw new Error(`Missing ${relative(ROOT, DECLARATIONS)}/. Run "npx projen compile:lambda" first.`);
  }
  const temporary = mkdtempSync(join(tmpdir(), 'api-reports-'));
  try {
    const current = join(temporary, 'current');
    mkdirSync(current);
    const messages = subpaths().flatMap((subpath) => writeReport(subpath, current, join(temporary, 'unused')));
    if (check) {
      compareWithCommitted(temporary);
    } else {
      rmSync(REPORTS, { recursive: true, force: true });
      cpSync(current, REPORTS, { recursive: true });
    }
    const importable = exportedNames(current);
    const errors = messages.filter((message) => !isHarmless(message, importable)).map(describe);
    if (errors.length > 0) {
      throw new Error(`The public API has ${errors.length} errors:\n${errors.map((error) => `  ${error}`).join('\n')}`);
    }
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** The subpaths of the package that lead to lambda-lib/. */
function subpaths(): readonly string[] {
  // The file is the package's own; npm requires this format.
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object };
  return Object.entries(exports).flatMap(([subpath, target]) =>
    JSON.stringify(target).includes('./lambda-lib/') ? [subpath.slice('./'.length)] : [],
  );
}

/** Writes the report of one subpath into `folder`, and returns the errors that the extractor finds. */
function writeReport(subpath: string, folder: string, unused: string): readonly ExtractorMessage[] {
  const entry = join(DECLARATIONS, subpath, 'index.d.ts');
  const errors: ExtractorMessage[] = [];
  const configuration = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: entry,
      newlineKind: 'lf',
      compiler: {
        overrideTsconfig: {
          compilerOptions: { module: 'node16', target: 'es2022', types: ['node'], strict: true, skipLibCheck: true },
          files: [entry],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: subpath.replaceAll('/', '-'),
        reportFolder: folder,
        // The extractor requires a second folder, to compare the two.
        reportTempFolder: unused,
        // A change of a computed type can break users, too.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          // Every export is public, and the report marks exports without documentation.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
          // Editors resolve a link in its own file, the extractor among the exports.
          'ae-unresolved-link': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Error },
          // Editors show `@default`, and parameters without a hyphen.
          'tsdoc-undefined-tag': { logLevel: ExtractorLogLevel.None },
          'tsdoc-param-tag-missing-hyphen': { logLevel: ExtractorLogLevel.None },
        },
      },
    },
  });
  Extractor.invoke(configuration, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = true;
      if (message.logLevel === ExtractorLogLevel.Error) errors.push(message);
    },
  });
  return errors;
}

/** The names that users can import from one of the subpaths. */
function exportedNames(reports: string): ReadonlySet<string> {
  return new Set(
    readdirSync(reports).flatMap((file) =>
      [...readFileSync(join(reports, file), 'utf8').matchAll(/^export (?:abstract )?\w+ (\w+)/gm)].map(
        ([, name]) => name ?? '',
      ),
    ),
  );
}

/** Whether a type that an entry point mentions and does not export can be imported from another one, or needs no import. */
function isHarmless({ messageId, text, sourceFilePath }: ExtractorMessage, importable: ReadonlySet<string>): boolean {
  if (messageId !== 'ae-forgotten-export') return false;
  const [, name = ''] = /^The symbol "(\w+)"/.exec(text) ?? [];
  return importable.has(name) || COMPUTED_TYPES.includes(sourceFilePath ?? '');
}

function describe({ sourceFilePath, sourceFileLine, messageId, text }: ExtractorMessage): string {
  const place = sourceFilePath === undefined ? '' : `${relative(ROOT, sourceFilePath)}:${sourceFileLine}: `;
  return `${place}${text} (${messageId})`;
}

/** Compares the folders `committed` and `current` below `temporary`, where their names are short enough to read in a diff. */
function compareWithCommitted(temporary: string): void {
  const committed = join(temporary, 'committed');
  mkdirSync(committed);
  if (existsSync(REPORTS)) cpSync(REPORTS, committed, { recursive: true });
  const diff = ['diff', '--no-index', '--src-prefix=', '--dst-prefix=', 'committed', 'current'];
  const { status, error } = spawnSync('git', diff, { cwd: temporary, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) {
    throw new Error('The public API differs from the reports in api/. Review the change, then run "npm run api".');
  }
}

try {
  main(process.argv.includes('--check'));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
