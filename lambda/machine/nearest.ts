/**
 * The candidate that `name` was most probably meant to be: the one with the fewest typing mistakes between them, if these are few for the
 * length of the name. Upper and lower case count as the same.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  // A longer name is no typing mistake, and would only cost time.
  if (name.length > 100) {
    return undefined;
  }
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) >= fewest || candidate === name) {
      continue;
    }
    const mistakes = typingMistakes(name.toLowerCase(), candidate.toLowerCase());
    // A name of one or two letters would be near to every other one.
    if (mistakes < fewest && mistakes < Math.min(name.length, candidate.length)) {
      best = candidate;
      fewest = mistakes;
    }
  }
  return best;
}

/** Optimal string alignment distance: letters inserted, left out, replaced, or two neighbours swapped. */
function typingMistakes(a: string, b: string): number {
  // Cell (i, j) is the distance between the first i letters of a and the first j of b.
  const width = b.length + 1;
  const cells = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => cells[i * width + j] ?? 0;
  for (let i = 0; i <= a.length; i++) {
    for (let j = 0; j <= b.length; j++) {
      const replaced = a[i - 1] === b[j - 1] ? 0 : 1;
      let fewest = i === 0 || j === 0 ? i + j : Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        fewest = Math.min(fewest, at(i - 2, j - 2) + 1);
      }
      cells[i * width + j] = fewest;
    }
  }
  return at(a.length, b.length);
}
