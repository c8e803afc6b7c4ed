import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import {
  describeProblem,
  InvalidDefinitionError,
  loadMachineFile,
  loadYaml,
  normalize,
  type LoadedMachines,
} from '../../../lambda/machine';
import { order } from '../../support/machines';

const fixture = (name: string) => path.join(__dirname, 'fixtures', name);

/** Writes files into a temporary folder, calls `run` with it, and returns the problems, without the folder's path. */
function problemsIn(files: Record<string, string>, run: (folder: string) => LoadedMachines): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'machines-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    return run(folder).warnings.map(describeProblem);
  } catch (error) {
    if (error instanceof InvalidDefinitionError) {
      return error.problems.map((problem) => describeProblem(problem).replaceAll(folder + path.sep, ''));
    }
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const problemsOf = (files: Record<string, string>) =>
  problemsIn(files, (folder) => loadMachineFile(path.join(folder, Object.keys(files)[0] ?? '')));

describe('the native form', () => {
  test('loads equally from YAML, JSON and TypeScript', () => {
    const machine = normalize(order);
    expect(loadMachineFile(fixture('native/order.yaml'))).toEqual({ machines: [machine], warnings: [] });
    expect(loadMachineFile(fixture('native/order.json'))).toEqual({ machines: [machine], warnings: [] });
  });

  test('can be mixed with the fsm.yaml dialect and with imports in one file', () => {
    const { machines, warnings } = loadMachineFile(fixture('native/mixed.yml'));
    expect(machines.map(({ name }) => name)).toEqual(['order', 'refund', 'audit']);
    expect(machines[2]?.states.check).toMatchObject({
      do: 'audit.Check',
      on: { ok: { target: 'done', local: false } },
    });
    expect(warnings).toEqual([]);
  });

  test('reports problems with file and line', () => {
    expect(
      problemsOf({
        'order.yaml': [
          'name: order',
          'initial: charging',
          'retries: 3',
          'states:',
          '  charging:',
          '    do: charge',
          '    do: charge again',
          '    on:',
          '      charged: shiping',
          '      charged: done',
          '      declined: { target: done, local: maybe }',
          '    maxRetries: many',
          '    catch: { action: apologize }',
          '  shipping:',
          '    on: { delivered: 1 }',
          '  done: { final: true }',
          '  done: {}',
        ].join('\n'),
      }),
    ).toEqual([
      'order.yaml:3: machine "order": Unknown property "retries". Remove it: a machine has the properties "name", "initial", "maxRetries", "backoff" and "states".',
      'order.yaml:7: machine "order", state "charging": Duplicate property "do", first defined on line 6. Remove one of them.',
      'order.yaml:9: machine "order", state "charging", event "charged": The target state "shiping" does not exist. Did you mean "shipping"?',
      'order.yaml:10: machine "order", state "charging", event "charged": Duplicate event "charged", first defined on line 9. Rename or remove one of them.',
      'order.yaml:11: machine "order", state "charging", event "declined": Invalid "local": expected true or false, but found the string "maybe". Write true or false without quotes.',
      'order.yaml:12: machine "order", state "charging": Invalid "maxRetries": expected a number, but found the string "many". Write a number without quotes.',
      'order.yaml:13: machine "order", state "charging": Missing property "target". Add it: a catch transition requires "target".',
      'order.yaml:15: machine "order", state "shipping", event "delivered": Expected a transition, but found the number 1. Write the name of one state, in quotes if it looks like a number, or a map with "target".',
      'order.yaml:17: machine "order", state "done": Duplicate state "done", first defined on line 16. Rename or remove one of them.',
    ]);
  });

  test('reports a misspelled property only once, and reads it', () => {
    expect(
      problemsOf({
        'order.yaml': [
          'name: order',
          'initail: charging',
          'states:',
          '  charging: { doo: charge, onn: { charged: { traget: done } } }',
          '  done: { finl: true }',
        ].join('\n'),
      }),
    ).toEqual([
      'order.yaml:2: machine "order": Unknown property "initail". Did you mean "initial"?',
      'order.yaml:4: machine "order", state "charging": Unknown property "doo". Did you mean "do"?',
      'order.yaml:4: machine "order", state "charging": Unknown property "onn". Did you mean "on"?',
      'order.yaml:4: machine "order", state "charging", event "charged": Unknown property "traget". Did you mean "target"?',
      'order.yaml:5: machine "order", state "done": Unknown property "finl". Did you mean "final"?',
    ]);
  });

  test('accepts names that YAML reads as numbers, booleans or merge keys', () => {
    const text =
      '{ name: n, initial: "1", states: { 1: { on: { yes: "true", 2.50: "1", "<<": "1" } }, true: { final: true } } }';
    const { machines } = loadYaml(text, 'a.yaml');
    expect(machines[0]?.states).toMatchObject({
      1: { on: { yes: { target: 'true' }, '2.50': { target: '1' }, '<<': { target: '1' } } },
      true: { final: true },
    });
  });
});

describe('the fsm.yaml dialect', () => {
  test('loads the files of aws-lambda-fsm-workflows, including imports', () => {
    const { machines, warnings } = loadMachineFile(fixture('reference/fsm.yaml'));
    expect(machines.map(({ name }) => name)).toEqual([
      'three-steps',
      'provisioning',
      'ping_pong',
      'ping-pong-local',
      'containers',
      'encrypt',
    ]);
    expect(warnings.map((warning) => describeProblem({ ...warning, file: path.basename(warning.file ?? '') }))).toEqual(
      [
        'fsm.yaml:24: warning: machine "three-steps", state "Third": The exit action "LeaveThird" never runs because a final state is never left. Remove it, or make it the entry action.',
        'fsm.yaml:46: warning: machine "provisioning", state "Boot", event "fail": The transition is never taken because its state is final. Remove the transition or "final".',
      ],
    );
    const [, provisioning, pingPong, local, containers, encrypt] = machines;
    expect(provisioning?.states.Boot?.on).toEqual({});
    expect(pingPong).toMatchObject({
      initial: 'ping',
      maxRetries: 500,
      backoff: { baseSeconds: 1, capSeconds: 60 },
      states: {
        ping: {
          entry: 'lib.actions.Nothing',
          do: 'examples.tracer.actions.Count',
          exit: 'lib.actions.Nothing',
          on: {
            hit: { target: 'pong', action: 'lib.actions.Nothing', local: false },
            done: { target: 'over', local: false },
          },
          maxRetries: 500,
        },
        over: { final: true },
      },
    });
    expect(local?.maxRetries).toBe(5);
    expect(local?.states).toMatchObject({
      start: { on: { hit: { local: true }, done: { local: false } } },
      reset: { on: { done: { local: true } } },
    });
    expect(containers?.states.run).not.toHaveProperty('do');
    expect(encrypt).toMatchObject({ initial: 'check', maxRetries: 7 });
    expect(encrypt?.states.check).not.toHaveProperty('exit');
  });

  test('resolves an import from every file of the tree', () => {
    expect(loadMachineFile(fixture('reference/examples/fsm.yaml')).machines).toEqual(
      loadMachineFile(fixture('reference/fsm.yaml')).machines,
    );
  });

  test('resolves anchors and merge keys', () => {
    const { machines } = loadYaml(
      [
        'x-common: &common { do_action: a.Work, exit_action: a.Leave }',
        'machines:',
        '- name: m',
        '  states:',
        '  - { name: a, initial: true, <<: *common, exit_action: a.Other, transitions: [&end { target: z, event: done }] }',
        '  - { <<: [{ name: z }, *common], final: true, exit_action: "", name: z }',
      ].join('\n'),
      'fsm.yaml',
    );
    expect(machines[0]?.states).toMatchObject({
      a: { do: 'a.Work', exit: 'a.Other' },
      z: { do: 'a.Work', final: true },
    });
    expect(machines[0]?.states.z).not.toHaveProperty('exit');
  });

  test('reports problems with file and line', () => {
    expect(
      problemsOf({
        'fsm.yaml': [
          'machines:',
          '- name: order',
          '  max_retries: -1',
          '  states:',
          '  - name: reserving',
          '    do_acton: a.Reserve',
          '    owner: someone',
          '    transitions:',
          '    - { target: charging, event: reserved }',
          '    - { target: charging, event: reserved }',
          '    - { target: chargin, event: late }',
          '    - { event: odd }',
          '    - { target: charging }',
          '    - charging',
          '  - name: charging',
          '    final: perhaps',
          '    transitions: { target: done, event: charged }',
          '  - { name: done, final: true }',
          '  - { name: done, final: true }',
          '  - { final: true }',
          '- name: order',
          '  states:',
          '  - { name: a, initial: true, transitions: [{ target: b, event: go }] }',
          '  - { name: b, initial: true, final: true }',
          '- name: empty',
          '- 5',
        ].join('\n'),
      }),
    ).toEqual([
      'fsm.yaml:2: machine "order": The machine has no initial state. Add "initial: true" to the state that an execution enters first.',
      'fsm.yaml:3: machine "order": Invalid "max_retries": -1. Write an integer of 0 or more.',
      'fsm.yaml:6: machine "order", state "reserving": Unknown property "do_acton". Did you mean "do_action"?',
      'fsm.yaml:7: warning: machine "order", state "reserving": Unknown property "owner". Remove it: a state has the properties "name", "initial", "final", "entry_action", "do_action", "exit_action" and "transitions".',
      'fsm.yaml:10: machine "order", state "reserving", event "reserved": Duplicate event "reserved", first defined on line 9. Rename or remove one of them.',
      'fsm.yaml:11: machine "order", state "reserving", event "late": The target state "chargin" does not exist. Did you mean "charging"?',
      'fsm.yaml:12: machine "order", state "reserving", event "odd": Missing property "target". Add it: a transition requires "event" and "target".',
      'fsm.yaml:13: machine "order", state "reserving": Missing property "event". Add it: a transition requires "event" and "target".',
      'fsm.yaml:14: machine "order", state "reserving": Expected a transition, but found the string "charging". Write a map with the properties "target", "event", "action" and "local".',
      'fsm.yaml:16: machine "order", state "charging": Invalid "final": expected true or false, but found the string "perhaps". Write true or false without quotes.',
      'fsm.yaml:17: machine "order", state "charging": Invalid "transitions": expected a list, but found a map. Write a list with one item for each transition.',
      'fsm.yaml:19: machine "order", state "done": Duplicate state "done", first defined on line 18. Rename or remove one of them.',
      'fsm.yaml:20: machine "order": Missing property "name". Add it: a state requires "name".',
      'fsm.yaml:21: machine "order": Duplicate machine "order", first defined on line 2. Rename or remove one of them.',
      'fsm.yaml:24: machine "order", state "b": Duplicate initial state: "a" on line 23 is initial, too. Remove "initial" from one of them.',
      'fsm.yaml:25: machine "empty": Missing property "states". Add it: a machine requires "name" and "states".',
      'fsm.yaml:26: Expected a machine, but found the number 5. Write a map with the properties "name", "initial", "maxRetries", "backoff" and "states".',
    ]);
  });
});

describe('imports', () => {
  const machine = (name: string) => `{ name: ${name}, initial: a, states: { a: { final: true } } }`;

  test('are relative to the importing file', () => {
    expect(
      problemsOf({
        'a/b.yaml': 'machines: [{ import: ../c/d.yaml }]',
        'c/d.yaml': 'machines: [{ import: e.yml }]',
        'c/e.yml': machine('m'),
      }),
    ).toEqual([]);
  });

  test('load a file once, even if two files import it', () => {
    expect(
      problemsOf({
        'a.yaml': 'machines: [{ import: b.yaml }, { import: ./c.yaml }]',
        'b.yaml': 'machines: [{ import: d.yaml }]',
        'c.yaml': 'machines: [{ import: ./d.yaml }]',
        'd.yaml': machine('m'),
      }),
    ).toEqual([]);
  });

  test('report a circular import with its files', () => {
    expect(
      problemsOf({
        'a.yaml': 'machines:\n- import: x/b.yaml',
        'x/b.yaml': `machines:\n- ${machine('m')}\n- import: c.yaml`,
        'x/c.yaml': 'machines:\n\n- import: b.yaml',
      }),
    ).toEqual(['x/c.yaml:3: Circular import: x/b.yaml -> x/c.yaml -> x/b.yaml. Remove one of the imports.']);
    expect(problemsOf({ 'a.yaml': 'machines: [{ import: a.yaml }]' })).toEqual([
      'a.yaml:1: Circular import: a.yaml -> a.yaml. Remove one of the imports.',
    ]);
  });

  test('report an import that cannot be loaded with its place', () => {
    expect(problemsOf({ 'a.yaml': 'machines:\n- import: b.yaml\n- import: c.txt\n- import: [d]\n- import:' })).toEqual([
      'a.yaml:2: The file b.yaml does not exist. Correct the import.',
      'a.yaml:3: Unsupported file type: c.txt. Use a file with the extension .yaml, .yml or .json.',
      'a.yaml:4: Invalid "import": expected a string, but found a list. Write one name.',
      'a.yaml:5: Missing property "import". Add it: an import requires "import".',
    ]);
  });

  test('report both places of a machine that two files define', () => {
    expect(
      problemsOf({
        'a.yaml': 'machines: [{ import: b.yaml }, { import: c.yaml }]',
        'b.yaml': machine('m'),
        'c.yaml': machine('m'),
      }),
    ).toEqual([
      'c.yaml:1: machine "m": Duplicate machine "m", first defined in b.yaml:1. Rename or remove one of them.',
    ]);
  });
});

describe('files', () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      'empty',
      { 'a.yaml': '' },
      [
        'a.yaml: Expected a machine, but found no value. Write one machine with "name", "initial" and "states", or a list "machines".',
      ],
    ],
    [
      'with a list',
      { 'a.yaml': '- a' },
      [
        'a.yaml:1: Expected a machine, but found a list. Write one machine with "name", "initial" and "states", or a list "machines".',
      ],
    ],
    [
      'with a map of machines',
      { 'a.yaml': 'machines: { a: 1 }' },
      [
        'a.yaml:1: Invalid "machines": expected a list of at least one machine. Write a list with one item for each machine.',
      ],
    ],
    [
      'with an empty list of machines',
      { 'a.json': '{ "machines": [] }' },
      [
        'a.json:1: Invalid "machines": expected a list of at least one machine. Write a list with one item for each machine.',
      ],
    ],
    [
      'with another extension',
      { 'a.ts': '' },
      ['a.ts: Unsupported file type: a.ts. Use a file with the extension .yaml, .yml or .json.'],
    ],
    [
      'with invalid YAML',
      { 'a.yaml': 'name: a\nstates: [\ninitial: b' },
      [expect.stringMatching(/^a\.yaml:3:1: Invalid YAML: .+\. .*close all brackets\.$/)],
    ],
    [
      'with invalid JSON',
      { 'a.json': '{\n  "name": "a",\n  states: 1\n}' },
      [
        expect.stringMatching(
          /^a\.json:3:3: Invalid JSON: .*\. Correct the syntax, or rename the file to \.yaml if it is YAML\.$/,
        ),
      ],
    ],
    [
      'with tabs in YAML',
      { 'a.yaml': 'name: a\nstates:\n\ta: {}' },
      ['a.yaml:3:1: Invalid YAML: Tabs are not allowed as indentation. Indent with spaces.'],
    ],
    [
      'with several documents',
      { 'a.yaml': 'a: 1\n---\nb: 2' },
      [
        'a.yaml:2: The file contains more than one YAML document. Put the machines into one list "machines", or into separate files.',
      ],
    ],
    [
      'with a key that is a list',
      { 'a.yaml': 'name: a\n? [x]\n: y' },
      expect.arrayContaining([
        'a.yaml:2: Invalid key: expected a name. Write `name: value`, and quote a name that contains special characters.',
      ]),
    ],
    [
      'with an undefined alias',
      { 'a.yaml': 'name: a\ninitial: *b' },
      expect.arrayContaining(['a.yaml:2: Undefined alias *b. Define the anchor &b above it, or correct the name.']),
    ],
  ])('%s are rejected', (_name, files, expected) => {
    expect(problemsOf(files)).toEqual(expected);
  });

  test.each([
    ['{\n  "name": a\n}', "2:11: Invalid JSON: Unexpected token 'a'"],
    ['{\n  "states": [1, 2,]\n}', "2:19: Invalid JSON: Unexpected token ']'"],
    ['{\n  "name": tru', '2:14: Invalid JSON: Unexpected end of JSON input'],
    ['{} x', '1:4: Invalid JSON: Unexpected non-whitespace character after JSON'],
  ])('with the JSON text %j are rejected with line and column', (text, problem) => {
    expect(problemsOf({ 'a.json': text })).toEqual([
      `a.json:${problem}. Correct the syntax, or rename the file to .yaml if it is YAML.`,
    ]);
  });

  test('that do not exist are rejected', () => {
    expect(() => loadMachineFile('nowhere/fsm.yaml')).toThrow(
      `The file ${path.resolve('nowhere/fsm.yaml')} does not exist. Correct the path.`,
    );
  });

  test('that are folders are rejected', () => {
    expect(problemsIn({ 'fsm.yaml/a': '' }, (folder) => loadMachineFile(path.join(folder, 'fsm.yaml')))).toEqual([
      expect.stringContaining('Cannot read the file'),
    ]);
  });

  test('can have a byte order mark', () => {
    expect(
      problemsOf({ 'a.json': '\uFEFF{ "name": "m", "initial": "a", "states": { "a": { "final": true } } }' }),
    ).toEqual([]);
  });

  const bombs: Record<string, string> = {
    'aliases of aliases': [
      'a0: &a0 [x, x]',
      ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`),
    ].join('\n'),
    'an alias inside its own anchor': 'a: &a [*a, *a, *a]',
    'merge keys of merge keys': [
      'a0: &a0 { x: 1 }',
      ...Array.from({ length: 60 }, (_, i) => `a${i + 1}: &a${i + 1} { <<: [*a${i}, *a${i}] }`),
    ].join('\n'),
    'open brackets': '['.repeat(20_000),
    'open maps': '{a: '.repeat(20_000),
    dashes: '- '.repeat(20_000),
    'deep indentation': Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'one long name': `name: ${'x'.repeat(5_000_000)}`,
  };
  test.each(Object.keys(bombs))('that expand without limit are rejected: %s', (name) => {
    const start = performance.now();
    expect(problemsIn({}, () => loadYaml(bombs[name] ?? '', 'bomb.yaml'))).toEqual([
      expect.stringMatching(/^bomb\.yaml: The definition is too large: more than /),
    ]);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('cannot reach a prototype', () => {
    expect(
      problemsOf({
        'a.yaml':
          '__proto__: { polluted: true }\nname: m\ninitial: a\nstates:\n  a: { final: true }\n  __proto__: { final: true, polluted: true }',
      }),
    ).toContain(
      'a.yaml:6: machine "m", state "__proto__": Invalid state name "__proto__": JavaScript reserves this name. Choose another name.',
    );
    expect({}).not.toHaveProperty('polluted');
  });
});
