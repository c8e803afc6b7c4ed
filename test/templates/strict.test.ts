import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pages, ROOT } from '../support/pages';
import { run } from '../support/processes';
import { writeBlocks } from '../support/snippets';

/* `cdk synth --strict` accepts every example, and every stack and app of the documentation. It fails on warnings. */

const FOLDER = '.readme/strict';

const files = pages().flatMap(({ path, blocks }) =>
  writeBlocks(blocks, `${FOLDER}/${basename(path, '.md')}`).filter((file) => file !== undefined),
);
const stacks = files.filter((file) => file.endsWith('-stack.ts'));

/** An app with the stacks of all pages. Each page's file exports classes that are stacks. */
function appOfStacks(): string {
  const app = join(ROOT, FOLDER, 'stacks.ts');
  const code = [
    "import { App } from 'aws-cdk-lib';",
    ...stacks.map((file, index) => `import * as page${index} from ${JSON.stringify(file)};`),
    'const app = new App();',
    ...stacks.map(
      (_, index) =>
        `for (const [name, PageStack] of Object.entries(page${index})) new PageStack(app, \`\${name}${index}\`);`,
    ),
  ];
  writeFileSync(app, `${code.join('\n')}\n`);
  return app;
}

const examples = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((file) => basename(file) === 'app.ts')
  .map((file) => join('examples', file));

test.each([...examples, ...files.filter((file) => basename(file) === 'app.ts'), appOfStacks()])(
  '%s',
  async (app) => {
    const cdk = join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');
    // The CDK splits the command at spaces, even in quotes.
    const program = `node_modules/.bin/tsx ${app.replace(`${ROOT}/`, '')}`;
    const output = join(ROOT, FOLDER, 'cdk.out');
    await run(
      process.execPath,
      [cdk, 'synth', '--strict', '--quiet', '--no-notices', '--app', program, '--output', output],
      {
        cwd: ROOT,
        env: { ...process.env, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1' },
      },
    );
  },
  120_000,
);

test('the documentation has stacks and apps', () => {
  expect(stacks.length).toBeGreaterThan(2);
  expect(examples).toContain('examples/order/app.ts');
});
