import { ContentRefusedError } from '../errors';
import type { Ports } from '../ports';

/**
 * Returns the error of content that no service accepts.
 *
 * @param what what was sent, as the object of a sentence
 * @param errors the errors of all services that were tried
 * @returns nothing if any of them may accept it later
 */
export function contentRefusal(
  { refusesContent }: Pick<Ports, 'refusesContent'>,
  what: string,
  errors: readonly Error[],
): ContentRefusedError | undefined {
  const isRefused = errors.length > 0 && errors.every((error) => refusesContent?.(error));
  return isRefused ? new ContentRefusedError(what, errors) : undefined;
}
