import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { order } from './machines';
import { describeProblem, InvalidDefinitionError, loadMachineFile, loadYaml, normalize, type LoadedMachines } from '../../lambda/machine';

const fixture = (name: string) => path.join(__dirname, 'fixtures', name);

/** Writes files into a folder of their own, runs something there and returns the problems that it finds, without the folder's name. */
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

const problemsOf = (files: Record<string, string>) => problemsIn(files, (folder) => loadMachineFile(path.join(folder, Object.keys(files)[0] ?? '')));

describe('the own form', () => {
  test('YAML, JSON and TypeScript say the same', () => {
    const machine = normalize(order);
    expect(loadMachineFile(fixture('own/order.yaml'))).toEqual({ machines: [machine], warnings: [] });
    expect(loadMachineFile(fixture('own/order.json'))).toEqual({ machines: [machine], warnings: [] });
  });

  test('a file holds machines of both forms, and imports', () => {
    const { machines, warnings } = loadMachineFile(fixture('own/mixed.yml'));
    expect(machines.map(({ name }) => name)).toEqual(['order', 'refund', 'audit']);
    expect(machines[2]?.states.check).toMatchObject({ do: 'audit.Check', on: { ok: { target: 'done', local: false } } });
    expect(warnings).toEqual([]);
  });

  test('problems are told with file and line', () => {
    expect(problemsOf({
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
    })).toEqual([
      'order.yaml:3: machine "order": Unknown property "retries". Remove it; the properties of a machine are "name", "initial", "maxRetries", "backoff" and "states".',
      'order.yaml:7: machine "order", state "charging": Property "do" is there twice, first in line 6. Keep one of them.',
      'order.yaml:9: machine "order", state "charging", event "charged": The target "shiping" is no state. Did you mean "shipping"?',
      'order.yaml:10: machine "order", state "charging", event "charged": There is a second event "charged"; the first is in line 9. Rename or remove one of them.',
      'order.yaml:11: machine "order", state "charging", event "declined": "local" must be true or false, but is the text "maybe". Write true or false without quotes.',
      'order.yaml:12: machine "order", state "charging": "maxRetries" must be a number, but is the text "many". Write a number without quotes.',
      'order.yaml:13: machine "order", state "charging": "target" is missing. Add it.',
      'order.yaml:15: machine "order", state "shipping", event "delivered": The target of a transition is the number 1. Write the name of one state, in quotes if it looks like a number, or a map with "target".',
      'order.yaml:17: machine "order", state "done": There is a second state "done"; the first is in line 16. Rename or remove one of them.',
    ]);
  });

  test('names that YAML could take for something else are names', () => {
    const text = '{ name: n, initial: "1", states: { 1: { on: { yes: "true", 2.50: "1", "<<": "1" } }, true: { final: true } } }';
    const { machines } = loadYaml(text, 'a.yaml');
    expect(machines[0]?.states).toMatchObject({ 1: { on: { 'yes': { target: 'true' }, '2.50': { target: '1' }, '<<': { target: '1' } } }, true: { final: true } });
  });
});

