import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';

/**
 * Whether the TypeScript configuration of the actions, or one that it extends, makes the compiler emit metadata for decorators.
 *
 * @param directory the directory of the actions
 * @param tsconfig the configuration that esbuild uses instead of the closest one
 */
export function emitsDecoratorMetadata(directory: string, tsconfig: string | undefined): boolean {
  const file = tsconfig === undefined ? closest(directory) : path.resolve(tsconfig);
  return file !== undefined && emits(file, new Set());
}

function closest(directory: string): string | undefined {
  const file = path.join(directory, 'tsconfig.json');
  if (existsSync(file)) return file;
  const parent = path.dirname(directory);
  return parent === directory ? undefined : closest(parent);
}

function emits(file: string, visited: Set<string>): boolean {
  if (visited.has(file) || !existsSync(file)) return false;
  visited.add(file);
  const text = withoutComments(readFileSync(file, 'utf8'));
  const own = /"emitDecoratorMetadata"\s*:\s*(true|false)/.exec(text);
  if (own) return own[1] === 'true';
  const [, extended = ''] = /"extends"\s*:\s*(\[[^\]]*\]|"[^"]*")/.exec(text) ?? [];
  return [...extended.matchAll(/"([^"]+)"/g)]
    .map(([, name = '']) => resolve(file, name))
    .some((base) => base !== undefined && emits(base, visited));
}

/** As TypeScript resolves it: a path, or a module. The extension may be absent. */
function resolve(from: string, name: string): string | undefined {
  for (const candidate of [name, `${name}.json`, `${name}/tsconfig.json`]) {
    if (/^[./]/.test(name)) {
      const file = path.resolve(path.dirname(from), candidate);
      if (file.endsWith('.json') && existsSync(file)) return file;
      continue;
    }
    try {
      return createRequire(from).resolve(candidate);
    } catch {
      // The next candidate may exist.
    }
  }
  return undefined;
}

function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, literal: string | undefined) => literal ?? '',
  );
}
