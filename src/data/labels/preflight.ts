// Preflight: checks that find labels unfit for training before a month is spent on them. Each check has its own message.
import { isManifestHash } from "../manifest/files.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { BookFacts, LabelFacts } from "./facts.ts";

/** A manifest with facts about its labels. */
export interface SplitFacts {
  /** The manifest's name: "train". */
  readonly name: string;
  readonly manifest: Manifest;
  readonly labels: LabelFacts;
}

export const checks = [
  "codebook",
  "dictionary",
  "unknown codes",
  "line count",
  "length",
  "rate",
  "one token",
  "teacher",
  "manifest",
] as const;

/** A reason why labels are unfit for training, with the check that found it. */
export interface Problem {
  readonly check: (typeof checks)[number];
  /** What was found and what to do. */
  readonly message: string;
}

export interface PreflightOptions {
  /** Frames a second that training expects; required for labels without a stamp. */
  readonly rateHz?: number | undefined;
  /** Codebooks that training expects. */
  readonly codebooks?: number | undefined;
}

/** Tolerated difference between the lengths of a clip and its labels in seconds, as in fairseq. */
const toleranceSeconds = 0.1;
/** The largest share of a codebook's tokens that may be the same code. */
const mostOfOneToken = 0.99;

/** Problems of label sets, for each split and then between splits; none where training may begin. */
export function preflight(splits: readonly SplitFacts[], options: PreflightOptions = {}): Problem[] {
  return [...splits.flatMap((split) => checkSplit(split, options)), ...checkTeachers(splits), ...checkCodebooks(splits)];
}

function checkSplit({ name, manifest, labels }: SplitFacts, options: PreflightOptions): Problem[] {
  const { label, books, missing, stamp, form } = labels;
  const problems: Problem[] = [];
  const report = (check: Problem["check"], message: string) => problems.push({ check, message });
  const where = `${name}.${label}${form === "compact" ? ".codes" : ""}`;
  for (const own of missing) {
    const why = stamp ? `the stamp names ${stamp.codebooks} codebooks` : "other files name it";
    report("codebook", `${name}.${own} is missing: ${why}. Label again, or copy it there.`);
  }
  if (options.codebooks !== undefined && books.length !== options.codebooks) {
    report("codebook", `${where} has ${books.length} codebooks; training expects ${options.codebooks}. Label with that many.`);
  }
  for (const [first, second] of equalPairs(books)) {
    report("codebook", `${name}.${second} holds the same codes as ${name}.${first}: one is a copy of the other. Label again.`);
  }
  for (const book of books) problems.push(...checkBook(name, book, manifest.clips.length, stamp?.codebookSize));
  if (stamp && stamp.sampleRateHz !== manifest.sampleRateHz) {
    report(
      "rate",
      `${where} was made at ${stamp.sampleRateHz} Hz, ${name}.tsv counts at ${manifest.sampleRateHz} Hz. Label this manifest.`,
    );
  }
  const rateHz = stamp?.rateHz ?? options.rateHz;
  if (rateHz === undefined) {
    report("rate", `${where} has no stamp with its frames a second. Give them: --label-rate.`);
  } else {
    if (options.rateHz !== undefined && rateHz !== options.rateHz) {
      report("rate", `${where} has ${rateHz} frames a second; training expects ${options.rateHz}. Label with a teacher of that rate.`);
    }
    for (const book of books) problems.push(...checkLengths(name, book, manifest, rateHz));
  }
  if (stamp?.manifestHash && !isManifestHash(stamp.manifestHash, manifest)) {
    report(
      "manifest",
      `${where} was made for other clips, or another order of clips, than ${name}.tsv lists now. Label again, or restore ${name}.tsv.`,
    );
  }
  return problems;
}

