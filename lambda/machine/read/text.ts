import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  type CST,
  type ErrorCode,
  type Node,
  type Pair,
} from 'yaml';
import { findJsonError } from './json-error';
import { describeSource, MAX_DEPTH, SizeLimit, TooLargeError, type Source, type SourceEntry } from './source';
import type { ProblemCollector } from '../problem';
import { quote } from '../quote';

/** A machine definition has a few kilobytes, one of ten thousand states about 900. */
const MAX_CHARACTERS = 3_000_000;

/** The YAML parser's tokens: names, punctuation and white space. A machine of ten thousand states has 260,000 to 490,000. */
const MAX_TOKENS = 600_000;

/** The YAML parser's message may quote a line of any length. */
const MAX_REASON = 300;

/** One mistake can cause many syntax errors. */
const MAX_SYNTAX_ERRORS = 20;

/** The format of a definition file. */
export type Format = 'yaml' | 'json';

/**
 * Parses a file's text, and keeps the line of every value. JSON is checked, and then parsed as YAML, of which it is a subset: only the YAML
 * parser records lines and keeps duplicate keys.
 *
 * @returns `undefined` if the text has syntax errors, which are then among the problems
 */
export function parseText(text: string, format: Format, file: string, problems: ProblemCollector): Source | undefined {
  try {
    if (text.length > MAX_CHARACTERS) {
      throw new TooLargeError(`more than ${MAX_CHARACTERS} characters`);
    }
    return format === 'json' && !checkJson(text, file, problems)
      ? undefined
      : withoutStacks(() => parseYaml(text, file, problems));
  } catch (error) {
    if (!(error instanceof TooLargeError)) {
      throw error;
    }
    problems.error(
      { file },
      `The definition is too large: ${error.message}`,
      'Split the file, and avoid aliases that repeat large parts.',
    );
    return undefined;
  }
}

/** The YAML parser makes an Error for each syntax error, of which a text can have hundreds of thousands, and a stack takes kilobytes. */
function withoutStacks<Result>(parse: () => Result): Result {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parse();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function checkJson(text: string, file: string, problems: ProblemCollector): boolean {
  const error = findJsonError(text);
  if (error) {
    problems.error(
      { file, line: error.line, column: error.column },
      `Invalid JSON: ${error.reason}`,
      'Correct the syntax, or rename the file to .yaml if it is YAML.',
    );
  }
  return error === undefined;
}

function parseYaml(text: string, file: string, problems: ProblemCollector): Source | undefined {
  const lines = new LineCounter();
  const tokens = Array.from(parseTokens(text, lines));
  // Duplicate keys are reported when their map is read, with the line of the first one.
  const documents = Array.from(new Composer({ uniqueKeys: false, version: '1.2' }).compose(tokens));
  const errors = documents.flatMap((document) => document.errors);
  const reported = new Set<number>();
  for (const { code, message, pos } of errors) {
    const { line, col: column } = lines.linePos(pos[0]);
    // More errors on one line follow from the first.
    if (reported.size < MAX_SYNTAX_ERRORS && !reported.has(line)) {
      reported.add(line);
      problems.error(
        { file, line, column },
        `Invalid YAML: ${message.slice(0, MAX_REASON)}`,
        YAML_FIXES[code] ?? 'Correct the syntax: check indentation, quotes and brackets.',
      );
    }
  }
  const [document, second] = documents;
  if (second) {
    problems.error(
      { file, line: lines.linePos(second.range[0]).line },
      'The file contains more than one YAML document',
      'Put the machines into one list "machines", or into separate files.',
    );
  }
  if (errors.length > 0 || second) {
    return undefined;
  }
  return document
    ? new Converter(file, lines, problems).convert(document.contents, 0)
    : { kind: 'scalar', value: null };
}

const ONE_KEY_A_LINE =
  'Write one key on each line, indented like its siblings, and quote a value that contains a colon and a space.';

/** Advice on frequent syntax errors, whose messages only say what the parser cannot do. */
const YAML_FIXES: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT:
    'Indent the keys of a map, and the items of a list, by the same number of spaces, and close all brackets.',
  BAD_SCALAR_START: 'Put the value in quotes.',
  BLOCK_AS_IMPLICIT_KEY: ONE_KEY_A_LINE,
  BLOCK_IN_FLOW:
    'Put a value that contains a colon and a space in quotes, and use braces or brackets for nested parts.',
  MISSING_CHAR: 'Add the missing character, and check for an earlier quote or bracket that is not closed.',
  MULTILINE_IMPLICIT_KEY: ONE_KEY_A_LINE,
  TAB_AS_INDENT: 'Indent with spaces.',
};

/**
 * Yields the parser's tokens. The composer is recursive: with a deep tree it overflows the stack, which is fatal to the process inside a
 * regular expression. And each token costs microseconds and hundreds of bytes. So both depth and number are limited here.
 *
 * @throws TooLargeError if the text exceeds a limit
 */
function* parseTokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let tokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++tokens > MAX_TOKENS) {
      throw new TooLargeError(`more than ${MAX_TOKENS} tokens`);
    }
    yield* parser.next(lexeme);
    // A key, its map and the map's content can each be a level of the parser's stack.
    if (parser.stack.length > MAX_DEPTH * 2) {
      throw new TooLargeError(`more than ${MAX_DEPTH} levels of nesting`);
    }
  }
  yield* parser.end();
}

/** Converts the parser's nodes into a {@link Source}, and resolves aliases and merge keys within a size limit. */
class Converter {
  private readonly anchors = new Map<string, Node>();
  private readonly limit = new SizeLimit();
  /** Number of aliases that the current node is in. */
  private aliases = 0;

  constructor(
    private readonly file: string,
    private readonly lines: LineCounter,
    private readonly problems: ProblemCollector,
  ) {}

  public convert(node: Node | null | undefined, depth: number): Source {
    // The text itself limits all other values.
    this.limit.spend(this.aliases > 0 ? 1 : 0, depth);
    if (!node) {
      return { kind: 'scalar', value: null };
    }
    const line = this.lineOf(node);
    if (isAlias(node)) {
      const target = this.anchors.get(node.source);
      if (!target) {
        const name = node.source.slice(0, 100);
        this.problems.error(
          { file: this.file, line },
          `Undefined alias *${name}`,
          `Define the anchor &${name} above it, or correct the name.`,
        );
        return { kind: 'scalar', line, value: null };
      }
      this.aliases += 1;
      const converted = this.convert(target, depth + 1);
      this.aliases -= 1;
      return converted;
    }
    this.refuseTag(node);
    // An anchor inside an aliased part is converted again with it, and still names the same node.
    if (node.anchor !== undefined) {
      this.anchors.set(node.anchor, node);
    }
    if (isMap<Node, Node | null>(node)) {
      return { kind: 'map', line, entries: this.convertEntries(node.items, depth) };
    }
    if (isSeq<Node>(node)) {
      return { kind: 'list', line, items: node.items.map((item) => this.convert(item, depth + 1)) };
    }
    const value: unknown = isScalar(node) ? node.value : undefined;
    return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? { kind: 'scalar', line, value }
      : { kind: 'other', line, description: 'a value that is neither a string, a number nor a boolean' };
  }

  private convertEntries(pairs: readonly Pair<Node, Node | null>[], depth: number): SourceEntry[] {
    const entries: (SourceEntry & { readonly merged: boolean })[] = [];
    for (const { key, value } of pairs) {
      const line = this.lineOf(key);
      if (!isScalar(key)) {
        this.problems.error(
          { file: this.file, line },
          'Invalid key: expected a name',
          'Write `name: value`, and quote a name that contains special characters.',
        );
        continue;
      }
      this.refuseTag(key);
      const converted = this.convert(value, depth + 1);
      if (key.source === '<<' && key.type === 'PLAIN') {
        entries.push(...this.mergedEntries(converted, line).map((entry) => ({ ...entry, merged: true })));
      } else {
        // As in JSON, the keys `1:` and `true:` are strings.
        entries.push({
          key: key.type === 'PLAIN' ? (key.source ?? String(key.value)) : String(key.value),
          line,
          value: converted,
          merged: false,
        });
      }
    }
    const own = new Set(entries.filter((entry) => !entry.merged).map((entry) => entry.key));
    const taken = new Set<string>();
    return entries.filter((entry) => {
      if (!entry.merged) {
        return true;
      }
      const first = !own.has(entry.key) && !taken.has(entry.key);
      taken.add(entry.key);
      return first;
    });
  }

  /** Returns the entries that a merge key `<<` adds: those of a map, or of a list of maps, the first of which takes precedence. */
  private mergedEntries(source: Source, line: number | undefined): readonly SourceEntry[] {
    if (source.kind === 'list') {
      return source.items.flatMap((item) => this.mergedEntries(item, line));
    }
    if (source.kind === 'map') {
      return source.entries;
    }
    this.problems.error(
      { file: this.file, line },
      `Invalid merge key "<<": expected a map, but found ${describeSource(source)}`,
      'Merge the alias of a map, or put the key in quotes.',
    );
    return [];
  }

  /** A tag can change the type of its value, or stand for a class of another language. The parser would ignore a tag that it does not know. */
  private refuseTag(node: Node): void {
    if (isAlias(node) || node.tag === undefined) return;
    this.problems.error(
      { file: this.file, line: this.lineOf(node) },
      `Unsupported YAML tag ${quote(node.tag)}`,
      'Remove the tag: a definition consists of maps, lists, strings, numbers and booleans. A text that looks like a number needs quotes.',
    );
  }

  private lineOf(node: Node): number | undefined {
    return node.range ? this.lines.linePos(node.range[0]).line : undefined;
  }
}
