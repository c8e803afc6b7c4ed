import * as path from 'node:path';
import * as ts from 'typescript';

const root = path.join(__dirname, '../..');

/** Mistakes in the order of the examples below, each of a kind that a newcomer makes. */
const source = `
import { defineMachine, implement } from './lambda/machine';

const order = defineMachine({
  name: 'order',
  initial: 'charging',
  states: {
    charging: { entry: 'open', do: 'charge', on: { charged: 'shipping', declined: 'cancelled' } },
    shipping: { do: 'ship', on: { delivered: 'done' } },
    done: { final: true },
    cancelled: { final: true },
  },
});

defineMachine({ name: 'm', initial: 'shiping', states: {
  shipping: { on: { delivered: 'dome', lost: { target: 'shiping' } }, catch: 'dona' },
  done: { final: true },
} });

defineMachine({ name: 'm', initial: 'a', retries: 1, states: {
  a: { doo: 'x', on: { go: { target: 'z', guard: 'x' } } },
  z: { final: true, on: { again: 'a' } },
} });

defineMachine({ name: 'm', initial: 'a', states: {
  a: { on: { go: 'z' }, timeout: { seconds: 60, event: 'gone' } },
  z: { final: true, timeout: { seconds: 60, event: 'go' } },
} });

implement(order, {
  open: async () => 'charged',
  charge: async () => 'chargd',
  ship: async (_context, run) => {
    if (run.attempt > 2) return 'declined';
    return 'delivered';
  },
});

implement(order, { open: async () => {}, charge: async () => 'charged' });
implement(order, { open: async () => {}, charge: async () => 'charged', ship: async () => {}, shp: async () => {} });
implement.for<{ at: Date }>();
`;

/** Each error that the compiler finds: the text that it points to, and what it says. */
function compile(text: string): [string, string][] {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['example.ts'] }, ts.sys, root);
  const file = path.join(root, 'example.ts');
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.getSourceFile = (name, target) => name === file ? ts.createSourceFile(name, text, target) : getSourceFile.call(host, name, target);
  const program = ts.createProgram([file], { ...options, types: ['node'] }, host);
  const diagnostics = [...program.getSyntacticDiagnostics(), ...program.getSemanticDiagnostics()];
  return diagnostics.map(({ file: found, start = 0, length = 0, messageText }) => [
    found?.text.slice(start, start + length) ?? '', ts.flattenDiagnosticMessageText(messageText, '\n'),
  ]);
}

test('compile errors point to the mistake and say what would be right', () => {
  const expected: [string, string][] = [
    ['initial', 'Type \'"shiping"\' is not assignable to type \'"shipping" | "done"\'. Did you mean \'"shipping"\'?'],
    ['delivered', 'Type \'"dome"\' is not assignable to type \'"shipping" | "done"\'.'],
    ['target', 'Type \'"shiping"\' is not assignable to type \'"shipping" | "done"\'. Did you mean \'"shipping"\'?'],
    ['catch', 'Type \'"dona"\' is not assignable to type \'"shipping" | "done"\'.'],
    ['retries', 'Type \'number\' is not assignable to type \'"A machine has no such property"\'.'],
    ['doo', 'Type \'"x"\' is not assignable to type \'"A state has no such property"\'.'],
    ['guard', 'Type \'"x"\' is not assignable to type \'"A transition has no such property"\'.'],
    ['on', 'Type \'{ again: string; }\' is not assignable to type \'"A final state has no transitions"\'.'],
    ['event', 'Type \'"gone"\' is not assignable to type \'"go"\'.'],
    ['timeout', 'Type \'{ seconds: number; event: string; }\' is not assignable to type \'"A final state has no timeout"\'.'],
    ['\'charged\'', expect.stringContaining('Type \'string\' is not assignable to type \'void\'')],
    ['\'chargd\'', expect.stringContaining('Type \'"chargd"\' is not assignable to type \'void | "charged" | "declined"\'. Did you mean \'"charged"\'?')],
    ['ship', expect.stringContaining('Type \'"declined"\' is not assignable to type \'void | "delivered"\'.')],
    ['{ open: async () => {}, charge: async () => \'charged\' }', expect.stringContaining('Property \'ship\' is missing')],
    ['shp', expect.stringContaining('Did you mean to write \'ship\'?')],
    ['{ at: Date }', expect.stringContaining('Type \'Date\' is not assignable to type \'"JSON has no dates: use text (toISOString) or a number (getTime)"\'.')],
  ];
  expect(compile(source)).toEqual(expected);
}, 60_000);
