import { readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type { Machine } from './definition';
import type { DraftMachine } from './draft';
import { nearest } from './nearest';
import { normalizeDraft } from './normalize';
import { ProblemCollector, throwOnErrors, type Place, type Problem } from './problem';
import { Fields, peekText } from './read/fields';
import { readFsmYaml } from './read/fsm-yaml';
import { readNativeForm } from './read/native-form';
import { describeSource, type Source, type SourceMap } from './read/source';
import { parseText, type Format } from './read/text';
import { checkMachine, checkMachineNames } from './rules';

/** The machines of a definition file. */
export interface LoadedMachines {
  /** The machines of the file and of its imports, in the order in which the file lists them. */
  readonly machines: readonly Machine[];
  /** Problems that do not prevent the machines from being used. */
  readonly warnings: readonly Problem[];
}

/**
 * Loads the machines of a YAML (`.yaml`, `.yml`) or JSON (`.json`) file and of all files that it imports.
 *
 * A file contains either one machine in the form of `MachineInput`, or a list `machines`. Each item of the list is a machine in the form of
 * `MachineInput`, a machine in the fsm.yaml dialect of aws-lambda-fsm-workflows, or an import: `import: other.yaml`. The path of an import is
 * relative to the importing file; if no such file exists, to the nearest parent directory in which one does. (aws-lambda-fsm-workflows
 * resolves imports against its working directory.)
 *
 * @throws InvalidDefinitionError if a file has errors; it lists all problems of all files
 */
export function loadMachineFile(file: string): LoadedMachines {
  const loader = new Loader();
  loader.load(file);
  return loader.finish();
}

/**
 * Loads the machines of a YAML text, as {@link loadMachineFile} loads those of a file.
 *
 * @param file path of the text, for messages and for relative imports
 * @throws InvalidDefinitionError if the text or an imported file has errors; it lists all problems
 */
export function loadYaml(text: string, file: string): LoadedMachines {
  const loader = new Loader();
  loader.read(text, 'yaml', file);
  return loader.finish();
}

const FORMATS = new Map<string, Format>([
  ['.yaml', 'yaml'],
  ['.yml', 'yaml'],
  ['.json', 'json'],
]);

class Loader {
  private readonly problems = new ProblemCollector();
  private readonly drafts: DraftMachine[] = [];
  /** Absolute paths of the files read so far. Problems are listed in this order. */
  private readonly files = new Set<string>();
  /** The files being read, each imported by the one before. */
  private readonly chain: string[] = [];

  public load(file: string, importedAt?: Place): void {
    const format = FORMATS.get(path.extname(file).toLowerCase());
    if (!format) {
      this.problems.error(
        importedAt ?? { file },
        `Unsupported file type: ${file}`,
        'Use a file with the extension .yaml, .yml or .json.',
      );
      return;
    }
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const fix = importedAt ? 'Correct the import.' : 'Correct the path.';
      this.problems.error(importedAt ?? { file }, describeReadError(path.resolve(file), error), fix);
      return;
    }
    this.read(text, format, file);
  }

  public read(text: string, format: Format, file: string): void {
    this.files.add(path.resolve(file));
    this.chain.push(file);
    const source = parseText(text.replace(/^\uFEFF/, ''), format, file, this.problems);
    if (source) {
      this.readFile(source, file);
    }
    this.chain.pop();
  }

  public finish(): LoadedMachines {
    for (const draft of this.drafts) {
      checkMachine(draft, this.problems);
    }
    checkMachineNames(this.drafts, this.problems);
    const problems = this.inOrder(this.problems.all);
    throwOnErrors(problems);
    return { machines: this.drafts.map(normalizeDraft), warnings: problems };
  }

  private readFile(source: Source, file: string): void {
    const place: Place = { file, line: source.line };
    if (source.kind !== 'map' || source.entries.length === 0) {
      this.problems.error(
        place,
        `Expected a machine, but found ${describeSource(source)}`,
        'Write one machine with "name", "initial" and "states", or a list "machines".',
      );
      return;
    }
    if (!hasKey(source, 'machines')) {
      this.drafts.push(readNativeForm(source, file, this.problems));
      return;
    }
    // Authors keep anchors of shared parts in entries that begin with x-.
    const entries = source.entries.filter(({ key }) => !key.startsWith('x-'));
    const fields = new Fields(
      { ...source, entries },
      'a file of machines',
      ['machines'],
      place,
      this.problems,
      'fsm.yaml',
    );
    const machines = fields.value('machines');
    if (machines?.kind !== 'list' || machines.items.length === 0) {
      this.problems.error(
        fields.placeOf('machines'),
        'Invalid "machines": expected a list of at least one machine',
        'Write a list with one item for each machine.',
      );
      return;
    }
    for (const item of machines.items) {
      this.readItem(item, file);
    }
  }

  private readItem(item: Source, file: string): void {
    if (item.kind === 'map' && hasKey(item, 'import')) {
      this.readImport(item, file);
    } else if (item.kind === 'map' && isFsmYaml(item)) {
      this.drafts.push(readFsmYaml(item, file, this.problems));
    } else {
      this.drafts.push(readNativeForm(item, file, this.problems));
    }
  }

  private readImport(item: SourceMap, importer: string): void {
    const fields = new Fields(
      item,
      'an import',
      ['import'],
      { file: importer, line: item.line },
      this.problems,
      'fsm.yaml',
    );
    fields.require('import');
    const imported = fields.text('import');
    if (imported === undefined) {
      return;
    }
    const place = fields.placeOf('import');
    const file = resolveImport(imported, importer);
    const cycle = this.chain.findIndex((open) => path.resolve(open) === path.resolve(file));
    if (cycle >= 0) {
      this.problems.error(
        place,
        `Circular import: ${[...this.chain.slice(cycle), file].join(' -> ')}`,
        'Remove one of the imports.',
      );
    } else if (!this.files.has(path.resolve(file))) {
      this.load(file, place);
    }
  }

  /** Sorts problems by file and line. */
  private inOrder(problems: readonly Problem[]): Problem[] {
    const order = [...this.files];
    const rank = ({ file }: Problem): number => (file === undefined ? -1 : order.indexOf(path.resolve(file)));
    return [...problems].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
  }
}

/** Whether a map has a key, or a misspelled form of it, which is then reported as a misspelling. */
function hasKey(map: SourceMap, name: string): boolean {
  return map.entries.some(({ key }) => key === name || nearest(key, [name]) !== undefined);
}

/** The fsm.yaml dialect has a list of states. The form of a machine without states follows from its other properties. */
function isFsmYaml(machine: SourceMap): boolean {
  const states = machine.entries.find(({ key }) => key === 'states')?.value;
  return states?.kind === 'list' || (states?.kind !== 'map' && peekText(machine, 'initial') === undefined);
}

/** Resolves an import against the directory of the importing file, or the nearest parent directory that contains the imported file. */
function resolveImport(imported: string, importer: string): string {
  const beside = path.join(path.dirname(importer), imported);
  if (path.isAbsolute(imported)) {
    return imported;
  }
  const root = path.parse(path.resolve(importer)).root;
  for (let directory = path.dirname(importer); ; directory = path.join(directory, '..')) {
    const candidate = path.join(directory, imported);
    if (isFile(candidate)) {
      return candidate;
    }
    if (path.resolve(directory) === root) {
      return beside;
    }
  }
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Describes why a file cannot be read. In a test runner's sandbox, the error is not an instance of this realm's Error. */
function describeReadError(file: string, error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' ? `The file ${file} does not exist` : `Cannot read the file ${file} (${String(error)})`;
}
