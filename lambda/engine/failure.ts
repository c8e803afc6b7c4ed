import type { Failure } from '../machine';
import { attemptOf, type Lease } from './ports';

/** What the journal and a `catch` transition are told of an error. */
export function failureOf(error: Error, state: string, lease: Lease): Failure {
  return { name: error.name, message: error.message.slice(0, 1_000), state, attempts: attemptOf(lease) + 1 };
}

/**
 * The error's class and the place that threw it, but not its message, which may hold payload. The trace begins with the message, and some
 * lines of that may look like places; so only what follows the message is looked at.
 */
export function whereFrom({ name, message, stack = '' }: Error): string {
  const header = message === '' ? /^\w+(?=\n)/.exec(stack)?.[0] : message;
  const begin = header === undefined ? -1 : stack.indexOf(header);
  const trace = header === undefined || begin < 0 ? '' : stack.slice(begin + header.length);
  const frame = trace.split('\n').find((line) => line.trimStart().startsWith('at '));
  return frame ? `${name} ${frame.trim()}` : name;
}
