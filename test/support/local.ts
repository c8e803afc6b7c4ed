import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Local } from '../../lambda/local';
import type { InvocationResult } from '../../lambda/local/function/function';
import type { Invocable } from '../../lambda/local/function/poller';

/** The configuration of clients of the embedded servers, without the endpoint. */
export const CLIENT = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

/** The configuration of clients of a local stack, with the credentials of its run. */
export function clientOptions({ environment }: Pick<Local, 'environment'>) {
  return {
    region: CLIENT.region,
    endpoint: environment.AWS_ENDPOINT_URL,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
  };
}

const directories: string[] = [];
afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true, force: true })));

/** Creates a folder that is removed after the tests of the file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'local-'));
  directories.push(directory);
  return directory;
}

/** Creates a folder with a module `index.mjs`. */
export function functionDirectory(code: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'index.mjs'), code);
  return directory;
}

/** Creates a cloud assembly with one stack, in the form of the CDK. `code` is the `index.mjs` of the asset `code.zip`. */
export function assemblyOf(template: object, code = 'export const handler = async () => undefined;'): string {
  const directory = temporaryDirectory();
  const write = (name: string, content: object) => writeFileSync(join(directory, name), JSON.stringify(content));
  write('manifest.json', {
    artifacts: {
      Shop: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Shop.template.json' } },
      'Shop.assets': { type: 'cdk:asset-manifest', properties: { file: 'Shop.assets.json' } },
    },
  });
  write('Shop.assets.json', {
    files: {
      code: { source: { path: 'asset.code', packaging: 'zip' }, destinations: { here: { objectKey: 'code.zip' } } },
    },
  });
  write('Shop.template.json', template);
  mkdirSync(join(directory, 'asset.code'));
  writeFileSync(join(directory, 'asset.code', 'index.mjs'), code);
  return directory;
}

/** A function that records the batches with which it is invoked, and returns the result of `handle`. */
export class FakeFunction<Item> implements Invocable {
  public readonly batches: Item[][] = [];
  public running = 0;
  public mostRunning = 0;

  constructor(
    private readonly handle: (records: Item[], invocation: number) => unknown = () => undefined,
    public readonly environments = 1,
  ) {}

  public async invoke(event: unknown): Promise<InvocationResult> {
    // Queues and streams invoke the function with records, a schedule with its input.
    const records = (event as { readonly Records?: Item[] }).Records ?? [event as Item];
    this.batches.push(records);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      return { ok: true, requestId: 'request', payload: await this.handle(records, this.batches.length - 1) };
    } catch (error) {
      return { ok: false, requestId: 'request', errorType: 'Error', errorMessage: (error as Error).message };
    } finally {
      this.running--;
    }
  }
}

/** Waits until the condition is true. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) {
      throw new Error(`Condition not met within ${timeoutMs} ms: ${condition.toString()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
