import { loadYaml } from '../../../lambda/machine';

/** A chain of states, in about 90 characters each. Honest text is limited only by its length. */
function chain(states: number): string {
  const lines = Array.from({ length: states }, (_, index) => [
    `  s${index}:`,
    '    do: doTheWorkOfThisState',
    '    on:',
    `      nextStateIsReady: s${index + 1}`,
    `      stop: s${states}`,
  ]);
  return ['name: chain', 'initial: s0', 'states:', ...lines.flat(), `  s${states}:`, '    final: true'].join('\n');
}

test('a YAML machine of 10,000 states loads', () => {
  const text = chain(10_000);
  expect(text.length).toBeGreaterThan(900_000);
  const { machines } = loadYaml(text, 'chain.yaml');
  expect(Object.keys(machines[0]?.states ?? {})).toHaveLength(10_001);
});

test('a machine in the flow style of YAML loads', () => {
  const states = Array.from({ length: 10_000 }, (_, index) => `s${index}: { do: act, on: { next: s${index + 1} } }`);
  const text = `{ name: chain, initial: s0, states: { ${states.join(', ')}, s10000: { final: true } } }`;
  expect(Object.keys(loadYaml(text, 'chain.yaml').machines[0]?.states ?? {})).toHaveLength(10_001);
});

test('aliases may repeat parts, but not without limit', () => {
  const of = (levels: number) =>
    [
      'l0: &l0 [x, x, x, x]',
      ...Array.from({ length: levels }, (_, n) => `l${n + 1}: &l${n + 1} [*l${n}, *l${n}]`),
    ].join('\n');
  expect(() => loadYaml(of(3), 'aliases.yaml')).toThrow(/Unknown|unknown|expected/);
  expect(() => loadYaml(of(30), 'aliases.yaml')).toThrow('more than 200000 values');
});
