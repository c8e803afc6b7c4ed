import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../support/pages';
import { run } from '../support/processes';
import { installPython } from '../support/python';

/** What cfn-lint prints of a finding, with `--format json`. */
interface Finding {
  readonly Filename: string;
  readonly Message: string;
  readonly Rule: { readonly Id: string };
  readonly Location: { readonly Path: readonly (string | number)[] | null };
}

/** Installs cfn-lint, unless it is installed. Returns the path of the program. */
export async function installLinter(): Promise<string> {
  const programs = await installPython({
    name: 'cfn-lint',
    requirements: join(__dirname, 'requirements.txt'),
    environment: join(ROOT, 'node_modules', '.cache', 'cfn-lint'),
  });
  return join(programs, 'cfn-lint');
}

/** The findings of cfn-lint in templates: errors and warnings, each with the template, its place, the rule and the message. */
export async function lint(linter: string, templates: readonly string[]): Promise<string[]> {
  const processes = Math.min(availableParallelism(), templates.length);
  const shares = Array.from({ length: processes }, (_, share) =>
    templates.filter((_template, index) => index % processes === share),
  );
  const outputs = await Promise.all(
    shares.map((share) => run(linter, ['--format', 'json', '--non-zero-exit-code', 'none', '--', ...share])),
  );
  return outputs
    .flatMap((output) => JSON.parse(output) as Finding[])
    .map(
      ({ Filename, Location, Rule, Message }) => `${Filename} ${Location.Path?.join('/') ?? ''} ${Rule.Id}: ${Message}`,
    );
}
