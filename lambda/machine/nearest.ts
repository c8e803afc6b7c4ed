/**
 * Finds the candidate that `name` was most likely meant to be: the one with the fewest typos, if there are few for the length of the name.
 * Ignores case.
 *
 * @returns `undefined` if no candidate is close enough
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  // Longer names only cost time: a typo in one is unlikely.
  if (name.length > 100) {
    return undefined;
  }
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= fewest || candidate === name) {
      continue;
    }
    const typos = countTypos(name.toLowerCase(), candidate.toLowerCase());
    // Without the second condition, names of one or two letters would match every other name.
    if (typos < fewest && typos < Math.min(name.length, candidate.length)) {
      best = candidate;
      fewest = typos;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of two neighbors. */
function countTypos(a: string, b: string): number {
  // Cell (i, j) is the distance between the first i letters of a and the first j letters of b.
  const width = b.length + 1;
  const cells = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => cells[i * width + j] ?? 0;
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      const substitution = a[i - 1] === b[j - 1] ? 0 : 1;
      let fewest =
        i === 0 || j === 0 ? i + j : Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        fewest = Math.min(fewest, at(i - 2, j - 2) + 1);
      }
      cells[i * width + j] = fewest;
    }
  }
  return at(a.length, b.length);
}
