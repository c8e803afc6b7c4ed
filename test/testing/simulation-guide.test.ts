import { join } from 'node:path';
import { Snippets } from '../snippets';

/* The code of the guide is compiled as a user's project would compile it, and its tests are run. */

jest.setTimeout(120_000);

const snippets = Snippets.of('docs/simulation.md', '.readme/simulation');

test('the guide has the snippets that are tested here, and no code that is not', () => {
  expect(snippets.names).toEqual(['order.ts', 'order.simulation.test.ts']);
  expect(snippets.blocks).toBe(snippets.names.length);
});

test('they compile', () => {
  expect(snippets.problems()).toEqual([]);
});

describe('the tests in the guide', () => {
  jest.requireActual(join(snippets.folder, 'order.simulation.test.ts'));
});
