import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TemplateRecord, TemplateValue } from './template-value';
import { isObject } from '../../machine/is-object';

/** An entry of a template's `Resources`. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: TemplateRecord;
}

/** The parts of a CloudFormation template that the local runner reads. */
export interface TemplateFile {
  readonly Resources?: { readonly [logicalId: string]: TemplateResource };
  readonly Parameters?: { readonly [name: string]: { readonly Type: string; readonly Default?: TemplateValue } };
}

/** A synthesized stack: its template and its assets. */
export interface SynthesizedStack {
  readonly name: string;
  readonly template: TemplateFile;
  /** The absolute path of each asset, by its object key in the bootstrap bucket. */
  readonly assets: ReadonlyMap<string, string>;
}

/**
 * Reads a stack of a cloud assembly.
 *
 * @param directory the folder that `cdk synth` writes, usually `cdk.out`
 * @param name the name of the stack; by default, the only stack of the assembly
 * @throws Error if the folder is not a cloud assembly, or does not contain the stack
 */
export function readStack(directory: string, name?: string): SynthesizedStack {
  const root = resolve(directory);
  const manifestFile = join(root, 'manifest.json');
  if (!existsSync(manifestFile)) {
    throw new Error(
      `${root} is not a cloud assembly: it has no manifest.json. Run "cdk synth" and pass the folder that it writes (cdk.out).`,
    );
  }
  const artifacts = members(readObject(manifestFile).artifacts);
  const stacks = artifacts.flatMap(([id, { type, properties }]) => {
    const { templateFile, stackName = id } = isObject(properties) ? properties : {};
    return type === 'aws:cloudformation:stack' && typeof templateFile === 'string'
      ? [{ id, name: String(stackName), templateFile }]
      : [];
  });
  const chosen = name === undefined ? stacks : stacks.filter((stack) => stack.name === name || stack.id === name);
  const [stack] = chosen;
  if (!stack || chosen.length > 1) {
    const problem = name === undefined ? 'Specify the stack to run' : `Unknown stack "${name}"`;
    throw new Error(
      `${problem}: ${root} contains ${stacks.length === 0 ? 'no stacks' : stacks.map((each) => `"${each.name}"`).join(', ')}.`,
    );
  }
  const assets = new Map<string, string>();
  for (const [, { type, properties }] of artifacts) {
    if (type !== 'cdk:asset-manifest' || !isObject(properties) || typeof properties.file !== 'string') continue;
    for (const [, { source, destinations }] of members(readObject(join(root, properties.file)).files)) {
      for (const [, { objectKey }] of members(destinations)) {
        if (isObject(source) && typeof source.path === 'string' && typeof objectKey === 'string') {
          assets.set(objectKey, join(root, source.path));
        }
      }
    }
  }
  const template = readObject(join(root, stack.templateFile));
  const resources = members(template.Resources).filter(isResource);
  return {
    name: stack.name,
    template: { ...template, Resources: Object.fromEntries(resources) } as TemplateFile,
    assets,
  };
}

function isResource(
  member: readonly [string, Readonly<Record<string, unknown>>],
): member is readonly [string, Readonly<Record<string, unknown>> & TemplateResource] {
  const [, { Type, Properties }] = member;
  return typeof Type === 'string' && (Properties === undefined || isObject(Properties));
}

/** The members of an object that are objects. */
function members(value: unknown): readonly (readonly [name: string, member: Readonly<Record<string, unknown>>])[] {
  return Object.entries(isObject(value) ? value : {}).flatMap(([name, member]) =>
    isObject(member) ? [[name, member] as const] : [],
  );
}

function readObject(file: string): Readonly<Record<string, unknown>> {
  let problem = 'expected a JSON object';
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isObject(value)) return value;
  } catch (error) {
    problem = (error as Error).message;
  }
  throw new Error(`Cannot read ${file}: ${problem}. Run "cdk synth" again.`);
}
