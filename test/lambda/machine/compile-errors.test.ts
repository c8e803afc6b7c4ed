import * as path from 'node:path';
import * as ts from 'typescript';

const root = path.join(__dirname, '../../..');

/** Mistakes that newcomers make, in the order of the expected errors below. */
const source = `
import { WorkflowClient } from './lambda/client';
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
implement(order, { open: async () => {}, charge: () => 'charged', ship: async () => {} });

const typed = defineMachine.for<{ context: { sku: string }; events: { paid: { cents: number } } }>()({
  name: 'typed', initial: 'a', states: { a: { on: { paid: 'z', declined: 'z' } }, z: { final: true } },
});
const client = new WorkflowClient<typeof typed>('');
void client.start({ machine: 'tpyed', context: { sku: 'tea' } });
void client.start({ machine: 'typed', context: { skew: 'tea' } });
void client.start({ machine: 'typed' });
void client.send('x', 'payed', { data: { cents: 1 } });
void client.send('x', 'paid');
void client.send('x', 'paid', { data: { cent: 1 } });
void client.send('x', 'declined', { data: 1 });
defineMachine.for<{ events: { payed: number } }>()({
  name: 'typed', initial: 'a', states: { a: { on: { paid: 'z' } }, z: { final: true } },
});
`;

/** Compiles a text, and returns for each error the code that it points to and its message. */
function compile(text: string): [string, string][] {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['example.ts'] }, ts.sys, root);
  const file = path.join(root, 'example.ts');
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists.call(host, name);
  host.getSourceFile = (name, target) =>
    name === file ? ts.createSourceFile(name, text, target) : getSourceFile.call(host, name, target);
  const program = ts.createProgram([file], { ...options, types: ['node'] }, host);
  const diagnostics = [...program.getSyntacticDiagnostics(), ...program.getSemanticDiagnostics()];
  return diagnostics.map(({ file: found, start = 0, length = 0, messageText }) => [
    found?.text.slice(start, start + length) ?? '',
    ts.flattenDiagnosticMessageText(messageText, '\n'),
  ]);
}

test('compile errors point to the mistake and name the expected values', () => {
  const expected: [string, string][] = [
    ['initial', 'Type \'"shiping"\' is not assignable to type \'"done" | "shipping"\'. Did you mean \'"shipping"\'?'],
    ['delivered', 'Type \'"dome"\' is not assignable to type \'"done" | "shipping"\'.'],
    ['target', 'Type \'"shiping"\' is not assignable to type \'"done" | "shipping"\'. Did you mean \'"shipping"\'?'],
    ['catch', 'Type \'"dona"\' is not assignable to type \'"done" | "shipping"\'.'],
    ['retries', "Type 'number' is not assignable to type '\"Unknown property of a machine\"'."],
    ['doo', 'Type \'"x"\' is not assignable to type \'"Unknown property of a state"\'.'],
    ['guard', 'Type \'"x"\' is not assignable to type \'"Unknown property of a transition"\'.'],
    ['on', "Type '{ again: string; }' is not assignable to type '\"A final state cannot have transitions\"'."],
    ['event', 'Type \'"gone"\' is not assignable to type \'"go"\'.'],
    [
      'timeout',
      "Type '{ seconds: number; event: string; }' is not assignable to type '\"A final state cannot have a timeout\"'.",
    ],
    ["'charged'", expect.stringContaining("Type 'string' is not assignable to type 'void'")],
    [
      "'chargd'",
      expect.stringContaining(
        'Type \'"chargd"\' is not assignable to type \'void | "charged" | "declined"\'. Did you mean \'"charged"\'?',
      ),
    ],
    ['ship', expect.stringContaining('Type \'"declined"\' is not assignable to type \'void | "delivered"\'.')],
    ["{ open: async () => {}, charge: async () => 'charged' }", expect.stringContaining("Property 'ship' is missing")],
    ['shp', expect.stringContaining("Did you mean to write 'ship'?")],
    [
      '{ at: Date }',
      expect.stringContaining(
        "Type 'Date' is not assignable to type '\"JSON has no dates: use text (toISOString) or a number (getTime)\"'.",
      ),
    ],
    ["'charged'", expect.stringContaining('DoActionMustBeAsync<')],
    ['machine', 'Type \'"tpyed"\' is not assignable to type \'"typed"\'.'],
    ['skew', "Object literal may only specify known properties, and 'skew' does not exist in type '{ sku: string; }'."],
    ["{ machine: 'typed' }", expect.stringContaining("Property 'context' is missing")],
    ["'payed'", 'Argument of type \'"payed"\' is not assignable to parameter of type \'"declined" | "paid"\'.'],
    ['send', 'Expected 3 arguments, but got 2.'],
    ['cent', expect.stringContaining("Did you mean to write 'cents'?")],
    ['data', "Type 'number' is not assignable to type 'undefined'."],
    ['states', expect.stringContaining('No state handles the declared event \\"payed\\"')],
  ];
  expect(compile(source)).toEqual(expected);
}, 60_000);
