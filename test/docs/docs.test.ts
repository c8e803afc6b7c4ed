import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { MEASURE_NAMES, METRIC_NAMES } from '../../lambda/contract/metrics';
import { MUTATIONS } from '../../model/runs';
import { all, pages, ROOT } from '../support/pages';
import * as client from 'cdk-lambda-fsm/client';

/* The commands, files, links and names on the pages exist. */

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
// The shapes of files of this project.
const { scripts, bin } = JSON.parse(read('package.json')) as Readonly<
  Record<'scripts' | 'bin', Record<string, string>>
>;
const { tasks } = JSON.parse(read('.projen/tasks.json')) as {
  tasks: Record<string, { steps?: { exec?: string; execArgs?: string[] }[] }>;
};

describe.each(pages())('$path', ({ path, text, blocks }) => {
  const folder = join(ROOT, dirname(path));

  test('names npm scripts that exist', () => {
    expect(all(text, /npm run ([\w:-]+)/g).filter((script) => !(script in scripts))).toEqual([]);
  });

  test('names files and folders that exist', () => {
    const named = all(text, /`((?:src|lambda|test|model|examples|bench|scripts|docs)\/[\w./-]+)`/g);
    // add-a-broker.test.ts checks the files on that page, placeholders included.
    if (path !== 'docs/contributing/add-a-broker.md') {
      expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    }
  });

  test('links to files and headings that exist', () => {
    const links = all(text, /\]\((?!https?:)([^)]+)\)/g);
    const broken = links.filter((link) => {
      const [file = '', heading] = link.split('#');
      const target = file === '' ? join(ROOT, path) : resolve(folder, file);
      return (
        !existsSync(target) || (heading !== undefined && !headingsOf(readFileSync(target, 'utf8')).includes(heading))
      );
    });
    expect(broken).toEqual([]);
  });

  test('names planted mistakes that exist', () => {
    const planted = MUTATIONS.map(({ mutation }) => mutation);
    expect(all(text, /(MUTATE_\w+)/g).filter((name) => !planted.includes(name))).toEqual([]);
  });

  test('has commands in its shell blocks that exist', () => {
    const shell = blocks.filter(({ language }) => language === 'sh');
    const wrong = shell.flatMap(({ code, line }) =>
      commandsOf(code)
        .filter((command) => !isCommand(command))
        .map((command) => `line ${line}: ${command}`),
    );
    expect(wrong).toEqual([]);
  });
});

