import * as path from 'node:path';
import { ORDER, OUTPUT, assetOf, newStack, newWorkflow } from '../../../support/constructs';

const ACTIONS = path.join(__dirname, 'actions', 'commonjs', 'actions.mts');

test('without native esbuild, the WebAssembly build yields the same bundle', () => {
  const stack = newStack();
  newWorkflow(stack, { actions: ACTIONS });
  const native = assetOf(stack);

  const wasm = jest.requireActual<typeof import('esbuild-wasm')>('esbuild-wasm');
  const buildSync = jest.fn(wasm.buildSync);
  // Reloads the library, so that it loads esbuild again.
  jest.resetModules();
  jest.doMock('esbuild', () => {
    throw new Error('installed for another platform');
  });
  jest.doMock('esbuild-wasm', () => ({ ...wasm, buildSync }));
  const { App, AssetStaging, Stack } = jest.requireActual<typeof import('aws-cdk-lib')>('aws-cdk-lib');
  const { FsmWorkflow, MachineDefinition } = jest.requireActual<typeof import('cdk-lambda-fsm')>('cdk-lambda-fsm');
  const another = new Stack(new App({ outdir: OUTPUT }), 'Stack');
  new FsmWorkflow(another, 'Orders', { machines: [MachineDefinition.fromObject(ORDER)], actions: ACTIONS });

  expect(buildSync).toHaveBeenCalledTimes(1);
  another.node.scope?.node.findAll().forEach((construct) => App.isApp(construct) && construct.synth());
  const assets = another.node
    .findAll()
    .flatMap((construct) => (construct instanceof AssetStaging ? [construct.absoluteStagedPath] : []));
  expect(assets).toEqual([native]);
}, 60_000);
