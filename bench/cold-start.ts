import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { ENVIRONMENT } from './child';
import { fakeConfiguration, SOURCES, type Source } from './sources';
import { bundleForLambda } from '../scripts/lambda-bundle';

const ROOT = path.join(__dirname, '..');
const RUNS = 15;

/** Loads the function as Lambda does at a cold start, and prints the processor time in microseconds. */
const PROBE =
  'const began = process.cpuUsage(); await import(process.argv[1]); const { user, system } = process.cpuUsage(began); ' +
  'process.stdout.write(String(user + system)); process.exit();';

export interface ColdStart {
  /** Bytes of the loaded files. */
  readonly bytes: ByHandler;
  /** Milliseconds of processor time from the import of the handler until it is ready. */
  readonly milliseconds: ByHandler;
}

export interface ByHandler {
  readonly runtime: number;
  /** A single file with everything that the clients could need, as `NodejsFunction` bundles it. */
  readonly bare: number;
  /** Split like the runtime, without modules that Lambda does not use, such as other credential providers. */
  readonly bareSplit: number;
}

/**
 * Compares the built runtime with a handler that only creates the same AWS clients and refers to the same commands. They take turns, and the
 * fastest start of each counts, because other work on the machine can only slow a start down.
 *
 * @param runtime the built runtime, with a machine and its actions next to it
 */
export async function measureColdStart(source: Source, runtime: string, scratch: string): Promise<ColdStart> {
  const handler = writeBareHandler(source, scratch);
  const files = { runtime, bare: bundleWhole(handler), bareSplit: await bundleSplit(handler) };
  const environment = { ...process.env, ...ENVIRONMENT, FSM_WORKFLOW: JSON.stringify(fakeConfiguration(source)) };
  const load = (file: string) =>
    0.001 *
    Number(
      execFileSync(
        process.execPath,
        // The workflow's function runs with this option.
        [
          ...(file === runtime ? ['--enable-source-maps'] : []),
          '--input-type=module',
          '--eval',
          PROBE,
          pathToFileURL(file).href,
        ],
        { env: environment, encoding: 'utf8' },
      ),
    );
  const times = { runtime: [] as number[], bare: [] as number[], bareSplit: [] as number[] };
  for (let turn = 0; turn < RUNS; turn++) {
    for (const name of ['runtime', 'bare', 'bareSplit'] as const) times[name].push(load(files[name]));
  }
  return {
    bytes: {
      runtime: bytesLoaded(runtime, SOURCES[source]),
      bare: bytesLoaded(files.bare),
      bareSplit: bytesLoaded(files.bareSplit),
    },
    milliseconds: {
      runtime: Math.min(...times.runtime),
      bare: Math.min(...times.bare),
      bareSplit: Math.min(...times.bareSplit),
    },
  };
}

/** @returns the handler's source */
function writeBareHandler(source: Source, scratch: string): string {
  const clients = SOURCES[source].map((service) => ({ service, ...importsOf(service) }));
  const file = path.join(scratch, `bare-${source}.mjs`);
  writeFileSync(
    file,
    [
      ...clients.map(
        ({ service, client, commands }) =>
          `import { ${[client, ...commands].join(', ')} } from '${clientOf(service)}';`,
      ),
      `const clients = [${clients.map(({ client }) => `new ${client}({ maxAttempts: 3 })`).join(', ')}];`,
      `const commands = { ${clients.flatMap(({ commands }) => commands).join(', ')} };`,
      'export const handler = async ({ client, command, input }) => clients[client].send(new commands[command](input));',
    ].join('\n'),
  );
  return file;
}

/** The absolute path of a service's client, because the importing file is outside of this package. */
function clientOf(service: string): string {
  return path.join(ROOT, 'node_modules', '@aws-sdk', `client-${service}`, 'dist-es', 'index.js');
}

/** Bundles into one file, as `NodejsFunction` does. */
function bundleWhole(handler: string): string {
  const outfile = handler.replace(/\.mjs$/, '-whole.mjs');
  buildSync({
    entryPoints: [handler],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    // CommonJS dependencies of the AWS SDK call require(), which an ES module lacks.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'warning',
  });
  return outfile;
}

/** Bundles like the runtime. */
async function bundleSplit(handler: string): Promise<string> {
  const outdir = handler.replace(/\.mjs$/, '-split');
  await bundleForLambda(handler, outdir, /[\\/]@aws-sdk[\\/]client-/);
  return path.join(outdir, 'index.mjs');
}

/** The client and the commands that the adapter of a service imports. */
function importsOf(service: string): { readonly client: string; readonly commands: readonly string[] } {
  const folder = path.join(ROOT, 'lambda', 'aws', service);
  const names = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(path.join(folder, file), 'utf8');
    return [...text.matchAll(/import \{([^}]*)\} from '@aws-sdk\/client-/g)].flatMap(([, list = '']) =>
      list.split(',').map((name) => name.trim()),
    );
  });
  const client = names.find((name) => /^\w+Client$/.test(name));
  if (client === undefined) throw new Error(`${folder} imports no AWS client.`);
  return { client, commands: [...new Set(names.filter((name) => /^\w+Command$/.test(name)))] };
}

/** The bytes of a file, its imports, and the chunks of the given services. */
function bytesLoaded(entry: string, services: readonly string[] = []): number {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:from|import)\s*["'`](\.[^"'`]+\.mjs)["'`]/g)) {
      visit(path.resolve(path.dirname(file), name));
    }
  };
  visit(entry);
  const chunks = path.join(path.dirname(entry), 'chunks');
  for (const service of services) {
    for (const file of readdirSync(chunks)) {
      if (file.startsWith(`${service}-`)) visit(path.join(chunks, file));
    }
  }
  return [...seen].reduce((sum, file) => sum + statSync(file).size, 0);
}
