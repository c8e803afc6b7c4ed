import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TemplateRecord, TemplateValue } from './template-value';

/** One entry of a template's `Resources`. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: TemplateRecord;
}

/** What the runner reads of a CloudFormation template. */
export interface TemplateFile {
  readonly Resources?: { readonly [logicalId: string]: TemplateResource };
  readonly Parameters?: { readonly [name: string]: { readonly Type: string; readonly Default?: TemplateValue } };
}

/** A synthesized stack: its template, and the folders of the assets that it names. */
export interface SynthesizedStack {
  readonly name: string;
  readonly template: TemplateFile;
  /** Absolute path of what each asset holds, by the key that the asset has in the bootstrap bucket. */
  readonly assets: ReadonlyMap<string, string>;
}

interface Manifest {
  readonly artifacts?: {
    readonly [id: string]: {
      readonly type: string;
      readonly properties?: { readonly templateFile?: string; readonly stackName?: string; readonly file?: string };
    };
  };
}

interface AssetManifest {
  readonly files?: {
    readonly [id: string]: {
      readonly source: { readonly path?: string };
      readonly destinations: { readonly [id: string]: { readonly objectKey: string } };
    };
  };
}

/**
 * Reads one stack of a cloud assembly, the folder that `cdk synth` writes.
 *
 * @param directory the assembly, usually `cdk.out`
 * @param name the stack to read; it may be left out when the assembly has one stack only
 * @throws Error when the folder is no cloud assembly, or does not have that stack
 */
export function readStack(directory: string, name?: string): SynthesizedStack {
  const root = resolve(directory);
  const manifestFile = join(root, 'manifest.json');
  if (!existsSync(manifestFile)) {
    throw new Error(`${root} is no cloud assembly: it has no manifest.json. Run "cdk synth" and give the folder that it wrote (cdk.out).`);
  }
  const artifacts = Object.entries(readJson<Manifest>(manifestFile).artifacts ?? {});
  const stacks = artifacts.flatMap(([id, { type, properties }]) => type === 'aws:cloudformation:stack' && properties?.templateFile
    ? [{ id, name: properties.stackName ?? id, templateFile: properties.templateFile }]
    : []);
  const chosen = name === undefined ? stacks : stacks.filter((stack) => stack.name === name || stack.id === name);
  const [stack] = chosen;
  if (!stack || chosen.length > 1) {
    const asked = name === undefined ? 'Say which stack to run' : `There is no stack "${name}"`;
    throw new Error(`${asked}: ${root} has ${stacks.length === 0 ? 'none' : stacks.map((each) => `"${each.name}"`).join(', ')}.`);
  }
  const assets = new Map<string, string>();
  for (const [, { type, properties }] of artifacts) {
    if (type === 'cdk:asset-manifest' && properties?.file) {
      for (const { source, destinations } of Object.values(readJson<AssetManifest>(join(root, properties.file)).files ?? {})) {
        for (const { objectKey } of Object.values(destinations)) {
          if (source.path !== undefined) {
            assets.set(objectKey, join(root, source.path));
          }
        }
      }
    }
  }
  return { name: stack.name, template: readJson<TemplateFile>(join(root, stack.templateFile)), assets };
}

/** The files of an assembly are written by the CDK in a format of its own: their shape is taken as given. */
function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}. Run "cdk synth" again.`);
  }
}
