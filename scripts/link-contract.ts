/*
 * Replaces '#contract' in the declarations of lib/ by relative paths. Node.js and current compilers resolve the name through `imports` of
 * package.json; compilers with `moduleResolution: node10`, which many CDK apps use, do not, and would reject the declarations.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const ROOT = join(__dirname, '..');
const LIB = join(ROOT, 'lib');

for (const name of readdirSync(LIB, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = join(LIB, name);
  const text = readFileSync(file, 'utf8');
  const contract = relative(dirname(file), join(ROOT, 'lambda-lib', 'contract', 'index')).replaceAll('\\', '/');
  const linked = text.replaceAll("'#contract'", `'${contract}'`);
  if (linked !== text) writeFileSync(file, linked);
}
