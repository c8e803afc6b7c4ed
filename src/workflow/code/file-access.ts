import * as path from 'node:path';

interface Access {
  readonly pattern: RegExp;
  readonly what: string;
  /** Whether to ignore it in packages, most of which do so only in tools that never run in Lambda. */
  readonly onlyOwn?: true;
}

/** Code that finds a file next to itself, or in the working directory. The bundle moves the code, but not the file. */
const ACCESSES: readonly Access[] = [
  { pattern: /\bnew (?:\w+\.)?Worker\(/, what: 'starts a worker from a file' },
  { pattern: /\bfork\)?\(/, what: 'starts a process from a file', onlyOwn: true },
  {
    pattern: /\bimport\.meta\.(?:dirname|filename|url)\b|\b__(?:dirname|filename)\b/,
    what: 'finds files next to its own',
  },
  { pattern: /\brequire\.resolve\(/, what: 'finds a module at run time' },
  {
    pattern:
      /\b(?:readFile|readFileSync|readdir|readdirSync|createReadStream|openSync)\)?\(\s*["'`](?!\/)|\bprocess\.cwd\(/,
    what: 'reads files from the working directory',
    onlyOwn: true,
  },
];

const PACKAGES = 'node_modules/';

/** The banner of the bundle, and the usual way of an ES module to define `require`. */
const HARMLESS = /createRequire\w*\)?\(import\.meta\.(?:url|filename)\)/g;

/**
 * Finds bundled code that reads files, starts workers or loads modules from paths next to its source: the bundle contains the code alone.
 *
 * @param code the bundle, with the comments that name the source of each part
 * @param inputs the sources of the bundle, as the comments name them
 * @param copiesFiles whether hooks may copy the files
 * @returns one warning for each source, or for all sources of a package
 */
export function findFileAccess(
  code: string,
  inputs: readonly string[],
  directory: string,
  copiesFiles: boolean,
): readonly string[] {
  if (copiesFiles) return [];
  const sources = new Set(inputs);
  const found = new Map<string, Set<string>>();
  let source: string | undefined;
  for (const line of code.split('\n')) {
    const [, named] = /^\s*\/\/ (.+)$/.exec(line) ?? [];
    if (named !== undefined && sources.has(named)) {
      source = named;
      continue;
    }
    if (source === undefined) continue;
    const text = line.replace(HARMLESS, '');
    const isPackage = source.includes(PACKAGES);
    for (const { pattern, what, onlyOwn } of ACCESSES) {
      if ((onlyOwn && isPackage) || !pattern.test(text)) continue;
      const owner = ownerOf(source, directory);
      found.set(owner, (found.get(owner) ?? new Set()).add(what));
      break;
    }
  }
  return [...found].map(
    ([owner, accesses]) =>
      `actions: ${owner} ${[...accesses].join(', and ')}, which the bundle does not contain. ` +
      'Copy the files with bundling.commandHooks, keep a package unbundled with bundling.nodeModules, or import the file with a bundling.loader.',
  );
}

/** The package of a source, or the file if it belongs to none. */
function ownerOf(source: string, directory: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? [];
  return name === undefined ? path.resolve(directory, source) : `package "${name}"`;
}
