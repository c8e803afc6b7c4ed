import * as path from 'node:path';
import { ORDER, OUTPUT, assetOf, newStack, newWorkflow } from './support';

const ACTIONS = path.join(__dirname, 'actions', 'commonjs', 'actions.mts');

test('where there is no native esbuild, the one in WebAssembly makes the same bundle', () => {
  const stack = newStack();
  newWorkflow(stack, { actions: ACTIONS });
  const native = assetOf(stack);

  const wasm = jest.requireActual<typeof import('esbuild-wasm')>('esbuild-wasm');
  const buildSync = jest.fn(wasm.buildSync);
  // Loaded again, so that the library looks for esbuild again.
  jest.resetModules();
  jest.doMock('esbuild', () => { throw new Error('installed for another platform'); });
  jest.doMock('esbuild-wasm', () => ({ ...wasm, buildSync }));
  const { App, AssetStaging, Stack } = jest.requireActual<typeof import('aws-cdk-lib')>('aws-cdk-lib');
  const { FsmWorkflow, MachineDefinition } = jest.requireActual<typeof import('cdk-lambda-fsm')>('cdk-lambda-fsm');
  const another = new Stack(new App({ outdir: OUTPUT }), 'Stack');
  new FsmWorkflow(another, 'Orders', { machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS });

  expect(buildSync).toHaveBeenCalledTimes(1);
  const assets = another.node.findAll().flatMap((construct) => construct instanceof AssetStaging ? [construct.absoluteStagedPath] : []);
  expect(assets).toEqual([native]);
}, 60_000);
