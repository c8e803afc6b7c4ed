import fc from 'fast-check';
import { stringify } from 'yaml';
import {
  definitionHash,
  eventsOf,
  InvalidDefinitionError,
  loadYaml,
  normalize,
  START,
  toGraphviz,
  toMermaid,
  transition,
  validate,
  type LoadedMachines,
} from '../../../lambda/machine';
import { asFsmYaml, asInput, machines } from '../../support/machines';

const native = machines('native');

test('normalize returns a complete machine unchanged', () => {
  fc.assert(
    fc.property(native, (machine) => {
      expect(validate(asInput(machine))).toEqual([]);
      expect(normalize(asInput(machine))).toEqual(machine);
    }),
  );
});

test('YAML, JSON and an object define the same machine', () => {
  fc.assert(
    fc.property(native, (machine) => {
      const input = asInput(machine);
      expect(loadYaml(stringify(input), 'machine.yaml').machines).toEqual([machine]);
      expect(loadYaml(JSON.stringify({ machines: [input] }), 'machine.yaml').machines).toEqual([machine]);
      expect(JSON.parse(JSON.stringify(machine))).toEqual(machine);
    }),
  );
});

test('the fsm.yaml dialect and the native form define the same machine', () => {
  fc.assert(
    fc.property(machines('fsm.yaml'), (machine) => {
      expect(loadYaml(stringify({ machines: [asFsmYaml(machine)] }), 'fsm.yaml')).toEqual({
        machines: [machine],
        warnings: [],
      });
    }),
  );
});

test('every event of every state leads to its target, and the hash ignores the order of names', () => {
  fc.assert(
    fc.property(native, (machine) => {
      expect(transition(machine, null, START).target.name).toBe(machine.initial);
      for (const state of Object.values(machine.states)) {
        for (const event of eventsOf(machine, state.name)) {
          expect(transition(machine, state.name, event).target).toBe(machine.states[state.on[event]?.target ?? '']);
        }
      }
      const reversed = Object.fromEntries(Object.entries(machine.states).reverse());
      expect(definitionHash({ ...machine, states: reversed })).toBe(definitionHash(machine));
    }),
  );
});

test('every machine can be drawn, with one line for each arrow', () => {
  fc.assert(
    fc.property(native, (machine) => {
      const states = Object.values(machine.states);
      const transitions = states.flatMap((state) => [...Object.keys(state.on), ...(state.catch ? ['catch'] : [])]);
      const arrows = transitions.length + 1 + states.filter(({ final }) => final).length;
      const quoted = '"(?:[^"\\\\]|\\\\.)*"';
      const dotArrow = new RegExp(`^ {2}${quoted} -> ${quoted}(?: \\[label=${quoted}.*\\])?$`);
      expect(toMermaid(machine).match(/ --> /g)).toHaveLength(arrows);
      expect(
        toGraphviz(machine)
          .split('\n')
          .filter((line) => dotArrow.test(line)),
      ).toHaveLength(arrows);
    }),
  );
});

/** Arbitrary values, in which the names of properties are frequent. */
const words = fc.constantFrom(
  'name',
  'initial',
  'states',
  'machines',
  'on',
  'do',
  'catch',
  'final',
  'target',
  'import',
  'transitions',
  'backoff',
  '<<',
  '__proto__',
  'a',
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

test('validate never throws, and reports problems in full sentences', () => {
  fc.assert(
    fc.property(junk, (value) => {
      const problems = validate(value);
      for (const problem of problems) {
        expect(problem.message).toMatch(/^["\p{Lu}].*[^.]$/u);
        expect(problem.fix).toMatch(/^\p{Lu}.*[.?]$/u);
      }
      expect(problems.length).toBeGreaterThan(0);
    }),
  );
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

test('loadYaml throws only InvalidDefinitionError', () => {
  const lines = fc
    .array(
      fc.constantFrom(
        'machines:',
        '- name: a',
        '  states:',
        '    - name: b',
        '      initial: true',
        'states:',
        '  a: &a',
        '  b: *a',
        '    <<: *a',
        '- import: junk.yaml',
        '? [x]',
        ': y',
        '{',
        '}',
        '[',
        ']',
        '|',
        '---',
        '...',
        '%YAML 1.1',
        '!!binary x',
        '\t- x',
        '"',
        "'",
        '- - - -',
        'on: {a: b}',
        'name: x',
        '&a [*a, *a]',
        '# c',
        '-',
        '\0',
      ),
      { maxLength: 25 },
    )
    .map((chosen) => chosen.join('\n'));
  fc.assert(
    fc.property(
      fc.oneof(
        lines,
        fc.string(),
        junk.map((value) => safeStringify(value)),
      ),
      (text) => {
        load(text);
      },
    ),
    { numRuns: 300 },
  );
});

function safeStringify(value: unknown): string {
  try {
    return String(stringify(value, { aliasDuplicateObjects: false }));
  } catch {
    return String(typeof value);
  }
}
