import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStack } from '../../../../lambda/local/template/assembly';
import { assemblyOf, temporaryDirectory } from '../../../support/local';

const TEMPLATE = { Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'orders' } } } };

/** Writes an assembly, one file of which has another text. */
function assemblyWith(file: string, text: string): string {
  const directory = assemblyOf(TEMPLATE);
  writeFileSync(join(directory, file), text);
  return directory;
}

test('reads the template and the assets of a stack', () => {
  const directory = assemblyOf(TEMPLATE);
  expect(readStack(directory)).toEqual({
    name: 'Shop',
    template: TEMPLATE,
    assets: new Map([['code.zip', join(directory, 'asset.code')]]),
  });
});

test('a folder or file that is no cloud assembly is refused', () => {
  const folder = temporaryDirectory();
  for (const path of [folder, join(folder, 'missing'), join(assemblyOf(TEMPLATE), 'Shop.template.json')]) {
    expect(() => readStack(path)).toThrow(
      `${path} is not a cloud assembly: it has no manifest.json. Run "cdk synth" and pass the folder that it writes (cdk.out).`,
    );
  }
});

const NOT_OBJECTS = ['', '{', 'null', '7', '"text"', '[]'];

test.each(
  ['manifest.json', 'Shop.template.json', 'Shop.assets.json'].flatMap((file) =>
    NOT_OBJECTS.map((text) => [file, text] as const),
  ),
)('%s with the text %j is refused, and named', (file, text) => {
  const directory = assemblyWith(file, text);
  expect(() => readStack(directory)).toThrow(/^Cannot read .*: .+\. Run "cdk synth" again\.$/);
  expect(() => readStack(directory)).toThrow(join(directory, file));
});

test('a file that is missing or a folder is refused', () => {
  const directory = assemblyOf(TEMPLATE);
  rmSync(join(directory, 'Shop.template.json'));
  expect(() => readStack(directory)).toThrow(/^Cannot read .*Shop\.template\.json: ENOENT/);
  mkdirSync(join(directory, 'Shop.template.json'));
  expect(() => readStack(directory)).toThrow(/^Cannot read .*Shop\.template\.json: EISDIR/);
});

test.each(['{"artifacts":null}', '{"artifacts":{"a":null,"b":7,"c":{"type":"aws:cloudformation:stack"}}}', '{}'])(
  'a manifest with %s contains no stacks',
  (manifest) => {
    expect(() => readStack(assemblyWith('manifest.json', manifest))).toThrow(
      /^Specify the stack to run: .* contains no stacks\.$/,
    );
  },
);

test('entries that are no resources are ignored', () => {
  const resources = { ...TEMPLATE.Resources, a: null, b: 7, c: {}, d: { Type: 'AWS::SQS::Queue', Properties: [] } };
  expect(readStack(assemblyOf({ Resources: resources })).template).toEqual(TEMPLATE);
});

test('an unknown stack is refused, with the stacks that exist', () => {
  expect(() => readStack(assemblyOf(TEMPLATE), 'Other')).toThrow(/^Unknown stack "Other": .* contains "Shop"\.$/);
});
