import type { InvocationResult } from '../../function/function';

/**
 * Returns the identifiers of the failed records of a batch, as Lambda reads the response of a function.
 *
 * Without `ReportBatchItemFailures`, any response except an error means that the whole batch succeeded. With it, an empty response and an
 * empty list of failures mean success, and an invalid identifier fails the whole batch.
 *
 * @param identifiers the identifiers of all records of the batch
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function failedRecords(
  result: InvocationResult,
  identifiers: readonly string[],
  reportsItemFailures: boolean,
): ReadonlySet<string> {
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
