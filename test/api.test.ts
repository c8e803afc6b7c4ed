import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');

test('api/ has the report of each TypeScript subpath of the package, and no other', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object };
  const subpaths = Object.entries(exports).flatMap(([subpath, target]) =>
    JSON.stringify(target).includes('./lambda-lib/') ? [subpath.slice('./'.length)] : [],
  );
  expect(readdirSync(join(root, 'api')).sort()).toEqual(
    subpaths.map((subpath) => `${subpath.replaceAll('/', '-')}.api.md`).sort(),
  );
});
