import { isObject } from '../machine/is-object';

/** Checks one value of a configuration, and adds a problem for each part that is missing or invalid. */
export type Check = (value: unknown, path: string, problems: string[]) => void;

/** A check for each member of a configuration. The compiler requires one for every member of the type. */
export type Checks<T> = { readonly [Name in keyof T]-?: Check };

export const text = expecting('a non-empty string', (value) => typeof value === 'string' && value !== '');

export const url = expecting('a URL', (value) => typeof value === 'string' && /^https?:\/\/./.test(value));

export const endpoint = expecting(
  'a host name and a port, such as "host:6379"',
  (value) => typeof value === 'string' && /^[^:/]+:\d+$/.test(value),
);

export const flag = expecting('true or false', (value) => typeof value === 'boolean');

export const count = expecting(
  'an integer of at least 1',
  (value) => Number.isSafeInteger(value) && Number(value) >= 1,
);

/** Checks a member that may be absent. */
export function optional(check: Check): Check {
  return (value, path, problems) => {
    if (value !== undefined) check(value, path, problems);
  };
}

/** Checks a list of at least one item. */
export function listOf(check: Check): Check {
  return (value, path, problems) => {
    if (Array.isArray(value) && value.length > 0) {
      value.forEach((item: unknown, index) => check(item, `${path}[${index}]`, problems));
    } else {
      problems.push(problem(path, value, 'a list of at least one item'));
    }
  };
}

/** Checks every value of an object. */
export function mapOf(check: Check): Check {
  return (value, path, problems) => {
    if (!isObject(value)) problems.push(problem(path, value, 'an object'));
    else for (const [name, item] of Object.entries(value)) check(item, memberOf(path, name), problems);
  };
}

/** Checks the members of an object. Other members are allowed: a newer version of the construct may render them. */
export function object(checks: Readonly<Record<string, Check>>): Check {
  return (value, path, problems) => {
    if (!isObject(value)) {
      problems.push(problem(path, value, 'an object'));
      return;
    }
    for (const [name, check] of Object.entries(checks)) {
      check(Object.hasOwn(value, name) ? value[name] : undefined, memberOf(path, name), problems);
    }
  };
}

/** Checks an object by the service that it names. */
export function byService(services: Readonly<Record<string, Check>>): Check {
  return (value, path, problems) => {
    const service = isObject(value) && Object.hasOwn(value, 'service') ? value.service : undefined;
    const check = typeof service === 'string' && Object.hasOwn(services, service) ? services[service] : undefined;
    if (check) {
      check(value, path, problems);
      return;
    }
    const names = Object.keys(services).map((name) => `"${name}"`);
    problems.push(
      isObject(value)
        ? problem(memberOf(path, 'service'), service, names.join(' or '))
        : problem(path, value, 'an object'),
    );
  };
}

function expecting(expected: string, holds: (value: unknown) => boolean): Check {
  return (value, path, problems) => {
    if (!holds(value)) problems.push(problem(path, value, expected));
  };
}

function memberOf(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}

function problem(path: string, value: unknown, expected: string): string {
  const place = path || 'configuration';
  return value === undefined
    ? `Missing ${place}: expected ${expected}.`
    : `Invalid ${place} ${quoted(value)}: expected ${expected}.`;
}

/** Quotes a value in few characters. */
function quoted(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : '[…]';
  if (isObject(value)) return '{…}';
  return JSON.stringify(typeof value === 'string' && value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
