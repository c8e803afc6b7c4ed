import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { buildEsm } from '../../../scripts/build-esm';

jest.setTimeout(60_000);

const root = join(__dirname, '..', '..', '..');
const KB = 1024;

const temporary = mkdtempSync(join(tmpdir(), 'client-'));
afterAll(() => rmSync(temporary, { recursive: true }));

/**
 * The module that a user's function imports: the TypeScript source, and the file that bundlers select from the package. The limits are those
 * of a bundle of one file, which contains every broker, and wraps each file that is loaded on demand.
 */
const ENTRIES = {
  'the source': { entry: join(root, 'lambda/client/index.ts'), limit: 62 * KB },
  'the package': { entry: join(temporary, 'client/index.js'), limit: 60 * KB },
};
beforeAll(() => buildEsm(temporary));

/** Bundles a function that uses the client, as NodejsFunction does: without the AWS SDK. */
async function bundle(entry: string, options: Partial<BuildOptions> = {}) {
  const result = await build({
    absWorkingDir: root,
    stdin: { contents: `export { FsmError, WorkflowClient } from '${entry}';`, resolveDir: root },
    outdir: join(temporary, 'out'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node22',
    external: ['@aws-sdk/*', '@smithy/*'],
    logLevel: 'silent',
    ...options,
    write: false,
    metafile: true,
  });
  return { ...result, inputs: inputsOf(result.metafile), text: result.outputFiles.map(({ text }) => text).join('\n') };
}

/** The files that contribute code, or that would if nothing was dropped. */
function inputsOf({ outputs }: Metafile): readonly string[] {
  return Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
}

/** Bytes of the chunks that a process loads if its workflow uses these services: each chunk imports the AWS client of one. */
function loadedBytes({ outputs }: Metafile, services: readonly string[]): number {
  const loaded = new Set<string>();
  const load = (path: string) => {
    const chunk = outputs[path];
    if (!chunk || loaded.has(path)) return;
    loaded.add(path);
    chunk.imports.filter(({ kind }) => kind !== 'dynamic-import').forEach((imported) => load(imported.path));
  };
  const packages = services.map((service) => `@aws-sdk/client-${service}`);
  for (const [path, { entryPoint, imports }] of Object.entries(outputs)) {
    if (entryPoint === '<stdin>' || imports.some((imported) => packages.includes(imported.path))) load(path);
  }
  return [...loaded].reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0);
}

describe.each(Object.entries(ENTRIES))('a bundle of %s', (_, { entry, limit }) => {
  test('holds no YAML parser, no diagrams, no cache client and no part of the engine that runs steps', async () => {
    const { inputs, text } = await bundle(entry, { format: 'cjs' });
    expect(inputs.filter((file) => file.includes('node_modules'))).toEqual([]);
    expect(
      inputs.filter((file) => /machine\/(diagram|read|load|validate)|engine\/(step|definitions)\//.test(file)),
    ).toEqual([]);
    expect(text).not.toMatch(/stateDiagram|digraph|YAMLParseError|enableReadyCheck:\s*true/);
    expect(
      inputs.filter((file) => /elasticache|dead-letter|retry-queue|batched-acquire|running-executions/.test(file)),
    ).toEqual([]);
    // The files of the package are bundles themselves, so their texts must show it as well.
    expect(text).not.toMatch(/iovalkey'|EVALSHA|RETURNING ALL NEW|ReceiveMessage/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
  });

  test.each([['sqs'], ['kinesis'], ['sns'], ['dynamodb']])(
    'loads at most 60 KB for a workflow that uses %s',
    async (broker) => {
      const { metafile } = await bundle(entry, { format: 'esm', splitting: true });
      expect(loadedBytes(metafile, ['dynamodb', broker])).toBeGreaterThan(50 * KB);
      expect(loadedBytes(metafile, ['dynamodb', broker])).toBeLessThanOrEqual(60 * KB);
    },
  );

  test('imports packages of the AWS SDK and of the lock cache only when they are used', async () => {
    const { metafile } = await bundle(entry, { format: 'esm', splitting: true });
    const [main] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint === '<stdin>');
    const external = main?.imports.filter((imported) => imported.external).map(({ path }) => path);
    expect(new Set(external)).toEqual(new Set(['node:crypto']));
  });
});

test('a bundle can be built without the optional packages', async () => {
  // No folder of packages lies above the temporary one. By default, NodejsFunction does not leave out the packages of Smithy.
  const { errors, warnings } = await bundle(ENTRIES['the package'].entry, { format: 'cjs', external: ['@aws-sdk/*'] });
  expect(errors).toEqual([]);
  expect(warnings).toEqual([]);
});

test('the compiled CommonJS, from which bundlers drop nothing, imports only modules that the client needs', async () => {
  const { inputs, text } = await bundle(ENTRIES['the source'].entry, { format: 'cjs', treeShaking: false });
  expect(
    inputs.filter((file) => /node_modules|machine\/(index|diagram|read|load)|engine\/(index|step)/.test(file)),
  ).toEqual([]);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(77 * KB);
});
