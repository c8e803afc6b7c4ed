import { join } from 'node:path';
import * as ts from 'typescript';
import { programOf } from './compiler';
import { ROOT } from './pages';

/**
 * Lists the properties of the public constructs that hold objects, as the compiler knows them.
 *
 * @returns for each public interface of properties: its properties whose types are neither texts, numbers and booleans nor lists and maps of these
 */
export function publicInputs(): ReadonlyMap<string, readonly string[]> {
  const index = join(ROOT, 'src/index.ts');
  const program = programOf([index]);
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(index)!)!;
  const inputs = new Map<string, readonly string[]>();
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (!(symbol.flags & ts.SymbolFlags.Interface) || /^I[A-Z]/.test(exported.name)) continue;
    const properties = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
    const objects = properties.filter((property) => !isPlain(checker, checker.getTypeOfSymbol(property)));
    if (objects.length > 0) {
      inputs.set(
        exported.name,
        objects.map(({ name }) => name),
      );
    }
  }
  return inputs;
}

const PLAIN = ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BooleanLike | ts.TypeFlags.Undefined;

function isPlain(checker: ts.TypeChecker, type: ts.Type): boolean {
  if (type.isUnion()) return type.types.every((part) => isPlain(checker, part));
  if (type.flags & PLAIN) return true;
  const member =
    checker.getIndexTypeOfType(type, ts.IndexKind.Number) ?? checker.getIndexTypeOfType(type, ts.IndexKind.String);
  return member !== undefined && isPlain(checker, member);
}
