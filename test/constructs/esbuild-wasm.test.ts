import * as path from 'node:path';
import { assetOf, newStack, newWorkflow } from './support';

const ACTIONS = path.join(__dirname, 'actions', 'commonjs', 'actions.mts');

test('where there is no native esbuild, the one in WebAssembly makes the same bundle', () => {
  const stack = newStack();
  newWorkflow(stack, { actions: ACTIONS });
  const native = path.basename(assetOf(stack));

  const wasm = jest.requireActual<typeof import('esbuild-wasm')>('esbuild-wasm');
  const buildSync = jest.fn(wasm.buildSync);
  // Loaded again, so that the library looks for esbuild again.
  jest.resetModules();
  jest.doMock('esbuild', () => { throw new Error('installed for another platform'); });
  jest.doMock('esbuild-wasm', () => ({ ...wasm, buildSync }));
  const again = jest.requireActual<typeof import('./support')>('./support');
  const stackAgain = again.newStack();
  again.newWorkflow(stackAgain, { actions: ACTIONS });

  expect(buildSync).toHaveBeenCalledTimes(1);
  expect(path.basename(again.assetOf(stackAgain))).toBe(native);
}, 60_000);
