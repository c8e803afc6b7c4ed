import { readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type { Machine } from './definition';
import type { DraftMachine } from './draft';
import { normalizeDraft } from './normalize';
import { Findings, refuseErrors, type Place, type Problem } from './problem';
import { Fields, peekText } from './read/fields';
import { readFsmYaml } from './read/fsm-yaml';
import { readOwnForm } from './read/own-form';
import { whatIs, type Source, type SourceMap } from './read/source';
import { parseText, type Format } from './read/text';
import { checkMachine, checkMachineNames } from './rules';

/** What a file of definitions holds. */
export interface LoadedMachines {
  /** The machines of the file and of all that it imports, in that order. */
  readonly machines: readonly Machine[];
  /** What is odd, but can be used. */
  readonly warnings: readonly Problem[];
}

/**
 * Loads the machines of a YAML (`.yaml`, `.yml`) or JSON (`.json`) file and of all files that it imports.
 *
 * A file holds one machine in the form of `MachineInput`, or a list `machines` of such machines, of machines in the fsm.yaml dialect of
 * aws-lambda-fsm-workflows, and of `import: other.yaml`. An import is relative to the file that it is in; if there is no such file, to the
 * nearest directory above it where there is one (the reference system looks in the directory in which it was started).
 *
 * @throws InvalidDefinitionError with all problems of all files, if there is an error among them
 */
export function loadMachineFile(file: string): LoadedMachines {
  const loader = new Loader();
  loader.load(file);
  return loader.finish();
}

/**
 * Loads the machines of a YAML text, as {@link loadMachineFile} does.
 *
 * @param file the name of the text in messages; imports are relative to it
 * @throws InvalidDefinitionError with all problems, if there is an error among them
 */
export function loadYaml(text: string, file: string): LoadedMachines {
  const loader = new Loader();
  loader.read(text, 'yaml', file);
  return loader.finish();
}

const FORMATS = new Map<string, Format>([['.yaml', 'yaml'], ['.yml', 'yaml'], ['.json', 'json']]);

class Loader {
  private readonly findings = new Findings();
  private readonly drafts: DraftMachine[] = [];
  /** The files that were read, by absolute path, in the order in which problems are shown. */
  private readonly files = new Set<string>();
  /** The files that are being read, each imported by the one before. */
  private readonly chain: string[] = [];

  public load(file: string, importedAt?: Place): void {
    const format = FORMATS.get(path.extname(file).toLowerCase());
    if (!format) {
      this.findings.error(importedAt ?? { file }, `The file ${file} is neither YAML nor JSON`, 'Give a file whose name ends with .yaml, .yml or .json.');
      return;
    }
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const fix = importedAt ? 'Correct the import.' : 'Correct the path.';
      this.findings.error(importedAt ?? { file }, `The file ${path.resolve(file)} ${reasonOf(error)}`, fix);
      return;
    }
    this.read(text, format, file);
  }

  public read(text: string, format: Format, file: string): void {
    this.files.add(path.resolve(file));
    this.chain.push(file);
    const source = parseText(text.replace(/^\uFEFF/, ''), format, file, this.findings);
    if (source) {
      this.readFile(source, file);
    }
    this.chain.pop();
  }

  public finish(): LoadedMachines {
    for (const draft of this.drafts) {
      checkMachine(draft, this.findings);
    }
    checkMachineNames(this.drafts, this.findings);
    const problems = this.inOrder(this.findings.problems);
    refuseErrors(problems);
    return { machines: this.drafts.map(normalizeDraft), warnings: problems };
  }

  private readFile(source: Source, file: string): void {
    const place: Place = { file, line: source.line };
    if (source.kind !== 'map' || source.entries.length === 0) {
      this.findings.error(place, `The file holds ${whatIs(source)} instead of a machine`, 'Write a machine, or a list "machines".');
      return;
    }
    if (!source.entries.some(({ key }) => key === 'machines')) {
      this.drafts.push(readOwnForm(source, file, this.findings));
      return;
    }
    // Entries that begin with x- are for authors: a place to put the anchors of parts that are used more than once.
    const entries = source.entries.filter(({ key }) => !key.startsWith('x-'));
    const fields = new Fields({ ...source, entries }, 'a file of machines', ['machines'], place, this.findings, 'fsm.yaml');
    const machines = fields.value('machines');
    if (machines?.kind !== 'list' || machines.items.length === 0) {
      this.findings.error(fields.placeOf('machines'), '"machines" must be a list of machines', 'Put a dash before each machine.');
      return;
    }
    for (const item of machines.items) {
      this.readItem(item, file);
    }
  }

  private readItem(item: Source, file: string): void {
    if (item.kind === 'map' && item.entries.some(({ key }) => key === 'import')) {
      this.readImport(item, file);
    } else if (item.kind === 'map' && isFsmYaml(item)) {
      this.drafts.push(readFsmYaml(item, file, this.findings));
    } else {
      this.drafts.push(readOwnForm(item, file, this.findings));
    }
  }

  private readImport(item: SourceMap, importer: string): void {
    const fields = new Fields(item, 'an import', ['import'], { file: importer, line: item.line }, this.findings, 'fsm.yaml');
    fields.need('import');
    const imported = fields.text('import');
    if (imported === undefined) {
      return;
    }
    const place = fields.placeOf('import');
    const file = resolveImport(imported, importer);
    const cycle = this.chain.findIndex((open) => path.resolve(open) === path.resolve(file));
    if (cycle >= 0) {
      this.findings.error(place, `The files import each other: ${[...this.chain.slice(cycle), file].join(' -> ')}`, 'Remove one of the imports.');
    } else if (!this.files.has(path.resolve(file))) {
      this.load(file, place);
    }
  }

  /** File by file and line by line. */
  private inOrder(problems: readonly Problem[]): Problem[] {
    const order = [...this.files];
    const rank = ({ file }: Problem): number => file === undefined ? -1 : order.indexOf(path.resolve(file));
    return [...problems].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
  }
}

/** In the fsm.yaml dialect the states are a list; a machine without states shows its form by its other properties. */
function isFsmYaml(machine: SourceMap): boolean {
  const states = machine.entries.find(({ key }) => key === 'states')?.value;
  return states?.kind === 'list' || (states?.kind !== 'map' && peekText(machine, 'initial') === undefined);
}

/** The imported file beside the importing one, or in the nearest directory above it. */
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

/** Why a file cannot be read. The error may come from another realm than this code, as it does in a test runner's sandbox. */
function reasonOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(error)})`;
}