test('the guarantees name a test for each invariant', () => {
  const page = read('docs/reference/guarantees.md');
  const rows = page.split('\n').filter((line) => line.startsWith('| **'));
  const names = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I11'];
  expect(all(page, /^\| \*\*(I\d+)/gm)).toEqual(names);
  for (const row of rows) expect(row).toMatch(/`(npm run \w+|test\/[^`]+)`[^|]*\|$/);
});

test('the page of the client describes each method and each error', () => {
  const page = read('docs/guide/client.md');
  const methods = Object.getOwnPropertyNames(client.WorkflowClient.prototype).filter(
    (name) => !['constructor', 'connected'].includes(name),
  );
  expect(all(page, /^## ([a-z]\w*)$/gm).sort()).toEqual(methods.sort());
  const errors = Object.keys(client).filter((name) => name.endsWith('Error') && name !== 'FsmError');
  expect(errors.filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
});

test('the page of the client has the code of each error', () => {
  const page = read('docs/guide/client.md');
  const codes = new Map(
    [...runtimeSources().matchAll(/name = '(\w+Error)';\n.*\bcode = '(\w+)';/g)].map(([, name, code]) => [name, code]),
  );
  for (const [, name, code] of page.matchAll(/^\| `(\w+Error)` \| `(\w+)` \|/gm)) {
    expect([name, codes.get(name)]).toEqual([name, code]);
  }
});

test('the architecture names functions, classes and folders that exist', () => {
  const page = read('docs/contributing/architecture.md');
  const drawing = read('docs/contributing/images/envelope.svg');
  const names = [
    ...all(page, /`((?:[A-Z]\w*\.)?[a-z]+[A-Z]?\w*|[A-Z][a-z]\w+)`/g),
    ...all(drawing, /class="t b"[^>]*>(?:\d  )?((?:[A-Z]\w*\.)?[a-z]+(?:[A-Z]\w*)?)</g),
  ];
  expect(names).toEqual(expect.arrayContaining(['processDelivery', 'screenDelivery', 'IdleTracker', 'Engine.process']));
  const sources = runtimeSources() + read('src/workflow/fsm-workflow.ts');
  const isDeclared = (name: string) => {
    const [, member = name] = name.split('.');
    return new RegExp(`\\b(function|class|interface|const|async|public|readonly) ${member}\\b|'${member}'`).test(
      sources,
    );
  };
  expect(names.filter((name) => name !== 'src' && !isDeclared(name))).toEqual([]);
  const folders = all(drawing, />((?:src|lambda)\/[\w/]+)/g);
  expect(folders.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
});

test('the monitoring page lists each graph of the dashboard', () => {
  const titles = all(read('src/monitoring/dashboard.ts'), /title: '([^']+)'/g);
  const rows = all(read('docs/guide/monitoring.md'), /^\| [^|]+\? \| (.+) \|$/gm);
  expect(rows.flatMap((row) => all(row, /\*\*(.+?)\*\*/g)).sort()).toEqual(titles.sort());
});

test('the runbook has a section for each alarm', () => {
  const alarms = new Set(all(read('src/monitoring/alarms.ts'), /(?<!\.)\badd\(\s*[`'](\w+)/g));
  const sections = all(read('docs/guide/operating.md'), /^## Alarm: (\w+)$/gm);
  expect(sections.sort()).toEqual([...alarms].sort());
});

