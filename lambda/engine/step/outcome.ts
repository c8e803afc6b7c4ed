import { isObject } from '../../machine/is-object';
import type { Outcome } from '../ports';

/** Whether a phase has decided the answer for the source, so that the later phases do not run. */
export function isOutcome(result: unknown): result is Outcome {
  return result === 'acknowledge' || result === 'redeliver' || (isObject(result) && 'redeliverAt' in result);
}
