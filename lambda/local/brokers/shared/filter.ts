/** Whether a record matches the filter criteria. */
export type RecordFilter = (record: unknown) => boolean;

type Pattern = { readonly [name: string]: unknown };
type Matcher = (value: unknown) => boolean;

/**
 * Parses the filter criteria of an event source mapping.
 *
 * @param patterns patterns in JSON; a record matches if it matches any of them, or if there are none
 * @throws Error if a pattern is not a JSON object, or has an operator that the local runner does not support
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 */
export function parseFilter(patterns: readonly string[]): RecordFilter {
  if (patterns.length === 0) {
    return () => true;
  }
  const matchers = patterns.map((pattern) => matchObject(parsePattern(pattern), pattern));
  return (record) => matchers.some((matches) => matches(record));
}

function parsePattern(text: string): Pattern {
  try {
    const pattern: unknown = JSON.parse(text);
    if (isObject(pattern)) {
      return pattern;
    }
  } catch {
    // Reported below, like any text that is not a JSON object.
  }
  throw new Error(`Invalid filter pattern ${text}: expected a JSON object.`);
}

/** All members must match. At least one pattern in `$or` must match. */
function matchObject(pattern: Pattern, whole: string): Matcher {
  const matchers = Object.entries(pattern).map(([name, expected]): Matcher => {
    if (name === '$or' && Array.isArray(expected)) {
      const alternatives = expected.map((alternative) => matchMember(alternative, whole));
      return (value) => alternatives.some((matches) => matches(value));
    }
    const matches = matchMember(expected, whole);
    return (value) => matches(isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);
  });
  return (value) => matchers.every((matches) => matches(value));
}

function matchMember(expected: unknown, whole: string): Matcher {
  if (Array.isArray(expected)) {
    return matchLeaf(expected, whole);
  }
  return isObject(expected) ? matchObject(expected, whole) : refuse(expected, whole);
}

/** One of the expectations must match the value, or any element of a list. An absent value is `undefined`. */
function matchLeaf(expectations: readonly unknown[], whole: string): Matcher {
  const matchers = expectations.map((expectation) =>
    isObject(expectation) ? matchOperator(expectation, whole) : (value: unknown) => value === expectation,
  );
  return (value) => {
    const candidates: readonly unknown[] = Array.isArray(value) ? value : [value];
    return matchers.some((matches) => candidates.some(matches));
  };
}

function matchOperator(expectation: Pattern, whole: string): Matcher {
  const [operator, ...others] = Object.keys(expectation);
  if (operator === undefined || others.length > 0) {
    return refuse(expectation, whole);
  }
  const argument = expectation[operator];
  switch (operator) {
    case 'exists':
      // Lambda applies `exists` to leaf values only: an object does not exist, its members do.
      return (value) => (value !== undefined && !isObject(value)) === argument;
    case 'prefix':
      return (value) => typeof value === 'string' && typeof argument === 'string' && value.startsWith(argument);
    case 'suffix':
      return (value) => typeof value === 'string' && typeof argument === 'string' && value.endsWith(argument);
    case 'equals-ignore-case':
      return (value) =>
        typeof value === 'string' && typeof argument === 'string' && value.toLowerCase() === argument.toLowerCase();
    case 'anything-but': {
      const excluded = matchLeaf(Array.isArray(argument) ? argument : [argument], whole);
      return (value) => value !== undefined && !isObject(value) && !excluded(value);
    }
    case 'numeric':
      return Array.isArray(argument) ? matchNumber(argument, whole) : refuse(expectation, whole);
    default:
      return refuse(expectation, whole);
  }
}

/** `['>', 0, '<=', 5]` */
function matchNumber(conditions: readonly unknown[], whole: string): Matcher {
  const [comparison, bound, ...rest] = conditions;
  if (typeof comparison !== 'string' || typeof bound !== 'number') {
    return refuse({ numeric: conditions }, whole);
  }
  const compare: Readonly<Record<string, (value: number) => boolean>> = {
    '=': (value) => value === bound,
    '<': (value) => value < bound,
    '<=': (value) => value <= bound,
    '>': (value) => value > bound,
    '>=': (value) => value >= bound,
  };
  const matches = compare[comparison] ?? refuse({ numeric: conditions }, whole);
  const others = rest.length > 0 ? matchNumber(rest, whole) : () => true;
  return (value) => typeof value === 'number' && matches(value) && others(value);
}

function refuse(expectation: unknown, whole: string): never {
  throw new Error(
    `The local runner does not support ${JSON.stringify(expectation)} in the filter pattern ${whole}. ` +
      'It supports lists of values, exists, prefix, suffix, equals-ignore-case, anything-but, numeric, and $or.',
  );
}

function isObject(value: unknown): value is Pattern {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
