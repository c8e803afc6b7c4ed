import type { InvocationResult } from '../function';

/**
 * The records of a batch that are to be delivered again.
 *
 * Reads the answer of a function as Lambda does. Without `ReportBatchItemFailures` any answer but an error is a success of the whole
 * batch. With it, no answer and an empty list are a success, and an answer that names a record wrongly is a failure of the whole batch.
 *
 * @param identifiers of all records of the batch
 * @returns those of the records that failed
 */
export function failedRecords(result: InvocationResult, identifiers: readonly string[], reportsItemFailures: boolean): ReadonlySet<string> {
  const all = new Set(identifiers);
  const none = new Set<string>();
  if (!result.ok) {
    return all;
  }
  if (!reportsItemFailures || result.payload === null || result.payload === undefined) {
    return none;
  }
  const { batchItemFailures } = result.payload as { readonly batchItemFailures?: unknown };
  if (batchItemFailures === undefined || batchItemFailures === null) {
    return none;
  }
  if (!Array.isArray(batchItemFailures)) {
    return all;
  }
  const failed = new Set<string>();
  for (const failure of batchItemFailures as readonly ({ readonly itemIdentifier?: unknown } | null)[]) {
    const identifier = failure?.itemIdentifier;
    if (typeof identifier !== 'string' || !all.has(identifier)) {
      return all;
    }
    failed.add(identifier);
  }
  return failed;
}
