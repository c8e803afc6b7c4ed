import { InvalidDefinitionError, loadYaml } from '../../lambda/machine';

/** The size of the largest realistic definition. */
const FULL = 999_000;

const HOSTILE: Record<string, string> = {
  brackets: '['.repeat(FULL),
  braces: '{a: '.repeat(FULL / 4),
  dashes: '- '.repeat(FULL / 2),
  'question marks': '? '.repeat(FULL / 2),
  colons: ': '.repeat(FULL / 2),
  commas: `[${','.repeat(FULL)}`,
  quotes: '"'.repeat(FULL),
  anchors: '&a '.repeat(FULL / 3),
  aliases: '*a '.repeat(FULL / 3),
  tags: '!a '.repeat(FULL / 3),
  documents: '---\n'.repeat(FULL / 4),
  'empty lines': '\n'.repeat(FULL),
  'one key': 'x: 1\n'.repeat(FULL / 5),
  items: `a: [${'x,'.repeat(FULL / 2)}]`,
  escapes: `a: "${'\\u'.repeat(FULL / 2)}"`,
  'one alias': '*'.repeat(FULL),
  'one block scalar': '|'.repeat(FULL),
  'one key of a megabyte': `${'x'.repeat(1000)}: 1\n`.repeat(FULL / 1004),
  'a line of ten megabytes': 'x'.repeat(10_000_000),
  NUL: '\0'.repeat(FULL),
};

test.each(Object.keys(HOSTILE))(
  'a definition that consists of %s is rejected quickly, with a short message',
  (name) => {
    const before = process.memoryUsage().rss;
    const start = process.cpuUsage();
    let thrown: unknown;
    try {
      loadYaml(HOSTILE[name] ?? '', 'hostile.yaml');
    } catch (error) {
      thrown = error;
    }
    // The worst case takes some seconds, because the parser reports each escape; the limit allows for a slow machine.
    expect(process.cpuUsage(start).user / 1_000).toBeLessThan(25_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(500_000_000);
    expect(thrown).toBeInstanceOf(InvalidDefinitionError);
    expect(String(thrown).length).toBeLessThan(100_000);
  },
  30_000,
);

test.each(['.inf', '-.inf', '.nan', '1e999', '-1', '1.5', '0x1fffffffffffffffff', '99999999999999999999999'])(
  '%s is neither a valid number of retries nor of seconds',
  (number) => {
    const text = `{ name: m, initial: a, maxRetries: ${number}, backoff: { baseSeconds: ${number === '1.5' ? -1 : number} }, states: { a: { final: true } } }`;
    expect(() => loadYaml(text, 'hostile.yaml')).toThrow(
      /^2 errors in the machine definition:[^]*Invalid "maxRetries": [^]*Invalid "baseSeconds": /,
    );
  },
);

test.each(['"\\ud800"', '"a\\udc00b"', '"a\\u202eb"', '"a\\u200bb"', '"a\\x7fb"', '"a\\nb"', '"\\0"', '"a\\u2028b"'])(
  'rejects the name %s',
  (name) => {
    expect(() => loadYaml(`{ name: ${name}, initial: a, states: { a: { final: true } } }`, 'hostile.yaml')).toThrow(
      'expected no line breaks, control or format characters, or unpaired surrogates',
    );
  },
);

test.each([
  ['{ name: m, initial: a, states: { a: { on: { go: !Command b } }, b: { final: true } } }', '!Command', 1],
  ['{ name: m, initial: a, states: { a: { final: !!bool "true" } } }', 'tag:yaml.org,2002:bool', 1],
  ['name: m\ninitial: "1"\nstates:\n  !!str 1: { final: true }', 'tag:yaml.org,2002:str', 4],
  ['name: m\ninitial: a\nstates: !!map\n  a: { final: true }', 'tag:yaml.org,2002:map', 4],
  ['name: !!binary aGVsbG8=\ninitial: a\nstates: { a: { final: true } }', 'tag:yaml.org,2002:binary', 1],
  ['!!js/function "() => 1"', 'tag:yaml.org,2002:js/function', 1],
])('refuses the tag in %j', (text, tag, line) => {
  expect(() => loadYaml(text, 'hostile.yaml')).toThrow(
    new RegExp(`hostile.yaml:${line}: .*Unsupported YAML tag "${tag}"\\. Remove the tag`),
  );
});

test.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'])(
  '"%s", which every object inherits, is a valid name',
  (name) => {
    const [machine] = loadYaml(
      `{ name: ${name}, initial: ${name}, states: { ${name}: { on: { ${name}: end } }, end: { final: true } } }`,
      'hostile.yaml',
    ).machines;
    expect(Object.keys(machine?.states ?? {})).toEqual([name, 'end']);
    expect(Object.keys(machine?.states[name]?.on ?? {})).toEqual([name]);
    expect(() => loadYaml(`{ name: m, initial: a, states: { a: { on: { go: ${name} } } } }`, 'hostile.yaml')).toThrow(
      `The target state "${name}" does not exist`,
    );
  },
);

test('definitions do not change Object.prototype', () => {
  const own = Object.getOwnPropertyNames(Object.prototype);
  for (const text of [
    '{ __proto__: { polluted: true }, name: m }',
    '{ constructor: { prototype: { polluted: true } } }',
    '{ <<: { __proto__: { polluted: true } } }',
    '{ name: m, initial: a, states: { a: { on: { __proto__: { target: a, polluted: true } } } } }',
  ]) {
    expect(() => loadYaml(text, 'hostile.yaml')).toThrow(InvalidDefinitionError);
  }
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(own);
  expect({}).not.toHaveProperty('polluted');
});
