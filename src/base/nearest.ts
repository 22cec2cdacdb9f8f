// Nearest names: what somebody who misspelt a name probably meant.

/** The candidates that are spelt nearly like `name`, ignoring case, nearest first. */
export function nearestNames<Name extends string>(name: string, candidates: readonly Name[]): Name[] {
  const wanted = name.toLowerCase();
  return candidates
    .map((candidate) => {
      const form = candidate.toLowerCase();
      const contained = Math.min(wanted.length, form.length) > 2 && (form.includes(wanted) || wanted.includes(form));
      return { candidate, distance: contained ? 1 : editDistance(wanted, form) };
    })
    .filter(({ distance }) => distance <= Math.max(2, wanted.length / 2.5))
    .sort((a, b) => a.distance - b.distance)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance: insertions, deletions and substitutions that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