test('the monitoring page lists each metric', () => {
  const page = read('docs/guide/monitoring.md');
  expect([...METRIC_NAMES, ...MEASURE_NAMES].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('the messages that the pages quote are logged or dead-lettered', () => {
  const quoted = ['docs/guide/monitoring.md', 'docs/guide/operating.md', 'docs/guide/lock-stores.md'].flatMap((path) =>
    all(read(path), /(?:`(?:ERROR|WARN)` \||reason` (?:begins with|is)|the cause:|each switch:) `([^`]+)`/g),
  );
  expect(quoted.length).toBeGreaterThan(8);
  // "…" stands for a value, and for the rest of the message.
  const sources = runtimeSources().replaceAll(/\$\{[^`]*?'second'[^}]*\}/g, 'second');
  const parts = quoted.flatMap((message) =>
    message
      .split('…')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
  expect(parts.filter((part) => !sources.includes(part))).toEqual([]);
});

test.each([
  ['docs/guide/machines.md', 'lambda/machine/input.ts', 'MachineInput'],
  ['docs/guide/machines.md', 'lambda/machine/input.ts', 'StateInput'],
  ['docs/guide/machines.md', 'lambda/machine/input.ts', 'TransitionInput'],
  ['docs/guide/machines.md', 'lambda/machine/definition.ts', 'Backoff'],
  ['docs/guide/actions.md', 'lambda/machine/action.ts', 'Run'],
  ['docs/guide/deploying.md', 'src/workflow/fsm-workflow-props.ts', 'FsmWorkflowProps'],
  ['docs/guide/deploying.md', 'src/workflow/workflow-function.ts', 'WorkflowFunctionOptions'],
  ['docs/guide/monitoring.md', 'src/monitoring/alarms.ts', 'WorkflowAlarmsOptions'],
  ['docs/guide/testing.md', 'lambda/testing/test-workflow.ts', 'TestWorkflowOptions'],
  ['docs/guide/testing.md', 'lambda/testing/services/in-memory-services.ts', 'ServiceOptions'],
  ['docs/guide/simulation.md', 'lambda/testing/simulation/simulate.ts', 'SimulateOptions'],
])('%s describes each member that %s declares for %s', (page, file, name) => {
  const [, body = ''] = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([^]*?)^\\}`, 'm').exec(read(file)) ?? [];
  const members = all(body, /^ {2}(?:readonly )?(\w+)[?(:]/gm);
  expect(members.length).toBeGreaterThan(0);
  expect(members.filter((member) => !new RegExp(`\`${member}\\b`).test(read(page)))).toEqual([]);
});

test('the site has a link to each page', () => {
  const config = read('docs/.vitepress/config.mts');
  const linked = all(config, /link: '(\/[^']*)'/g).map((link) => `docs${link.replace(/\/$/, '/index')}.md`);
  const missing = pages().filter(
    ({ path }) => !['README.md', 'docs/index.md', 'CONTRIBUTING.md', ...linked].includes(path),
  );
  expect(missing.map(({ path }) => path)).toEqual([]);
});

test('CI runs the commands of the README', () => {
  const ci = read('.ci/run');
  for (const command of ['npm ci', 'npm test', 'npm run demo', 'npm run e2e']) {
    expect(read('README.md')).toContain(command);
    expect(ci).toContain(command);
  }
  // Each command to try is a line of its own, ready to copy.
  expect(read('README.md')).toContain('```sh\nnpm ci && npm run demo\nnpm ci && npm test\n```');
});

/** All sources of the code that runs in Lambda and in clients. */
function runtimeSources(): string {
  const files = readdirSync(join(ROOT, 'lambda'), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => /\.m?ts$/.test(file))
    .map((file) => read(join('lambda', file)))
    .join('\n');
}

/** The anchors that GitHub and VitePress make of the headings of a page. */
function headingsOf(text: string): string[] {
  return all(text.replace(/^```[^]*?^```/gm, ''), /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The commands of a shell block, those in `$(…)` included. */
function commandsOf(code: string): string[] {
  const lines = code
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim().replace(/\s+# .*$/, ''));
  return lines.flatMap((line) => {
    const nested = all(line, /\$\(([^]*)\)$/g);
    const commands = /^export \w+=\w+$/.test(line) ? [] : nested.length > 0 ? nested : line.split(/ && | \| /);
    return commands.filter((command) => command !== '' && !/^(#|\w+=\S*$)/.test(command));
  });
}

const AWS = ['cloudformation', 'lambda', 'logs', 'sqs'];

function isCommand(command: string): boolean {
  const [program, first = '', ...others] = command.split(/\s+/);
  switch (program) {
    case 'aws':
      return AWS.includes(first);
    case 'git':
    case 'node':
      return true;
    case 'npm':
      return first === 'run' ? hasOptions(others) : ['ci', 'install', 'test'].includes(first);
    case 'npx':
      return (
        (first in bin || first in tasks || existsSync(join(ROOT, 'node_modules/.bin', first))) && filesExist(others)
      );
    default:
      return false;
  }
}

/** Files of this repository that a command names. Those without a folder are the reader's own. */
function filesExist(words: readonly string[]): boolean {
  return words.filter((word) => /^(test|lambda|src)\//.test(word)).every((word) => existsSync(join(ROOT, word)));
}

/** Whether the program behind an npm script knows the options that it is called with. */
function hasOptions([script = '', ...words]: readonly string[]): boolean {
  const options = all(words.join(' '), /--([\w-]+)/g);
  if (options.length === 0) return script in scripts;
  const commands =
    tasks[script]?.steps?.map(({ exec = '', execArgs = [] }) => [exec, ...execArgs].join(' ')).join(' ') ?? '';
  const programs = all(commands, /(\S+\.ts)/g);
  const sources = programs.flatMap((file) =>
    readdirSync(join(ROOT, dirname(file)), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(join(dirname(file), name))),
  );
  return options.every((option) => option === 'help' || sources.some((source) => source.includes(`--${option}`)));
}
