import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import * as api from 'cdk-lambda-fsm/client';

const root = join(__dirname, '..', '..', '..');

/** The source files below a folder. */
function sourcesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, folder, file), 'utf8'));
}

/** The errors that the documentation of a class names with `@throws`, or in the list of its class comment. */
function documentedErrors(file: string): readonly string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const named = source.matchAll(/(?:@throws |^ \* - |, )(?<name>[A-Z]\w+Error)\b/gm);
  return [...new Set([...named].map(({ groups }) => groups?.name ?? ''))].sort();
}

const exported = new Map(
  Object.entries(api).filter(([, value]) => typeof value === 'function' && value.prototype instanceof api.FsmError),
);

/** Every class of lambda that extends FsmError, with its code. */
const classes = ['machine', 'engine', 'aws', 'runtime']
  .flatMap((layer) => sourcesIn(`lambda/${layer}`))
  .flatMap((source) => [...source.matchAll(/class (?<name>\w+) extends FsmError \{(?<body>[^]*?)\n\}/g)])
  .map(({ groups = {} }) => ({
    name: groups.name ?? '',
    declaredName: /name = '(\w+)'/.exec(groups.body ?? '')?.[1],
    code: /code = '(\w+)'/.exec(groups.body ?? '')?.[1],
  }));

describe('errors', () => {
  test.each(['lambda/client/workflow-client.ts', 'lambda/engine/executions/executions.ts'])(
    'that %s documents are exported',
    (file) => {
      const documented = documentedErrors(file);
      expect(documented.length).toBeGreaterThan(10);
      expect([...exported.keys()]).toEqual(expect.arrayContaining([...documented]));
    },
  );

  test('that the code of the client can throw are exported', () => {
    // A bundle without unused code contains exactly the classes that are thrown somewhere, or chosen from a table.
    const { outputFiles } = buildSync({
      absWorkingDir: root,
      stdin: {
        contents:
          "export { WorkflowClient } from './lambda/client'; export { lockCache } from './lambda/client/lock-cache';",
        resolveDir: root,
      },
      bundle: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      write: false,
    });
    const thrown = new Set([...outputFiles[0]!.text.matchAll(/ name = "(\w+Error)";/g)].map(([, name]) => name));
    expect(thrown.size).toBeGreaterThan(20);
    expect([...thrown].sort()).toEqual([...exported.keys()].sort());
  });

  test('that are exported are documented', () => {
    expect(documentedErrors('lambda/client/workflow-client.ts')).toEqual([...exported.keys()].sort());
  });

  test('have a name equal to their class, and a unique code in SCREAMING_SNAKE_CASE', () => {
    expect(classes.length).toBeGreaterThan(25);
    for (const { name, declaredName, code } of classes) {
      expect(declaredName).toBe(name);
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    }
    expect(new Set(classes.map(({ code }) => code)).size).toBe(classes.length);
    expect(classes.map(({ name }) => name)).toEqual(expect.arrayContaining([...exported.keys()]));
  });

  test('of lambda are all derived from one class', () => {
    const strays = ['machine', 'engine', 'aws', 'runtime']
      .flatMap((layer) => sourcesIn(`lambda/${layer}`))
      .flatMap((source) => [...source.matchAll(/class (\w+) extends Error\b/g)].map(([, name]) => name));
    // The base class, and an error that never leaves its file.
    expect(strays.sort()).toEqual(['FsmError', 'TooLargeError']);
  });

  test('distinguish a temporary failure from a permanent one, and keep the cause', () => {
    const throttled = new Error('slow down');
    const denied = new api.AccessDeniedError(
      { service: 'Amazon SQS', action: 'sqs:SendMessage', resource: 'queue "q"' },
      new Error('no'),
    );
    const refused = (...errors: Error[]) =>
      new api.NotDispatchedError(
        'the start',
        errors.map((error) => ({ transport: 'sqs', error })),
      );
    expect(refused(throttled)).toMatchObject({ retryable: true, cause: throttled });
    expect(refused(denied)).toMatchObject({ retryable: false, cause: denied });
    expect(refused(denied, throttled)).toMatchObject({ retryable: true, cause: expect.any(AggregateError) });
    expect(new api.ExecutionNotFoundError('x').retryable).toBe(false);
    expect(new api.MailboxFullError('x', 'paid').retryable).toBe(true);
  });
});