describe('the fsm.yaml dialect', () => {
  test('files of the reference system load, imports and all', () => {
    const { machines, warnings } = loadMachineFile(fixture('reference/fsm.yaml'));
    expect(machines.map(({ name }) => name)).toEqual(['three-steps', 'provisioning', 'ping_pong', 'ping-pong-local', 'containers', 'encrypt']);
    expect(warnings.map((warning) => describeProblem({ ...warning, file: path.basename(warning.file ?? '') }))).toEqual([
      'fsm.yaml:26: warning: machine "three-steps", state "Third": The exit action "LeaveThird" never runs, since a final state is never left. Remove it, or make it the entry action.',
      'fsm.yaml:49: warning: machine "provisioning", state "Boot", event "fail": The transition is never taken, since its state is final. Remove the transition, or "final".',
    ]);
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
          on: { hit: { target: 'pong', action: 'lib.actions.Nothing', local: false }, done: { target: 'over', local: false } },
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

  test('an import is found from every file of the tree', () => {
    expect(loadMachineFile(fixture('reference/examples/fsm.yaml')).machines).toEqual(loadMachineFile(fixture('reference/fsm.yaml')).machines);
  });

  test('anchors and merge keys are resolved', () => {
    const { machines } = loadYaml([
      'x-common: &common { do_action: a.Work, exit_action: a.Leave }',
      'machines:',
      '- name: m',
      '  states:',
      '  - { name: a, initial: true, <<: *common, exit_action: a.Other, transitions: [&end { target: z, event: done }] }',
      '  - { <<: [{ name: z }, *common], final: true, exit_action: "", name: z }',
    ].join('\n'), 'fsm.yaml');
    expect(machines[0]?.states).toMatchObject({ a: { do: 'a.Work', exit: 'a.Other' }, z: { do: 'a.Work', final: true } });
    expect(machines[0]?.states.z).not.toHaveProperty('exit');
  });

  test('its mistakes are found, too', () => {
    expect(problemsOf({
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
    })).toEqual([
      'fsm.yaml:2: machine "order": No state is the initial one. Add "initial: true" to the state that an execution enters first.',
      'fsm.yaml:3: machine "order": The number of retries is -1. Write an integer of 0 or more.',
      'fsm.yaml:6: machine "order", state "reserving": Unknown property "do_acton". Did you mean "do_action"?',
      'fsm.yaml:7: warning: machine "order", state "reserving": Unknown property "owner". Remove it; the properties of a state are "name", "initial", "final", "entry_action", "do_action", "exit_action" and "transitions".',
      'fsm.yaml:10: machine "order", state "reserving", event "reserved": There is a second event "reserved"; the first is in line 9. Rename or remove one of them.',
      'fsm.yaml:11: machine "order", state "reserving", event "late": The target "chargin" is no state. Did you mean "charging"?',
      'fsm.yaml:12: machine "order", state "reserving", event "odd": "target" is missing. Add it.',
      'fsm.yaml:13: machine "order", state "reserving": "event" is missing. Add it.',
      'fsm.yaml:14: machine "order", state "reserving": Instead of a transition there is the text "charging". Write a map with the properties "target", "event", "action" and "local".',
      'fsm.yaml:16: machine "order", state "charging": "final" must be true or false, but is the text "perhaps". Write true or false without quotes.',
      'fsm.yaml:17: machine "order", state "charging": "transitions" must be a list, but is a map. Put a dash before each item.',
      'fsm.yaml:19: machine "order", state "done": There is a second state "done"; the first is in line 18. Rename or remove one of them.',
      'fsm.yaml:20: machine "order": "name" is missing. Add it.',
      'fsm.yaml:21: machine "order": There is a second machine "order"; the first is in line 2. Rename or remove one of them.',
      'fsm.yaml:24: machine "order", state "b": There is a second initial state; the first is "a" in line 23. Keep one of them.',
      'fsm.yaml:25: machine "empty": "states" is missing. Add it.',
      'fsm.yaml:26: Instead of a machine there is the number 5. Write a map with the properties "name", "initial", "maxRetries", "backoff" and "states".',
    ]);
  });
});

describe('imports', () => {
  const machine = (name: string) => `{ name: ${name}, initial: a, states: { a: { final: true } } }`;

  test('are relative to the importing file', () => {
    expect(problemsOf({ 'a/b.yaml': 'machines: [{ import: ../c/d.yaml }]', 'c/d.yaml': 'machines: [{ import: e.yml }]', 'c/e.yml': machine('m') })).toEqual([]);
  });

  test('of one file by two others load it once', () => {
    expect(problemsOf({
      'a.yaml': 'machines: [{ import: b.yaml }, { import: ./c.yaml }]',
      'b.yaml': 'machines: [{ import: d.yaml }]',
      'c.yaml': 'machines: [{ import: ./d.yaml }]',
      'd.yaml': machine('m'),
    })).toEqual([]);
  });

  test('in a circle are refused with the way round', () => {
    expect(problemsOf({
      'a.yaml': 'machines:\n- import: x/b.yaml',
      'x/b.yaml': `machines:\n- ${machine('m')}\n- import: c.yaml`,
      'x/c.yaml': 'machines:\n\n- import: b.yaml',
    })).toEqual(['x/c.yaml:3: The files import each other: x/b.yaml -> x/c.yaml -> x/b.yaml. Remove one of the imports.']);
    expect(problemsOf({ 'a.yaml': 'machines: [{ import: a.yaml }]' })).toEqual(['a.yaml:1: The files import each other: a.yaml -> a.yaml. Remove one of the imports.']);
  });

  test('that lead nowhere are told with their place', () => {
    expect(problemsOf({ 'a.yaml': 'machines:\n- import: b.yaml\n- import: c.txt\n- import: [d]\n- import:' })).toEqual([
      'a.yaml:2: The file b.yaml does not exist. Correct the import.',
      'a.yaml:3: The file c.txt is neither YAML nor JSON. Give a file whose name ends with .yaml, .yml or .json.',
      'a.yaml:4: "import" must be text, but is a list. Write one name.',
      'a.yaml:5: "import" is missing. Add it.',
    ]);
  });

  test('with the same machine are told with both places', () => {
    expect(problemsOf({ 'a.yaml': 'machines: [{ import: b.yaml }, { import: c.yaml }]', 'b.yaml': machine('m'), 'c.yaml': machine('m') }))
      .toEqual(['c.yaml:1: machine "m": There is a second machine "m"; the first is in b.yaml:1. Rename or remove one of them.']);
  });
});

describe('files', () => {
  test.each<[string, Record<string, string>, string[]]>([
    ['that hold nothing', { 'a.yaml': '' }, ['a.yaml: The file holds nothing instead of a machine. Write a machine, or a list "machines".']],
    ['that hold something else', { 'a.yaml': '- a' }, ['a.yaml:1: The file holds a list instead of a machine. Write a machine, or a list "machines".']],
    ['with machines that are no list', { 'a.yaml': 'machines: { a: 1 }' }, ['a.yaml:1: "machines" must be a list of machines. Put a dash before each machine.']],
    ['with no machines', { 'a.json': '{ "machines": [] }' }, ['a.json:1: "machines" must be a list of machines. Put a dash before each machine.']],
    ['of another kind', { 'a.ts': '' }, ['a.ts: The file a.ts is neither YAML nor JSON. Give a file whose name ends with .yaml, .yml or .json.']],
    ['of broken YAML', { 'a.yaml': 'name: a\nstates: [\ninitial: b' }, [
      expect.stringMatching(/^a\.yaml:3: This is no YAML \(.+\)\. Correct the syntax; mind the indentation\.$/),
    ]],
    ['of broken JSON', { 'a.json': '{\n  "name": "a",\n  states: 1\n}' }, [expect.stringMatching(/^a\.json:3: This is no JSON \(.*\)\. Correct the syntax, or name the file \.yaml if it is YAML\.$/)]],
    ['of several documents', { 'a.yaml': 'a: 1\n---\nb: 2' }, ['a.yaml:2: The file has more than one YAML document. Put the machines into one list, or into several files.']],
    ['with keys that are no names', { 'a.yaml': 'name: a\n? [x]\n: y' }, expect.arrayContaining(['a.yaml:2: A key must be a plain name. Write `name: value`; put a name with special characters in quotes.'])],
    ['with an alias of nothing', { 'a.yaml': 'name: a\ninitial: *b' }, expect.arrayContaining(['a.yaml:2: There is no anchor &b before this *b. Define the anchor first, or correct its name.'])],
  ])('%s', (_name, files, expected) => {
    expect(problemsOf(files)).toEqual(expected);
  });

  test('that do not exist', () => {
    expect(() => loadMachineFile('nowhere/fsm.yaml')).toThrow(`The file ${path.resolve('nowhere/fsm.yaml')} does not exist. Correct the path.`);
  });

  test('that are folders', () => {
    expect(problemsIn({ 'fsm.yaml/a': '' }, (folder) => loadMachineFile(path.join(folder, 'fsm.yaml')))).toEqual([expect.stringContaining('cannot be read')]);
  });

  test('with a byte order mark', () => {
    expect(problemsOf({ 'a.json': '\uFEFF{ "name": "m", "initial": "a", "states": { "a": { "final": true } } }' })).toEqual([]);
  });

  const bombs: Record<string, string> = {
    'aliases of aliases': ['a0: &a0 [x, x]', ...Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)].join('\n'),
    'an alias of what it is in': 'a: &a [*a, *a, *a]',
    'merge keys of merge keys': ['a0: &a0 { x: 1 }', ...Array.from({ length: 60 }, (_, i) => `a${i + 1}: &a${i + 1} { <<: [*a${i}, *a${i}] }`)].join('\n'),
    'open brackets': '['.repeat(20_000),
    'open maps': '{a: '.repeat(20_000),
    'dashes': '- '.repeat(20_000),
    'indentation': Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    'sheer size': `name: ${'x'.repeat(5_000_000)}`,
  };
  test.each(Object.keys(bombs))('of %s are refused before they grow', (name) => {
    const start = performance.now();
    expect(problemsIn({}, () => loadYaml(bombs[name] ?? '', 'bomb.yaml'))).toEqual([expect.stringMatching(/^bomb\.yaml: The file holds a definition (of|nested) more than /)]);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test('that reach for a prototype get nowhere', () => {
    expect(problemsOf({ 'a.yaml': '__proto__: { polluted: true }\nname: m\ninitial: a\nstates:\n  a: { final: true }\n  __proto__: { final: true, polluted: true }' }))
      .toContain('a.yaml:6: machine "m", state "__proto__": The name "__proto__" of a state means something else to JavaScript. Choose another name.');
    expect({}).not.toHaveProperty('polluted');
  });
});
