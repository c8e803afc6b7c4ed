import type { Form } from '../draft';
import { nearest } from '../nearest';
import { enumerate, type Place, type ProblemCollector } from '../problem';
import { quote, UNPRINTABLE } from '../quote';
import { describeSource, type Source, type SourceEntry } from './source';

/**
 * Reads the properties of one map by name and type. An invalid property is reported, and then counts as omitted. A property that is null
 * counts as omitted, too.
 */
export class Fields {
  /** Whether the source is a map. */
  public readonly readable: boolean;
  private readonly entries = new Map<string, SourceEntry>();

  /**
   * @param owner the part of a machine that the map describes, with its article: `a state`
   * @param known the names of its properties
   * @param form in the fsm.yaml dialect, an unknown property that resembles no known one is only a warning: aws-lambda-fsm-workflows
   * ignores it
   */
  constructor(
    source: Source,
    private readonly owner: string,
    known: readonly string[],
    private readonly place: Place,
    private readonly problems: ProblemCollector,
    form: Form = 'native',
  ) {
    this.readable = source.kind === 'map';
    if (source.kind !== 'map') {
      problems.error(
        place,
        `Expected ${owner}, but found ${describeSource(source)}`,
        `Write a map with ${propertiesOf(known)}.`,
      );
      return;
    }
    const misspelled = new Map<string, SourceEntry>();
    for (const entry of source.entries) {
      const at = this.at(entry);
      const earlier = this.entries.get(entry.key);
      if (!known.includes(entry.key)) {
        const meant = nearest(entry.key, known);
        const fix =
          meant === undefined ? `Remove it: ${owner} has ${propertiesOf(known)}.` : `Did you mean ${quote(meant)}?`;
        const report = form === 'native' || meant !== undefined ? problems.error : problems.warning;
        report.call(problems, at, `Unknown property ${quote(entry.key)}`, fix);
        if (meant !== undefined) misspelled.set(meant, entry);
      } else if (earlier) {
        const first = earlier.line === undefined ? '' : `, first defined on line ${earlier.line}`;
        problems.error(at, `Duplicate property ${quote(entry.key)}${first}`, 'Remove one of them.');
      } else {
        this.entries.set(entry.key, entry);
      }
    }
    // One typo is one problem: the property is not reported as missing, too.
    for (const [meant, entry] of misspelled) {
      if (!this.entries.has(meant)) this.entries.set(meant, entry);
    }
  }

  /** Returns the value of a property, of any type. */
  public value(key: string): Source | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || isNull(entry.value) ? undefined : entry.value;
  }

  /** Returns the place of a property; the place of the map if it is omitted. */
  public placeOf(key: string): Place {
    const entry = this.entries.get(key);
    return entry ? this.at(entry) : this.place;
  }

  /** Reads a string. */
  public text(key: string): string | undefined {
    const value = this.value(key);
    if (value?.kind === 'scalar' && typeof value.value === 'string') {
      return value.value;
    }
    return (
      value && this.refuse(key, value, 'a string', value.kind === 'scalar' ? 'Put it in quotes.' : 'Write one name.')
    );
  }

  /** Reads the name of an action. */
  public actionName(key: string): string | undefined {
    const name = this.text(key);
    return name !== undefined && checkName('action', name, this.placeOf(key), this.problems) ? name : undefined;
  }

  /** Reads a number from `min` to `max`. */
  public number(key: string, min: number, max: number): number | undefined {
    const value = this.numeric(key);
    return value === undefined || (value >= min && value <= max)
      ? value
      : this.refuseNumber(key, value, `a number from ${min} to ${max}`);
  }

  /** Reads an integer of at least `min` and, if given, at most `max`. */
  public integer(key: string, min: number, max?: number): number | undefined {
    const value = this.numeric(key);
    return value === undefined || (Number.isSafeInteger(value) && value >= min && value <= (max ?? Infinity))
      ? value
      : this.refuseNumber(
          key,
          value,
          max === undefined ? `an integer of ${min} or more` : `an integer from ${min} to ${max}`,
        );
  }

  /** Reads a boolean. */
  public flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value?.kind === 'scalar' && typeof value.value === 'boolean') {
      return value.value;
    }
    return value && this.refuse(key, value, 'true or false', 'Write true or false without quotes.');
  }

  /** Reports a property of the wrong type, which then counts as omitted. */
  public refuse(key: string, value: Source, expected: string, fix: string): undefined {
    this.problems.error(
      this.placeOf(key),
      `Invalid ${quote(key)}: expected ${expected}, but found ${describeSource(value)}`,
      fix,
    );
    return undefined;
  }

  /** Reports required properties that are omitted. */
  public require(...keys: readonly string[]): void {
    for (const key of keys) {
      if (this.readable && this.value(key) === undefined) {
        this.problems.error(
          this.placeOf(key),
          `Missing property ${quote(key)}`,
          `Add it: ${this.owner} requires ${enumerate(keys, 'and')}.`,
        );
      }
    }
  }

  private numeric(key: string): number | undefined {
    const value = this.value(key);
    if (value?.kind === 'scalar' && typeof value.value === 'number') {
      return value.value;
    }
    return value && this.refuse(key, value, 'a number', 'Write a number without quotes.');
  }

  private refuseNumber(key: string, value: number, expected: string): undefined {
    this.problems.error(this.placeOf(key), `Invalid ${quote(key)}: ${value}`, `Write ${expected}.`);
    return undefined;
  }

  private at(entry: SourceEntry): Place {
    return entry.line === undefined ? this.place : { ...this.place, line: entry.line };
  }
}

/** Reads a string from a map before its properties are checked, to locate their problems. */
export function peekText(source: Source, key: string): string | undefined {
  const found = source.kind === 'map' ? source.entries.find((entry) => entry.key === key)?.value : undefined;
  return found?.kind === 'scalar' && typeof found.value === 'string' && found.value !== '' ? found.value : undefined;
}

/**
 * Reports a name that is not allowed.
 *
 * @returns whether the name is allowed
 */
export function checkName(
  kind: 'machine' | 'state' | 'event' | 'action',
  name: string,
  place: Place,
  problems: ProblemCollector,
): boolean {
  const fault = faultOf(kind, name);
  if (fault !== undefined) {
    problems.error(place, `Invalid ${kind} name ${quote(name)}: ${fault}`, 'Choose another name.');
  }
  return fault === undefined;
}

function faultOf(kind: string, name: string): string | undefined {
  if (name === '' || name.length > MAX_NAME_LENGTH) {
    return `expected 1 to ${MAX_NAME_LENGTH} characters`;
  }
  if (name.trim() !== name) {
    return 'expected no space at its start or end';
  }
  if (name.search(UNPRINTABLE) >= 0) {
    return 'expected no line breaks, control or format characters, or unpaired surrogates';
  }
  if (kind !== 'action' && name.startsWith('$')) {
    return 'names that begin with "$" are reserved for the engine';
  }
  // A JavaScript object literal cannot have this property, so no definition in TypeScript could use the name.
  return name === '__proto__' ? 'JavaScript reserves this name' : undefined;
}

/** CloudWatch limits the value of a dimension to 255 characters, and metrics have machine and state names as dimensions. */
const MAX_NAME_LENGTH = 255;

function propertiesOf(known: readonly string[]): string {
  return `the ${known.length === 1 ? 'property' : 'properties'} ${enumerate(known, 'and')}`;
}

function isNull(source: Source): boolean {
  return source.kind === 'scalar' && source.value === null;
}
