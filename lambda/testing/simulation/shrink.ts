/**
 * The fewest of the items that still fail, as far as leaving out runs of them finds it: first halves, then quarters, down to single items.
 *
 * @param fails whether a run with just those items fails as well
 * @param budget most runs
 */
export async function shrink<T>(
  items: readonly T[],
  fails: (items: readonly T[]) => Promise<boolean>,
  budget: number = 400,
): Promise<readonly T[]> {
  let kept = items;
  let runs = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1 && runs < budget; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length && runs < budget;) {
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
