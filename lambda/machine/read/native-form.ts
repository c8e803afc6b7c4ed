import type { Backoff, TimeLimit } from '../definition';
import type { DraftMachine, DraftState, DraftTimeout, DraftTransition } from '../draft';
import type { Place, ProblemCollector } from '../problem';
import { checkName, Fields, peekText } from './fields';
import { describeSource, type Source, type SourceEntry } from './source';

const MACHINE = ['name', 'initial', 'maxRetries', 'backoff', 'states'];
const STATE = ['final', 'entry', 'do', 'exit', 'on', 'maxRetries', 'backoff', 'catch', 'timeout', 'timeLimit'];
const TRANSITION = ['target', 'action', 'local'];
const CATCH_TRANSITION = ['target', 'action'];
const BACKOFF = ['baseSeconds', 'capSeconds'];
const TIMEOUT = ['seconds', 'event'];
const TIME_LIMIT = ['seconds'];

/** The longest delay or timeout, in seconds: one year. */
const MAX_SECONDS = 31_536_000;

/** The bounds of a time limit, in seconds: no invocation of AWS Lambda takes longer. */
const MIN_TIME_LIMIT_SECONDS = 0.1;
const MAX_TIME_LIMIT_SECONDS = 900;

/** Reads a machine in this library's own form, which has a map of states. */
export function readNativeForm(source: Source, file: string | undefined, problems: ProblemCollector): DraftMachine {
  const place: Place = { machine: peekText(source, 'name'), file, line: source.line };
  const fields = new Fields(source, 'a machine', MACHINE, place, problems);
  fields.require('name', 'initial', 'states');
  const name = fields.text('name');
  if (name !== undefined) {
    checkName('machine', name, fields.placeOf('name'), problems);
  }
  const initial = fields.text('initial');
  return {
    form: 'native',
    place,
    name: name ?? '',
    initial: initial === undefined ? [] : [{ name: initial, place: fields.placeOf('initial') }],
    states:
      fields.value('states') && entriesOf(fields, 'states', 'state')?.map((entry) => readState(entry, place, problems)),
    maxRetries: fields.integer('maxRetries', 0),
    backoff: readBackoff(fields, problems),
  };
}

function readState(entry: SourceEntry, machine: Place, problems: ProblemCollector): DraftState {
  const place: Place = { ...machine, state: entry.key, line: entry.line ?? machine.line };
  checkName('state', entry.key, place, problems);
  const fields = new Fields(entry.value, 'a state', STATE, place, problems);
  const caught = fields.value('catch');
  return {
    place,
    name: entry.key,
    final: fields.flag('final') ?? false,
    entry: fields.actionName('entry'),
    do: fields.actionName('do'),
    exit: fields.actionName('exit'),
    transitions: entriesOf(fields, 'on', 'event')?.map((transition) => readTransition(transition, place, problems)),
    catch: caught && readTarget(caught, 'a catch transition', CATCH_TRANSITION, fields.placeOf('catch'), problems),
    maxRetries: fields.integer('maxRetries', 0),
    backoff: readBackoff(fields, problems),
    timeout: readTimeout(fields, problems),
    timeLimit: readTimeLimit(fields, problems),
  };
}

function readTransition(entry: SourceEntry, state: Place, problems: ProblemCollector): DraftTransition {
  const place: Place = { ...state, event: entry.key, line: entry.line ?? state.line };
  checkName('event', entry.key, place, problems);
  return { event: entry.key, ...readTarget(entry.value, 'a transition', TRANSITION, place, problems) };
}

/** Reads a transition, written as the name of its target or in full. */
function readTarget(
  source: Source,
  owner: string,
  known: readonly string[],
  place: Place,
  problems: ProblemCollector,
): Omit<DraftTransition, 'event'> {
  if (source.kind === 'scalar' && typeof source.value === 'string') {
    return { place, target: source.value, local: false };
  }
  if (source.kind !== 'map') {
    problems.error(
      place,
      `Expected ${owner}, but found ${describeSource(source)}`,
      'Write the name of one state, in quotes if it looks like a number, or a map with "target".',
    );
    return { place, local: false };
  }
  const fields = new Fields(source, owner, known, place, problems);
  fields.require('target');
  return {
    place: fields.placeOf('target'),
    target: fields.text('target'),
    action: fields.actionName('action'),
    local: fields.flag('local') ?? false,
  };
}

function readBackoff(owner: Fields, problems: ProblemCollector): Partial<Backoff> | undefined {
  const source = owner.value('backoff');
  if (!source) {
    return undefined;
  }
  const fields = new Fields(source, 'a backoff', BACKOFF, owner.placeOf('backoff'), problems);
  const baseSeconds = fields.number('baseSeconds', 0, MAX_SECONDS);
  const capSeconds = fields.number('capSeconds', 0, MAX_SECONDS);
  // An invalid bound has been reported, and must not be compared with the other one.
  const invalid =
    (baseSeconds === undefined && fields.value('baseSeconds')) ||
    (capSeconds === undefined && fields.value('capSeconds'));
  return invalid ? undefined : { baseSeconds, capSeconds };
}

function readTimeout(owner: Fields, problems: ProblemCollector): DraftTimeout | undefined {
  const source = owner.value('timeout');
  if (!source) {
    return undefined;
  }
  const fields = new Fields(source, 'a timeout', TIMEOUT, owner.placeOf('timeout'), problems);
  fields.require(...TIMEOUT);
  return {
    place: fields.placeOf('event'),
    seconds: fields.integer('seconds', 1, MAX_SECONDS),
    event: fields.text('event'),
  };
}

function readTimeLimit(owner: Fields, problems: ProblemCollector): Partial<TimeLimit> | undefined {
  const source = owner.value('timeLimit');
  if (!source) {
    return undefined;
  }
  const fields = new Fields(source, 'a time limit', TIME_LIMIT, owner.placeOf('timeLimit'), problems);
  fields.require(...TIME_LIMIT);
  return { seconds: fields.number('seconds', MIN_TIME_LIMIT_SECONDS, MAX_TIME_LIMIT_SECONDS) };
}

/** Reads a property that maps names to parts: empty if omitted, `undefined` if unreadable. */
function entriesOf(fields: Fields, key: string, part: string): readonly SourceEntry[] | undefined {
  const source = fields.value(key);
  if (source && source.kind !== 'map') {
    return fields.refuse(key, source, 'a map', `Write a map with one entry for each ${part}.`);
  }
  return fields.readable ? (source?.entries ?? []) : undefined;
}
