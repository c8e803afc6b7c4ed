import fc from 'fast-check';
import { stringify } from 'yaml';
import { asFsmYaml, asInput, machines } from './machines';
import {
  definitionHash, eventsOf, InvalidDefinitionError, loadYaml, normalize, START, toGraphviz, toMermaid, transition, validate,
  type LoadedMachines,
} from '../../lambda/machine';

const own = machines('own');

test('every valid machine is normalised to itself', () => {
  fc.assert(fc.property(own, (machine) => {
    expect(validate(asInput(machine))).toEqual([]);
    expect(normalize(asInput(machine))).toEqual(machine);
  }));
});

test('a machine is the same whether it is loaded from YAML or JSON or given as an object', () => {
  fc.assert(fc.property(own, (machine) => {
    const input = asInput(machine);
    expect(loadYaml(stringify(input), 'machine.yaml').machines).toEqual([machine]);
    expect(loadYaml(JSON.stringify({ machines: [input] }), 'machine.yaml').machines).toEqual([machine]);
    expect(JSON.parse(JSON.stringify(machine))).toEqual(machine);
  }));
});

test('a machine in the fsm.yaml dialect is the same as in the own form', () => {
  fc.assert(fc.property(machines('fsm.yaml'), (machine) => {
    expect(loadYaml(stringify({ machines: [asFsmYaml(machine)] }), 'fsm.yaml')).toEqual({ machines: [machine], warnings: [] });
  }));
});

test('every state can be entered with every one of its events, and the hash does not depend on the order of names', () => {
  fc.assert(fc.property(own, (machine) => {
    expect(transition(machine, null, START).target.name).toBe(machine.initial);
    for (const state of Object.values(machine.states)) {
      for (const event of eventsOf(machine, state.name)) {
        expect(transition(machine, state.name, event).target).toBe(machine.states[state.on[event]?.target ?? '']);
      }
    }
    const reversed = Object.fromEntries(Object.entries(machine.states).reverse());
    expect(definitionHash({ ...machine, states: reversed })).toBe(definitionHash(machine));
  }));
});

test('every machine can be drawn, one line for each part', () => {
  fc.assert(fc.property(own, (machine) => {
    const states = Object.values(machine.states);
    const transitions = states.flatMap((state) => [...Object.keys(state.on), ...(state.catch ? ['catch'] : [])]);
    const arrows = transitions.length + 1 + states.filter(({ final }) => final).length;
    const quoted = '"(?:[^"\\\\]|\\\\.)*"';
    const dotArrow = new RegExp(`^ {2}${quoted} -> ${quoted}(?: \\[label=${quoted}.*\\])?$`);
    expect(toMermaid(machine).match(/ --> /g)).toHaveLength(arrows);
    expect(toGraphviz(machine).split('\n').filter((line) => dotArrow.test(line))).toHaveLength(arrows);
  }));
});

/** Anything at all, with the words of definitions in it more often than chance would have it. */
const words = fc.constantFrom(
  'name', 'initial', 'states', 'machines', 'on', 'do', 'catch', 'final', 'target', 'import', 'transitions', 'backoff', '<<', '__proto__', 'a',
);
const junk = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
    words,
    fc.boolean(),
    fc.double(),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(words, fc.string()), tie('any'), { maxKeys: 5 }),
  ),
})).any;

test('the validator never throws, and says what is wrong in full sentences', () => {
  fc.assert(fc.property(junk, (value) => {
    const problems = validate(value);
    for (const problem of problems) {
      expect(problem.message).toMatch(/^["\p{Lu}].*[^.]$/u);
      expect(problem.fix).toMatch(/^\p{Lu}.*[.?]$/u);
    }
    expect(problems.length).toBeGreaterThan(0);
  }));
});

function load(text: string): LoadedMachines | InvalidDefinitionError {
  try {
    return loadYaml(text, 'junk.yaml');
  } catch (error) {
    if (error instanceof InvalidDefinitionError) {
      return error;
    }
    throw error;
  }
}

test('the loader throws nothing but InvalidDefinitionError', () => {
  const lines = fc.array(fc.constantFrom(
    'machines:', '- name: a', '  states:', '    - name: b', '      initial: true', 'states:', '  a: &a', '  b: *a', '    <<: *a', '- import: junk.yaml', '? [x]', ': y',
    '{', '}', '[', ']', '|', '---', '...', '%YAML 1.1', '!!binary x', '\t- x', '"', '\'', '- - - -', 'on: {a: b}', 'name: x', '&a [*a, *a]',
    '# c', '-', '\0',
  ), { maxLength: 25 }).map((chosen) => chosen.join('\n'));
  fc.assert(fc.property(fc.oneof(lines, fc.string(), junk.map((value) => safeStringify(value))), (text) => {
    load(text);
  }), { numRuns: 300 });
});

function safeStringify(value: unknown): string {
  try {
    return String(stringify(value, { aliasDuplicateObjects: false }));
  } catch {
    return String(typeof value);
  }
}
