// Nearest names: what somebody who misspelt a name probably meant.

/** The candidates that are spelt nearly like `name`, ignoring case, nearest first: for short lists, such as options and models. */
export function nearestNames<Name extends string>(name: string, candidates: readonly Name[]): Name[] {
  const wanted = name.slice(0, longestName).toLowerCase();
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

const longestName = 200;
const mostKeys = 50_000;

/** Up to three keys of a file that differ from `name` in at most a third of its letters, nearest first. Of a file with more keys than any
 *  checkpoint has, the first 50,000 are compared. */
export function nearestKeys(name: string, keys: Iterable<string>): string[] {
  if (name.length > longestName) return [];
  const limit = Math.ceil(name.length / 3);
  const near: { key: string; distance: number }[] = [];
  let compared = 0;
  for (const key of keys) {
    if (++compared > mostKeys) break;
    const distance = editDistance(name, key, limit);
    if (distance <= limit) near.push({ key, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ key }) => key);
}

/** Levenshtein's distance: insertions, deletions and substitutions that turn `a` into `b`; anything above `limit` where the lengths alone
 *  exceed it. */
function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
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
