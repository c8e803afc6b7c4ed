/**
 * Returns the records of a stream's batch that Lambda redelivers: the first failed record and all records after it, even if those
 * succeeded. The result is empty if no record failed.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
 */
export function fromFirstFailure<Record>(
  records: readonly Record[],
  isFailed: (record: Record) => boolean,
): readonly Record[] {
  const index = records.findIndex(isFailed);
  return index < 0 ? [] : records.slice(index);
}