function checkBook(name: string, book: BookFacts, clips: number, size: number | undefined): Problem[] {
  const { label, dictionary, lines, counts, unknown, example } = book;
  const problems: Problem[] = [];
  const report = (check: Problem["check"], message: string) => problems.push({ check, message });
  if (!dictionary) {
    const what = dictionary === undefined ? "is missing" : "is empty";
    report(
      "dictionary",
      `dict.${label}.txt ${what}: every label would count as unknown, and training would learn nothing. Write it again.`,
    );
  } else if (size !== undefined && dictionary !== size) {
    report(
      "dictionary",
      `dict.${label}.txt lists ${dictionary} codes, the teacher has ${size}. Write it again: every code, unused ones too.`,
    );
  }
  if (dictionary && unknown > 0) {
    report(
      "unknown codes",
      `${name}.${label} holds ${unknown} codes that no dictionary lists, such as ${example}. Label again with one teacher.`,
    );
  }
  if (lines !== clips) report("line count", `${name}.${label} has ${lines} lines, ${name}.tsv ${clips} clips. Label this manifest.`);
  let [total, most, token] = [0, 0, 0];
  counts.forEach((count, code) => {
    total += count;
    if (count > most) [most, token] = [count, code];
  });
  if (total > 0 && most > mostOfOneToken * total) {
    const share = ((100 * most) / total).toFixed(1);
    report(
      "one token",
      `${share} % of ${name}.${label} is the code ${token}: the teacher heard nothing, or its features are broken. Look at its input.`,
    );
  }
  return problems;
}

/** Checks the frames a second that all labels imply, and clips whose labels don't fit their length. */
function checkLengths(name: string, { label, lines, frames }: BookFacts, manifest: Manifest, rateHz: number): Problem[] {
  const clips = manifest.clips.length;
  if (lines !== clips) return []; // lines can't be assigned to clips
  let [labelled, seconds, wrong] = [0, 0, 0];
  let first: string | undefined;
  for (let clip = 0; clip < clips; clip++) {
    const { path, samples } = manifest.clips[clip]!;
    const lasts = samples / manifest.sampleRateHz;
    labelled += frames[clip]!;
    seconds += lasts;
    if (Math.abs(frames[clip]! / rateHz - lasts) <= toleranceSeconds) continue;
    wrong++;
    first ??= `${path} lasts ${lasts.toFixed(2)} s, its ${frames[clip]} labels ${(frames[clip]! / rateHz).toFixed(2)} s`;
  }
  if (wrong === 0) return [];
  const implied = labelled / seconds;
  if (wrong > clips / 2 && Math.abs(implied / rateHz - 1) > 0.05) {
    const message = `${name}.${label} should have ${rateHz} frames a second, but has ${implied.toFixed(1)}. Give the right rate, or label again.`;
    return [{ check: "rate", message }];
  }
  return [
    { check: "length", message: `${name}.${label}: ${wrong} of ${clips} clips have labels of another length: ${first}. Label again.` },
  ];
}

/** All splits must be labelled by one teacher: codes of two teachers are not comparable. */
function checkTeachers(splits: readonly SplitFacts[]): Problem[] {
  const problems: Problem[] = [];
  for (const { name, labels } of splits) {
    const other = splits.find(({ labels: { label } }) => label === labels.label)!;
    const [mine, theirs] = [labels.stamp, other.labels.stamp];
    if (!mine || !theirs || mine.teacherHash === theirs.teacherHash) continue;
    const message = `${name}.${labels.label} was made by ${mine.teacher} (${mine.teacherHash.slice(0, 12)}), ${other.name}.${labels.label} by ${theirs.teacher} (${theirs.teacherHash.slice(0, 12)}). Label both with one.`;
    problems.push({ check: "teacher", message });
  }
  return problems;
}

/** All splits must have the same codebooks: without a stamp, a codebook that is missing at the end shows only in comparison. */
function checkCodebooks(splits: readonly SplitFacts[]): Problem[] {
  const problems: Problem[] = [];
  const all = new Set(splits.flatMap(({ labels }) => [...labels.books.map(({ label }) => label), ...labels.missing]));
  for (const { name, labels } of splits) {
    if (labels.stamp) continue; // judged by the stamp
    const own = new Set([...labels.books.map(({ label }) => label), ...labels.missing]);
    for (const label of all) {
      if (own.has(label)) continue;
      problems.push({ check: "codebook", message: `${name}.${label} is missing: other splits have it. Label again, or copy it there.` });
    }
  }
  return problems;
}

/** Pairs of codebooks whose codes are equal in every frame. Codebooks of a single code are left to the check of tokens. */
function equalPairs(books: readonly BookFacts[]): [string, string][] {
  const first = new Map<string, string>();
  return books.flatMap(({ label, digest, counts }): [string, string][] => {
    if (counts.filter((count) => count > 0).length < 2) return [];
    const before = first.get(digest);
    if (before === undefined) first.set(digest, label);
    return before === undefined ? [] : [[before, label]];
  });
}
