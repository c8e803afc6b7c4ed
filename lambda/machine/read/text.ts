import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, Parser, type CST, type Node, type Pair } from 'yaml';
import type { Findings } from '../problem';
import { Budget, MAX_DEPTH, TooLargeError, whatIs, type Source, type SourceEntry } from './source';

/** Machine definitions are a few kilobytes; one of a thousand states has some 300. */
const MAX_CHARACTERS = 1_000_000;

/** What the YAML parser takes apart: names, marks and the space between. A machine of a thousand states has about 100,000. */
const MAX_LEXEMES = 200_000;

/** What the parser says may quote the line. */
const MAX_REASON = 300;

/** What stands in a file that can hold machine definitions. */
export type Format = 'yaml' | 'json';

/**
 * Parses a file's text, with the line of every value. JSON is parsed as the YAML that it also is: only that parser knows lines and keeps
 * keys that are there twice.
 *
 * @returns undefined when there are errors, which are then among the findings
 */
export function parseText(text: string, format: Format, file: string, findings: Findings): Source | undefined {
  try {
    if (text.length > MAX_CHARACTERS) {
      throw new TooLargeError(`of more than ${MAX_CHARACTERS} characters`);
    }
    return format === 'json' && !isJson(text, file, findings) ? undefined : parseYaml(text, file, findings);
  } catch (error) {
    if (!(error instanceof TooLargeError)) {
      throw error;
    }
    findings.error({ file }, `The file holds a definition ${error.message}`, 'Write the machine out without anchors that repeat themselves, or split the file.');
    return undefined;
  }
}

function isJson(text: string, file: string, findings: Findings): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const reason = String(error).replace('SyntaxError: ', '');
    const position = /position (\d+)/.exec(reason);
    const line = position ? text.slice(0, Number(position[1])).split('\n').length : undefined;
    findings.error({ file, line }, `This is no JSON (${reason})`, 'Correct the syntax, or name the file .yaml if it is YAML.');
    return false;
  }
}

function parseYaml(text: string, file: string, findings: Findings): Source | undefined {
  const lines = new LineCounter();
  const tokens = Array.from(parseTokens(text, lines));
  // Keys that are there twice are found, with better words than the parser's, when their map is read.
  const documents = Array.from(new Composer({ uniqueKeys: false, version: '1.2' }).compose(tokens));
  const errors = documents.flatMap((document) => document.errors);
  for (const error of errors.slice(0, 20)) {
    findings.error({ file, line: lines.linePos(error.pos[0]).line }, `This is no YAML (${error.message.slice(0, MAX_REASON)})`, 'Correct the syntax; mind the indentation.');
  }
  const [document, second] = documents;
  if (second) {
    findings.error({ file, line: lines.linePos(second.range[0]).line }, 'The file has more than one YAML document', 'Put the machines into one list, or into several files.');
  }
  if (errors.length > 0 || second) {
    return undefined;
  }
  return document ? new Converter(file, lines, findings).convert(document.contents, 0) : { kind: 'scalar', value: null };
}

/**
 * The parser's tokens. Each lexeme costs it microseconds and hundreds of bytes, the more the deeper it is nested. And the composer, which
 * is recursive, would overflow the stack, which inside a regular expression is fatal to the process. So both are measured on the way.
 *
 * @throws TooLargeError
 */
function* parseTokens(text: string, lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > MAX_LEXEMES) {
      throw new TooLargeError(`of more than ${MAX_LEXEMES} words and marks`);
    }
    yield* parser.next(lexeme);
    // A key, its map and what is in it can each be a level of their own.
    if (parser.stack.length > MAX_DEPTH * 2) {
      throw new TooLargeError(`nested more than ${MAX_DEPTH} levels deep`);
    }
  }
  yield* parser.end();
}

/** Turns the parser's nodes into a {@link Source}: aliases and merge keys are resolved, within a budget. */
class Converter {
  private readonly anchors = new Map<string, Node>();
  private readonly budget = new Budget();

  constructor(private readonly file: string, private readonly lines: LineCounter, private readonly findings: Findings) {
  }

  public convert(node: Node | null | undefined, depth: number): Source {
    this.budget.spend(1, depth);
    if (!node) {
      return { kind: 'scalar', value: null };
    }
    const line = this.lineOf(node);
    if (isAlias(node)) {
      const target = this.anchors.get(node.source);
      if (!target) {
        const name = node.source.slice(0, 100);
        this.findings.error({ file: this.file, line }, `There is no anchor &${name} before this *${name}`, 'Define the anchor first, or correct its name.');
        return { kind: 'scalar', line, value: null };
      }
      return this.convert(target, depth + 1);
    }
    // An anchor names the same node, however often its surroundings are repeated.
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
      : { kind: 'other', line, what: 'a value that is neither text, number nor boolean' };
  }

  private convertEntries(pairs: readonly Pair<Node, Node | null>[], depth: number): SourceEntry[] {
    const entries: (SourceEntry & { readonly merged: boolean })[] = [];
    for (const { key, value } of pairs) {
      const line = this.lineOf(key);
      if (!isScalar(key)) {
        this.findings.error({ file: this.file, line }, 'A key must be a plain name', 'Write `name: value`; put a name with special characters in quotes.');
        continue;
      }
      const converted = this.convert(value, depth + 1);
      if (key.source === '<<' && key.type === 'PLAIN') {
        entries.push(...this.mergedEntries(converted, line).map((entry) => ({ ...entry, merged: true })));
      } else {
        // `1:` and `true:` are keys by what is written, as they are in JSON.
        entries.push({ key: key.type === 'PLAIN' ? key.source ?? String(key.value) : String(key.value), line, value: converted, merged: false });
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

  /** The entries that a merge key `<<` brings in: those of a map, or of a list of maps of which the first wins. */
  private mergedEntries(source: Source, line: number | undefined): readonly SourceEntry[] {
    if (source.kind === 'list') {
      return source.items.flatMap((item) => this.mergedEntries(item, line));
    }
    if (source.kind === 'map') {
      return source.entries;
    }
    this.findings.error({ file: this.file, line }, `The merge key << stands before ${whatIs(source)}`, 'Give it the alias of a map, or put the key in quotes.');
    return [];
  }

  private lineOf(node: Node): number | undefined {
    return node.range ? this.lines.linePos(node.range[0]).line : undefined;
  }
}
