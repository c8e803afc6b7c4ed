import type { DraftMachine, DraftState, DraftTransition } from '../draft';
import type { Findings, Place } from '../problem';
import { checkMaxRetries, Fields, isName, peekText } from './fields';
import type { Source } from './source';

const MACHINE = ['name', 'max_retries', 'states'];
const STATE = ['name', 'initial', 'final', 'entry_action', 'do_action', 'exit_action', 'transitions'];
const TRANSITION = ['target', 'event', 'action', 'local'];

/** Reads a machine in the fsm.yaml dialect of aws-lambda-fsm-workflows, whose states are a list. */
export function readFsmYaml(source: Source, file: string | undefined, findings: Findings): DraftMachine {
  const place: Place = { machine: peekText(source, 'name'), file, line: source.line };
  const fields = new Fields(source, 'a machine', MACHINE, place, findings, 'fsm.yaml');
  fields.need('name', 'states');
  const name = readName(fields, 'name', 'machine', findings);
  const read = fields.value('states') && itemsOf(fields, 'states')?.map((item) => readState(item, place, findings));
  return {
    form: 'fsm.yaml',
    place,
    name: name ?? '',
    initial: (read ?? []).filter(({ initial }) => initial).map(({ state }) => ({ name: state.name, place: state.place })),
    states: read?.map(({ state }) => state),
    maxRetries: checkMaxRetries(readInteger(fields, 'max_retries'), fields.placeOf('max_retries'), findings),
  };
}

function readState(source: Source, machine: Place, findings: Findings): { readonly initial: boolean; readonly state: DraftState } {
  const place: Place = { ...machine, state: peekText(source, 'name'), line: source.line ?? machine.line };
  const fields = new Fields(source, 'a state', STATE, place, findings, 'fsm.yaml');
  fields.need('name');
  const state: DraftState = {
    place,
    name: readName(fields, 'name', 'state', findings) ?? '',
    final: readTruth(fields, 'final'),
    entry: readAction(fields, 'entry_action'),
    do: readAction(fields, 'do_action'),
    exit: readAction(fields, 'exit_action'),
    transitions: itemsOf(fields, 'transitions')?.flatMap((item) => readTransition(item, place, findings)),
  };
  return { initial: readTruth(fields, 'initial'), state };
}

function readTransition(source: Source, state: Place, findings: Findings): DraftTransition[] {
  const place: Place = { ...state, event: peekText(source, 'event'), line: source.line ?? state.line };
  const fields = new Fields(source, 'a transition', TRANSITION, place, findings, 'fsm.yaml');
  if (source.kind !== 'map') {
    return [];
  }
  fields.need('event', 'target');
  const event = readName(fields, 'event', 'event', findings);
  const transition = { place: fields.placeOf('target'), target: fields.text('target'), action: readAction(fields, 'action'), local: readTruth(fields, 'local') };
  return event === undefined ? [] : [{ event, ...transition }];
}

function readName(fields: Fields, key: string, kind: 'machine' | 'state' | 'event', findings: Findings): string | undefined {
  const name = fields.text(key);
  if (name !== undefined) {
    isName(kind, name, fields.placeOf(key), findings);
  }
  return name;
}

/** The dialect takes an empty text for no action. */
function readAction(fields: Fields, key: string): string | undefined {
  const value = fields.value(key);
  return value?.kind === 'scalar' && value.value === '' ? undefined : fields.actionName(key);
}

/** The dialect is YAML 1.1, in which `yes` and `on` are true, and its system takes whatever Python takes for true. */
function readTruth(fields: Fields, key: string): boolean {
  const value = fields.value(key);
  if (value?.kind === 'scalar' && typeof value.value === 'string' && /^(y|yes|on|true|n|no|off|false)$/i.test(value.value)) {
    return /^(y|yes|on|true)$/i.test(value.value);
  }
  if (value?.kind === 'scalar' && typeof value.value === 'number') {
    return value.value !== 0;
  }
  return fields.flag(key) ?? false;
}

/** The dialect's system turns text into numbers. */
function readInteger(fields: Fields, key: string): number | undefined {
  const value = fields.value(key);
  return value?.kind === 'scalar' && typeof value.value === 'string' && /^\d{1,9}$/.test(value.value.trim()) ? Number(value.value) : fields.number(key);
}

/** The items of a property that is a list: none when it is left out, `undefined` when it cannot be read. */
function itemsOf(fields: Fields, key: string): readonly Source[] | undefined {
  const source = fields.value(key);
  if (source && source.kind !== 'list') {
    return fields.refuse(key, source, 'a list', 'Put a dash before each item.');
  }
  return fields.readable ? source?.items ?? [] : undefined;
}
