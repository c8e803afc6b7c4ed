import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { ValidationException } from './service';

/** An item of a table. */
export type Item = Record<string, AttributeValue>;

/** The placeholders of names and values in an expression. */
export interface Placeholders {
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

/** The input of an evaluation. */
interface Scope {
  readonly item: Item;
  readonly placeholders: Placeholders;
}

type Operand = (scope: Scope) => AttributeValue | undefined;
type Condition = (scope: Scope) => boolean;
/** Changes a copy of the item. Reads see the original item. */
type Change = (scope: Scope, target: Item) => void;

/** The path of a value: the name of an attribute, followed by the names of nested map members. */
type Path = (scope: Scope) => readonly string[];

const TOKEN = /\s*(<>|<=|>=|[=<>(),+-]|[#:]?[A-Za-z_][A-Za-z0-9_]*(?:\.#?[A-Za-z_][A-Za-z0-9_]*)*)/y;

/** Parsed expressions. The adapters use few different ones, so each is parsed once. */
const conditions = new Map<string, Condition>();
const updates = new Map<string, readonly Change[]>();

/**
 * Evaluates a condition, or a key condition, which has the same form, on an item.
 *
 * Supports comparisons, `BETWEEN`, `IN`, `AND`, `OR`, `NOT`, parentheses, `attribute_exists`, `attribute_not_exists`,
 * `begins_with` and the `size` of a map, on attributes and members of maps. Throws for anything else.
 */
export function holds(expression: string, item: Item, placeholders: Placeholders): boolean {
  let condition = conditions.get(expression);
  if (!condition) {
    condition = new Parser(expression).condition();
    conditions.set(expression, condition);
  }
  return condition({ item, placeholders });
}

/**
 * Returns the item after an update.
 *
 * Supports `SET` with attributes, values, `if_not_exists` and the sum or difference of two of these, and `REMOVE`.
 */
export function updated(expression: string, item: Item, placeholders: Placeholders): Item {
  let changes = updates.get(expression);
  if (!changes) {
    changes = new Parser(expression).update();
    updates.set(expression, changes);
  }
  const target = { ...item };
  changes.forEach((change) => change({ item, placeholders }, target));
  return target;
}

class Parser {
  private readonly tokens: readonly string[];
  private index = 0;

  constructor(private readonly expression: string) {
    const tokens: string[] = [];
    for (TOKEN.lastIndex = 0; TOKEN.lastIndex < expression.trimEnd().length;) {
      const at = TOKEN.lastIndex;
      const token = TOKEN.exec(expression)?.[1];
      if (token === undefined) {
        throw new Error(`The simulation does not support the expression "${expression}" at position ${at}.`);
      }
      tokens.push(token);
    }
    this.tokens = tokens;
  }

  public condition(): Condition {
    const condition = this.or();
    this.end();
    return condition;
  }

  public update(): readonly Change[] {
    const changes: Change[] = [];
    while (this.index < this.tokens.length) {
      const isSet = this.takeWord('SET');
      if (!isSet && !this.takeWord('REMOVE')) throw this.unexpected('SET or REMOVE');
      do changes.push(isSet ? this.assignment() : this.removal());
      while (this.take(','));
    }
    return changes;
  }

  private or(): Condition {
    let left = this.and();
    while (this.takeWord('OR')) {
      const [first, second] = [left, this.and()];
      left = (scope) => first(scope) || second(scope);
    }
    return left;
  }

  private and(): Condition {
    let left = this.not();
    while (this.takeWord('AND')) {
      const [first, second] = [left, this.not()];
      left = (scope) => first(scope) && second(scope);
    }
    return left;
  }

  private not(): Condition {
    if (this.takeWord('NOT')) {
      const inner = this.not();
      return (scope) => !inner(scope);
    }
    if (this.take('(')) {
      const inner = this.or();
      this.expect(')');
      return inner;
    }
    return this.test();
  }

  private test(): Condition {
    if (this.takeFunction('attribute_exists')) return this.exists(true);
    if (this.takeFunction('attribute_not_exists')) return this.exists(false);
    if (this.takeFunction('begins_with')) {
      const text = this.operand();
      this.expect(',');
      const prefix = this.operand();
      this.expect(')');
      return (scope) => text(scope)?.S?.startsWith(prefix(scope)?.S ?? '\u0000') ?? false;
    }
    const left = this.operand();
    if (this.takeWord('IN')) return this.isOneOf(left);
    if (this.takeWord('BETWEEN')) {
      const first = this.operand();
      if (!this.takeWord('AND')) throw this.unexpected('AND');
      const last = this.operand();
      return (scope) => compare(left(scope), '>=', first(scope)) && compare(left(scope), '<=', last(scope));
    }
    const operator = this.next();
    const right = this.operand();
    return (scope) => compare(left(scope), operator, right(scope));
  }

  private isOneOf(operand: Operand): Condition {
    this.expect('(');
    const options: Operand[] = [];
    do options.push(this.operand());
    while (this.take(','));
    this.expect(')');
    return (scope) => options.some((option) => compare(operand(scope), '=', option(scope)));
  }

  private exists(wanted: boolean): Condition {
    const operand = this.operand();
    this.expect(')');
    return (scope) => (operand(scope) !== undefined) === wanted;
  }

  private assignment(): Change {
    const path = this.path();
    this.expect('=');
    const value = this.sum();
    return (scope, target) => {
      const result = value(scope);
      if (result === undefined) {
        throw new Error(`"${this.expression}" refers to an attribute that the item lacks.`);
      }
      put(target, path(scope), result);
    };
  }

  private removal(): Change {
    const path = this.path();
    return (scope, target) => put(target, path(scope), undefined);
  }

  private sum(): Operand {
    const left = this.operand();
    const sign = this.take('+') ? 1 : this.take('-') ? -1 : undefined;
    if (sign === undefined) return left;
    const right = this.operand();
    return (scope) => {
      const [a, b] = [left(scope)?.N, right(scope)?.N];
      if (a === undefined || b === undefined) throw new Error(`"${this.expression}" adds values that are not numbers.`);
      return { N: String(Number(a) + sign * Number(b)) };
    };
  }

  private operand(): Operand {
    if (this.takeFunction('if_not_exists')) {
      const path = this.path();
      this.expect(',');
      const otherwise = this.operand();
      this.expect(')');
      return (scope) => valueAt(scope.item, path(scope)) ?? otherwise(scope);
    }
    if (this.takeFunction('size')) {
      const path = this.path();
      this.expect(')');
      return (scope) => {
        const members = valueAt(scope.item, path(scope))?.M;
        return members && { N: String(Object.keys(members).length) };
      };
    }
    if (this.tokens[this.index]?.startsWith(':')) {
      const placeholder = this.next();
      return ({ placeholders }) => {
        const value = placeholders.ExpressionAttributeValues?.[placeholder];
        if (!value) throw new Error(`"${this.expression}" has no value for ${placeholder}.`);
        return value;
      };
    }
    const path = this.path();
    return (scope) => valueAt(scope.item, path(scope));
  }

  private path(): Path {
    const token = this.next();
    if (!/^#?[A-Za-z_]/.test(token)) throw this.unexpected('an attribute');
    const names = token.split('.').map((part) => this.name(part));
    return (scope) => names.map((name) => name(scope));
  }

  private name(token: string): (scope: Scope) => string {
    if (!token.startsWith('#')) return () => token;
    return ({ placeholders }) => {
      const name = placeholders.ExpressionAttributeNames?.[token];
      if (name === undefined) throw new Error(`"${this.expression}" has no name for ${token}.`);
      return name;
    };
  }

  private next(): string {
    const token = this.tokens[this.index];
    if (token === undefined) throw this.unexpected('more');
    this.index += 1;
    return token;
  }

  private take(token: string): boolean {
    if (this.tokens[this.index] !== token) return false;
    this.index += 1;
    return true;
  }

  private takeWord(word: string): boolean {
    return this.tokens[this.index]?.toUpperCase() === word && this.take(this.tokens[this.index] ?? '');
  }

  private takeFunction(name: string): boolean {
    if (this.tokens[this.index] !== name || this.tokens[this.index + 1] !== '(') return false;
    this.index += 2;
    return true;
  }

  private expect(token: string): void {
    if (!this.take(token)) throw this.unexpected(token);
  }

  private end(): void {
    if (this.index < this.tokens.length) throw this.unexpected('the end');
  }

  private unexpected(wanted: string): Error {
    return new Error(
      `The expression "${this.expression}" has "${this.tokens[this.index] ?? 'its end'}" where the simulation expects ${wanted}.`,
    );
  }
}

function valueAt(item: Item, [name = '', ...members]: readonly string[]): AttributeValue | undefined {
  const value = item[name];
  return members.length === 0 ? value : valueAt(value?.M ?? {}, members);
}

/** Sets or removes the value at a path, without changing the original value. */
function put(item: Item, [name = '', ...members]: readonly string[], value: AttributeValue | undefined): void {
  if (members.length > 0) {
    const map = item[name]?.M;
    if (!map) {
      throw new ValidationException('The document path provided in the update expression is invalid for update');
    }
    const changed = { ...map };
    put(changed, members, value);
    item[name] = { M: changed };
  } else if (value) {
    item[name] = value;
  } else {
    delete item[name];
  }
}

/** Compares two values. An absent value or one of another type compares as false. */
function compare(left: AttributeValue | undefined, operator: string, right: AttributeValue | undefined): boolean {
  if (operator === '<>') return !compare(left, '=', right);
  if (left === undefined || right === undefined) return false;
  if (left.BOOL !== undefined || right.BOOL !== undefined) return operator === '=' && left.BOOL === right.BOOL;
  const order = orderOf(left, right);
  switch (operator) {
    case '=':
      return order === 0;
    case '<':
      return order !== undefined && order < 0;
    case '<=':
      return order !== undefined && order <= 0;
    case '>':
      return order !== undefined && order > 0;
    case '>=':
      return order !== undefined && order >= 0;
    default:
      throw new Error(`The simulation does not support the operator "${operator}".`);
  }
}

function orderOf(left: AttributeValue, right: AttributeValue): number | undefined {
  if (left.N !== undefined && right.N !== undefined) return Number(left.N) - Number(right.N);
  if (left.S !== undefined && right.S !== undefined) return compareTexts(left.S, right.S);
  return undefined;
}

/** Compares texts by their bytes in UTF-8, as DynamoDB does. */
export function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  // eslint-disable-next-line no-control-regex -- all of ASCII, for which both orders are equal
  return /^[\u0000-\u007f]*$/.test(left) && /^[\u0000-\u007f]*$/.test(right)
    ? left < right
      ? -1
      : 1
    : Buffer.compare(Buffer.from(left), Buffer.from(right));
}
