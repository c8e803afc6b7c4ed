import type { Form } from '../draft';
import { nearest } from '../nearest';
import { enumerate, quote, type Findings, type Place } from '../problem';
import { whatIs, type Source, type SourceEntry } from './source';

/**
 * Reads the properties of one map of a definition by name and type. Whatever is wrong with them goes to the findings, and the property then
 * counts as left out; so does one that is null.
 */
export class Fields {
  /** Whether there is a map at all. */
  public readonly readable: boolean;
  private readonly entries = new Map<string, SourceEntry>();

  /**
   * @param what the thing that the map describes, with its article: `a state`
   * @param known the properties that it has
   * @param form in the fsm.yaml dialect, a property that nobody could mean is only a warning: its system ignores them
   */
  constructor(source: Source, what: string, known: readonly string[], private readonly place: Place, private readonly findings: Findings, form: Form = 'own') {
    this.readable = source.kind === 'map';
    if (source.kind !== 'map') {
      findings.error(place, `Instead of ${what} there is ${whatIs(source)}`, `Write a map with the properties ${enumerate(known, 'and')}.`);
      return;
    }
    for (const entry of source.entries) {
      const at = this.at(entry);
      const earlier = this.entries.get(entry.key);
      if (!known.includes(entry.key)) {
        const meant = nearest(entry.key, known);
        const fix = meant === undefined ? `Remove it; the properties of ${what} are ${enumerate(known, 'and')}.` : `Did you mean ${quote(meant)}?`;
        const report = form === 'own' || meant !== undefined ? findings.error : findings.warning;
        report.call(findings, at, `Unknown property ${quote(entry.key)}`, fix);
      } else if (earlier) {
        findings.error(at, `Property ${quote(entry.key)} is there twice${lineOf(earlier)}`, 'Keep one of them.');
      } else {
        this.entries.set(entry.key, entry);
      }
    }
  }

  /** The value of a property, whatever it is. */
  public value(key: string): Source | undefined {
    const entry = this.entries.get(key);
    return entry === undefined || isNull(entry.value) ? undefined : entry.value;
  }

  /** Where a property is. */
  public placeOf(key: string): Place {
    const entry = this.entries.get(key);
    return entry ? this.at(entry) : this.place;
  }

  /** A property that must be text. */
  public text(key: string): string | undefined {
    const value = this.value(key);
    if (value?.kind === 'scalar' && typeof value.value === 'string') {
      return value.value;
    }
    return value && this.refuse(key, value, 'text', value.kind === 'scalar' ? 'Put it in quotes.' : 'Write one name.');
  }

  /** The name of an action. */
  public actionName(key: string): string | undefined {
    const name = this.text(key);
    return name !== undefined && isName('action', name, this.placeOf(key), this.findings) ? name : undefined;
  }

  /** A property that must be a number. */
  public number(key: string): number | undefined {
    const value = this.value(key);
    if (value?.kind === 'scalar' && typeof value.value === 'number') {
      return value.value;
    }
    return value && this.refuse(key, value, 'a number', 'Write a number without quotes.');
  }

  /** A property that must be true or false. */
  public flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value?.kind === 'scalar' && typeof value.value === 'boolean') {
      return value.value;
    }
    return value && this.refuse(key, value, 'true or false', 'Write true or false without quotes.');
  }

  /** Reports a property of the wrong type, which then counts as left out. */
  public refuse(key: string, value: Source, expected: string, fix: string): undefined {
    this.findings.error(this.placeOf(key), `${quote(key)} must be ${expected}, but is ${whatIs(value)}`, fix);
    return undefined;
  }

  /** Reports properties that are needed and left out. */
  public need(...keys: readonly string[]): void {
    for (const key of keys) {
      if (this.readable && this.value(key) === undefined) {
        this.findings.error(this.placeOf(key), `${quote(key)} is missing`, 'Add it.');
      }
    }
  }

  private at(entry: SourceEntry): Place {
    return entry.line === undefined ? this.place : { ...this.place, line: entry.line };
  }
}

/** The text of a property before its map is read, for the places of what is found in it. */
export function peekText(source: Source, key: string): string | undefined {
  const found = source.kind === 'map' ? source.entries.find((entry) => entry.key === key)?.value : undefined;
  return found?.kind === 'scalar' && typeof found.value === 'string' && found.value !== '' ? found.value : undefined;
}

/** Reports a number of retries that is none, and then counts it as left out. */
export function checkMaxRetries(value: number | undefined, place: Place, findings: Findings): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) {
    return value;
  }
  findings.error(place, `The number of retries is ${value}`, 'Write an integer of 0 or more.');
  return undefined;
}

/** Reports a name that cannot be one. */
export function isName(kind: 'machine' | 'state' | 'event' | 'action', name: string, place: Place, findings: Findings): boolean {
  const fault = faultOf(kind, name);
  if (fault !== undefined) {
    findings.error(place, `The name ${quote(name)} of ${kind === 'event' || kind === 'action' ? 'an' : 'a'} ${kind} ${fault}`, 'Choose another name.');
  }
  return fault === undefined;
}

function faultOf(kind: string, name: string): string | undefined {
  if (name === '') {
    return 'is empty';
  }
  if (name.trim() !== name) {
    return 'begins or ends with a space';
  }
  if (/\p{Cc}|\p{Zl}|\p{Zp}|\p{Cs}/u.test(name)) {
    return 'has a character in it that cannot be written on one line';
  }
  // The limit of a dimension's value in CloudWatch, where machine and state names go.
  if (name.length > MAX_NAME_LENGTH) {
    return `is longer than ${MAX_NAME_LENGTH} characters`;
  }
  if (kind !== 'action' && name.startsWith('$')) {
    return 'begins with $, which is kept for the events of the engine itself';
  }
  // A JavaScript object literal cannot have such a property, so no action and no state could be written under this name.
  return name === '__proto__' ? 'means something else to JavaScript' : undefined;
}

const MAX_NAME_LENGTH = 255;

function isNull(source: Source): boolean {
  return source.kind === 'scalar' && source.value === null;
}

function lineOf(entry: SourceEntry): string {
  return entry.line === undefined ? '' : `, first in line ${entry.line}`;
}
