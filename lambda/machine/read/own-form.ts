import type { Backoff } from '../definition';
import type { DraftMachine, DraftState, DraftTimeout, DraftTransition } from '../draft';
import { quote, type Findings, type Place } from '../problem';
import { checkMaxRetries, Fields, isName, peekText } from './fields';
import { whatIs, type Source, type SourceEntry } from './source';

const MACHINE = ['name', 'initial', 'maxRetries', 'backoff', 'states'];
const STATE = ['final', 'entry', 'do', 'exit', 'on', 'maxRetries', 'backoff', 'catch', 'timeout'];
const TRANSITION = ['target', 'action', 'local'];
const CATCH_TRANSITION = ['target', 'action'];
const BACKOFF = ['baseSeconds', 'capSeconds'];
const TIMEOUT = ['seconds', 'event'];

/** Longest wait that may be asked for, in seconds: a year. */
const MAX_SECONDS = 31_536_000;

/** Reads a machine in the library's own form, whose states are a map. */
export function readOwnForm(source: Source, file: string | undefined, findings: Findings): DraftMachine {
  const place: Place = { machine: peekText(source, 'name'), file, line: source.line };
  const fields = new Fields(source, 'a machine', MACHINE, place, findings);
  fields.need('name', 'initial', 'states');
  const name = fields.text('name') ?? '';
  if (fields.value('name')) {
    isName('machine', name, fields.placeOf('name'), findings);
  }
  const initial = fields.text('initial');
  return {
    form: 'own',
    place,
    name,
    initial: initial === undefined ? [] : [{ name: initial, place: fields.placeOf('initial') }],
    states: fields.value('states') && entriesOf(fields, 'states')?.map((entry) => readState(entry, place, findings)),
    maxRetries: checkMaxRetries(fields.number('maxRetries'), fields.placeOf('maxRetries'), findings),
    backoff: readBackoff(fields, findings),
  };
}

function readState(entry: SourceEntry, machine: Place, findings: Findings): DraftState {
  const place: Place = { ...machine, state: entry.key, line: entry.line ?? machine.line };
  isName('state', entry.key, place, findings);
  const fields = new Fields(entry.value, 'a state', STATE, place, findings);
  const caught = fields.value('catch');
  return {
    place,
    name: entry.key,
    final: fields.flag('final') ?? false,
    entry: fields.actionName('entry'),
    do: fields.actionName('do'),
    exit: fields.actionName('exit'),
    transitions: entriesOf(fields, 'on')?.map((transition) => readTransition(transition, place, findings)),
    catch: caught && readTarget(caught, 'a catch transition', CATCH_TRANSITION, fields.placeOf('catch'), findings),
    maxRetries: checkMaxRetries(fields.number('maxRetries'), fields.placeOf('maxRetries'), findings),
    backoff: readBackoff(fields, findings),
    timeout: readTimeout(fields, findings),
  };
}

function readTransition(entry: SourceEntry, state: Place, findings: Findings): DraftTransition {
  const place: Place = { ...state, event: entry.key, line: entry.line ?? state.line };
  isName('event', entry.key, place, findings);
  return { event: entry.key, ...readTarget(entry.value, 'a transition', TRANSITION, place, findings) };
}

/** A transition is written as the name of its target, or in full. */
function readTarget(source: Source, what: string, known: readonly string[], place: Place, findings: Findings): Omit<DraftTransition, 'event'> {
  if (source.kind === 'scalar' && typeof source.value === 'string') {
    return { place, target: source.value, local: false };
  }
  if (source.kind !== 'map') {
    findings.error(place, `The target of ${what} is ${whatIs(source)}`, 'Write the name of one state, in quotes if it looks like a number, or a map with "target".');
    return { place, local: false };
  }
  const fields = new Fields(source, what, known, place, findings);
  fields.need('target');
  return { place: fields.placeOf('target'), target: fields.text('target'), action: fields.actionName('action'), local: fields.flag('local') ?? false };
}

function readBackoff(owner: Fields, findings: Findings): Partial<Backoff> | undefined {
  const source = owner.value('backoff');
  if (!source) {
    return undefined;
  }
  const fields = new Fields(source, 'a backoff', BACKOFF, owner.placeOf('backoff'), findings);
  const seconds = (key: keyof Backoff): number | undefined => {
    const value = fields.number(key);
    if (value === undefined || (value >= 0 && value <= MAX_SECONDS)) {
      return value;
    }
    findings.error(fields.placeOf(key), `${quote(key)} is ${value}`, `Write a number of seconds from 0 to ${MAX_SECONDS}.`);
    return undefined;
  };
  return { baseSeconds: seconds('baseSeconds'), capSeconds: seconds('capSeconds') };
}

function readTimeout(owner: Fields, findings: Findings): DraftTimeout | undefined {
  const source = owner.value('timeout');
  if (!source) {
    return undefined;
  }
  const place = owner.placeOf('timeout');
  const fields = new Fields(source, 'a timeout', TIMEOUT, place, findings);
  fields.need(...TIMEOUT);
  const seconds = fields.number('seconds');
  if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_SECONDS)) {
    findings.error(fields.placeOf('seconds'), `The timeout is ${seconds} s`, `Write an integer from 1 to ${MAX_SECONDS}.`);
  }
  return { place: fields.placeOf('event'), seconds, event: fields.text('event') };
}

/** The entries of a property that maps names to something: none when it is left out, `undefined` when it cannot be read. */
function entriesOf(fields: Fields, key: string): readonly SourceEntry[] | undefined {
  const source = fields.value(key);
  if (source && source.kind !== 'map') {
    return fields.refuse(key, source, 'a map', 'Write a map from names to what they stand for.');
  }
  return fields.readable ? source?.entries ?? [] : undefined;
}
