/**
 * Finds a minimal subset of the items that still fails. It leaves out runs of items: halves first, then quarters, down to single items.
 *
 * @param fails whether a run with only these items fails
 * @param maxRuns maximum number of calls of `fails`
 * @param maxMs maximum milliseconds after which no further call begins
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  maxRuns: number = 400,
  maxMs: number = 60_000,
): Promise<readonly T[]> {
  let kept = items;
  let runs = 0;
  const end = performance.now() + maxMs;
  const mayRun = () => runs < maxRuns && performance.now() < end;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && mayRun(); size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length && mayRun();) {
      const fewer = [...kept.slice(0, from), ...kept.slice(from + size)];
      runs += 1;
      if (await fails(fewer)) {
        kept = fewer;
      } else {
        from += size;
      }
    }
  }
  return kept;
}
