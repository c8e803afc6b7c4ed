import { basename } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describeProblem, InvalidDefinitionError, loadMachineFile } from '../../lambda/machine';
import { pages } from '../support/pages';
import { writeBlocks, type Block } from '../support/snippets';

/* Every block of the pages is loaded or run, or compiled by compile.test.ts. A block that no test covers fails the suite. */

jest.setTimeout(120_000);

interface Snippet extends Block {
  readonly page: string;
  /** Its file, if it is one. */
  readonly file?: string;
}

const snippets = pages().flatMap(({ path, blocks }): Snippet[] => {
  const files = writeBlocks(blocks, `.readme/docs/${basename(path, '.md')}`);
  return blocks.map((block, index) => ({ ...block, page: path, file: files[index] }));
});
const filesIn = (language: string) =>
  snippets.flatMap((snippet) =>
    snippet.language === language && snippet.file ? [{ ...snippet, file: snippet.file }] : [],
  );
const placeOf = ({ page, line }: Snippet) => `${page}:${line}`;

test('every block is in a language that is tested here', () => {
  const tested = ['ts', 'yaml', 'json', 'sh', 'text', 'mermaid'];
  expect(snippets.filter(({ language }) => !tested.includes(language)).map(placeOf)).toEqual([]);
  const fences = pages().map(({ path, text }) => [path, (text.match(/^ *```/gm)?.length ?? 0) / 2]);
  expect(fences).toEqual(pages().map(({ path, blocks }) => [path, blocks.length]));
});

test('the machine definitions load, except those that show an error', () => {
  const definitions = [...filesIn('yaml'), ...filesIn('json')].filter(({ mark }) => mark !== 'data');
  expect(definitions.length).toBeGreaterThan(0);
  const wrong = definitions.filter(({ file, mark }) => problemsOf(file).length > 0 !== (mark === 'invalid'));
  expect(wrong.map((snippet) => [placeOf(snippet), ...problemsOf(snippet.file)])).toEqual([]);
});

test('a page shows the errors of the definition above', () => {
  for (const { page, line, file, mark } of filesIn('yaml')) {
    if (mark !== 'invalid') continue;
    const shown = snippets.find(
      (snippet) => snippet.page === page && snippet.line > line && snippet.language === 'text',
    );
    const found = problemsOf(file).map((problem) => problem.replaceAll(file, basename(file)));
    expect(shown?.code.trimEnd().split('\n')).toEqual(found);
  }
});

test('the rest of the JSON is JSON', () => {
  for (const { code, mark } of filesIn('json')) if (mark === 'data') JSON.parse(code);
});

/** Excerpts whose setup begins with this line are run, which checks what the compiler cannot: the properties of constructs. */
const RUN = '// run';

test.each(
  filesIn('ts')
    .filter(({ name, setup }) => name === undefined && setup.startsWith(RUN))
    .map((snippet) => [placeOf(snippet), snippet.file] as const),
)('the code of %s runs', async (_place, file) => {
  jest.spyOn(console, 'log').mockImplementation();
  // The support file has wrapped the excerpt in this function.
  await jest.requireActual<{ example(): Promise<void> }>(file).example();
});

const STACKS: Readonly<Record<string, (template: Template) => void>> = {
  'video-stack.ts': (template) => {
    template.resourceCountIs('AWS::ECS::TaskDefinition', 1);
    template.resourceCountIs('AWS::Events::Rule', 3);
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /videos' });
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: 'POST /callback' });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.handler',
      Environment: { Variables: { FSM_ECS_TASKS: {}, CALLBACK_URL: {} } },
    });
  },
  'order-stack.ts': (template) => {
    template.resourceCountIs('AWS::Lambda::EventSourceMapping', 3);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.handler',
      Environment: { Variables: { FSM_WORKFLOW: {} } },
    });
  },
  'expense-stack.ts': (template) => template.resourceCountIs('AWS::Lambda::EventSourceMapping', 2),
};

test.each(filesIn('ts').filter(({ name = '' }) => name.endsWith('-stack.ts')))(
  'the stack $name of $page is synthesized',
  ({ name = '', file }) => {
    // A file of this name exports a class that is a stack with a stack's parameters.
    const exported = jest.requireActual<Record<string, new (scope: App, id: string) => Stack>>(file);
    for (const StackClass of Object.values(exported)) {
      const template = Template.fromStack(new StackClass(new App(), 'Docs'));
      STACKS[name]?.(template);
    }
  },
);

for (const { name = '', page, file } of filesIn('ts')) {
  if (name.endsWith('.test.ts')) describe(`${name} of ${page}`, () => void jest.requireActual(file));
}

function problemsOf(file: string): string[] {
  try {
    return loadMachineFile(file).warnings.map(describeProblem);
  } catch (error) {
    if (error instanceof InvalidDefinitionError) return error.problems.map(describeProblem);
    throw error;
  }
}
