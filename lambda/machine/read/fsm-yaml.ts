import type { DraftMachine, DraftState, DraftTransition } from '../draft';
import type { Place, ProblemCollector } from '../problem';
import { checkName, Fields, peekText } from './fields';
import type { Source } from './source';

const MACHINE = ['name', 'max_retries', 'states'];
const STATE = ['name', 'initial', 'final', 'entry_action', 'do_action', 'exit_action', 'transitions'];
const TRANSITION = ['target', 'event', 'action', 'local'];

/** Reads a machine in the fsm.yaml dialect of aws-lambda-fsm-workflows, which has a list of states. */
export function readFsmYaml(source: Source, file: string | undefined, problems: ProblemCollector): DraftMachine {
  const place: Place = { machine: peekText(source, 'name'), file, line: source.line };
  const fields = new Fields(source, 'a machine', MACHINE, place, problems, 'fsm.yaml');
  fields.require('name', 'states');
  const name = readName(fields, 'name', 'machine', problems);
  const read =
    fields.value('states') && itemsOf(fields, 'states', 'state')?.map((item) => readState(item, place, problems));
  return {
    form: 'fsm.yaml',
    place,
    name: name ?? '',
    initial: (read ?? [])
      .filter(({ initial }) => initial)
      .map(({ state }) => ({ name: state.name, place: state.place })),
    states: read?.map(({ state }) => state),
    maxRetries: readRetries(fields, 'max_retries'),
  };
}

function readState(
  source: Source,
  machine: Place,
  problems: ProblemCollector,
): { readonly initial: boolean; readonly state: DraftState } {
  const place: Place = { ...machine, state: peekText(source, 'name'), line: source.line ?? machine.line };
  const fields = new Fields(source, 'a state', STATE, place, problems, 'fsm.yaml');
  fields.require('name');
  const state: DraftState = {
    place,
    name: readName(fields, 'name', 'state', problems) ?? '',
    final: readTruth(fields, 'final'),
    entry: readAction(fields, 'entry_action'),
    do: readAction(fields, 'do_action'),
    exit: readAction(fields, 'exit_action'),
    transitions: itemsOf(fields, 'transitions', 'transition')?.flatMap((item) => readTransition(item, place, problems)),
  };
  return { initial: readTruth(fields, 'initial'), state };
}

function readTransition(source: Source, state: Place, problems: ProblemCollector): DraftTransition[] {
  const place: Place = { ...state, event: peekText(source, 'event'), line: source.line ?? state.line };
  const fields = new Fields(source, 'a transition', TRANSITION, place, problems, 'fsm.yaml');
  if (source.kind !== 'map') {
    return [];
  }
  fields.require('event', 'target');
  const event = readName(fields, 'event', 'event', problems);
  const transition = {
    place: fields.placeOf('target'),
    target: fields.text('target'),
    action: readAction(fields, 'action'),
    local: readTruth(fields, 'local'),
  };
  return event === undefined ? [] : [{ event, ...transition }];
}

function readName(
  fields: Fields,
  key: string,
  kind: 'machine' | 'state' | 'event',
  problems: ProblemCollector,
): string | undefined {
  const name = fields.text(key);
  if (name !== undefined) {
    checkName(kind, name, fields.placeOf(key), problems);
  }
  return name;
}

/** In this dialect, an empty string means no action. */
function readAction(fields: Fields, key: string): string | undefined {
  const value = fields.value(key);
  return value?.kind === 'scalar' && value.value === '' ? undefined : fields.actionName(key);
}

/** This dialect is YAML 1.1, in which `yes` and `on` are true, and aws-lambda-fsm-workflows applies Python's rules of truth to numbers. */
function readTruth(fields: Fields, key: string): boolean {
  const value = fields.value(key);
  if (
    value?.kind === 'scalar' &&
    typeof value.value === 'string' &&
    /^(y|yes|on|true|n|no|off|false)$/i.test(value.value)
  ) {
    return /^(y|yes|on|true)$/i.test(value.value);
  }
  if (value?.kind === 'scalar' && typeof value.value === 'number') {
    return value.value !== 0;
  }
  return fields.flag(key) ?? false;
}

/** In this dialect, a string of digits is a number. */
function readRetries(fields: Fields, key: string): number | undefined {
  const value = fields.value(key);
  return value?.kind === 'scalar' && typeof value.value === 'string' && /^\d{1,9}$/.test(value.value.trim())
    ? Number(value.value)
    : fields.integer(key, 0);
}

/** Reads a property that is a list: empty if omitted, `undefined` if unreadable. */
function itemsOf(fields: Fields, key: string, part: string): readonly Source[] | undefined {
  const source = fields.value(key);
  if (source && source.kind !== 'list') {
    return fields.refuse(key, source, 'a list', `Write a list with one item for each ${part}.`);
  }
  return fields.readable ? (source?.items ?? []) : undefined;
}
