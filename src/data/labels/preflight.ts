// Preflight: what makes labels useless for training, found before a month is spent on them. Each check has its own message.
import type { Manifest } from "../manifest/manifest.ts";
import type { BookFacts, LabelFacts } from "./facts.ts";

/** A split as its files show it. */
export interface SplitFacts {
  /** The manifest's name: "train". */
  readonly name: string;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest's text. */
  readonly manifestHash: string;
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

/** What would spoil a training, by the check that found it. */
export interface Problem {
  readonly check: (typeof checks)[number];
  /** What was found and what to do. */
  readonly message: string;
}

export interface PreflightOptions {
  /** Frames a second, where no stamp says it or another is needed. */
  readonly rateHz?: number | undefined;
  /** Codebooks that training expects. */
  readonly codebooks?: number | undefined;
}

/** fairseq's tolerance between a clip's length and its labels', in seconds. */
const toleranceSeconds = 0.1;
/** Of a codebook's tokens at most this share may be one and the same. */
const mostOfOneToken = 0.99;

/** All that is wrong with label sets, split by split and then between them; nothing where training may begin. */
export function preflight(splits: readonly SplitFacts[], options: PreflightOptions = {}): Problem[] {
  return [...splits.flatMap((split) => checkSplit(split, options)), ...checkTeachers(splits)];
}

function checkSplit({ name, manifest, manifestHash, labels }: SplitFacts, options: PreflightOptions): Problem[] {
  const { label, books, missing, stamp, form } = labels;
  const problems: Problem[] = [];
  const found = (check: Problem["check"], message: string) => problems.push({ check, message });
  const where = `${name}.${label}${form === "compact" ? ".codes" : ""}`;
  for (const own of missing)
    found("codebook", `${name}.${own} is missing, a codebook of ${stamp ? stamp.codebooks : "those that are there"}. Label again.`);
  if (options.codebooks !== undefined && books.length !== options.codebooks) {
    found("codebook", `${where} has ${books.length} codebooks; training expects ${options.codebooks}. Label with that many.`);
  }
  for (const book of books) problems.push(...checkBook(name, book, manifest.clips.length, stamp?.codebookSize));
  if (stamp && stamp.sampleRateHz !== manifest.sampleRateHz) {
    found("rate", `${where} was made at ${stamp.sampleRateHz} Hz, ${name}.tsv counts at ${manifest.sampleRateHz} Hz. Label this manifest.`);
  }
  const rateHz = stamp?.rateHz ?? options.rateHz;
  if (rateHz === undefined) {
    found("rate", `${where} has no stamp that tells its frames a second. Give them: --label-rate.`);
  } else {
    if (options.rateHz !== undefined && rateHz !== options.rateHz) {
      found("rate", `${where} has ${rateHz} frames a second; ${options.rateHz} are asked for. Label with a teacher of that rate.`);
    }
    for (const book of books) problems.push(...checkLengths(name, book, manifest, rateHz));
  }
  if (stamp?.manifestHash && stamp.manifestHash !== manifestHash) {
    found("manifest", `${where} was made of another manifest than ${name}.tsv as it is now. Label again, or bring back the manifest.`);
  }
  return problems;
}

function checkBook(name: string, book: BookFacts, clips: number, size: number | undefined): Problem[] {
  const { label, dictionary, lines, counts, unknown, example } = book;
  const problems: Problem[] = [];
  const found = (check: Problem["check"], message: string) => problems.push({ check, message });
  if (!dictionary) {
    const what = dictionary === undefined ? "is missing" : "is empty";
    found("dictionary", `dict.${label}.txt ${what}: every label would count as unknown, and training would learn nothing. Write it again.`);
  } else if (size !== undefined && dictionary !== size) {
    found(
      "dictionary",
      `dict.${label}.txt lists ${dictionary} codes, the teacher has ${size}. Write it again: every code, unused ones too.`,
    );
  }
  if (dictionary && unknown > 0) {
    found(
      "unknown codes",
      `${name}.${label} holds ${unknown} codes that no dictionary lists, such as ${example}. Label again with one teacher.`,
    );
  }
  if (lines !== clips) found("line count", `${name}.${label} has ${lines} lines, ${name}.tsv ${clips} clips. Label this manifest.`);
  let [total, most, token] = [0, 0, 0];
  counts.forEach((count, code) => {
    total += count;
    if (count > most) [most, token] = [count, code];
  });
  if (total > 0 && most > mostOfOneToken * total) {
    const share = ((100 * most) / total).toFixed(1);
    found(
      "one token",
      `${share} % of ${name}.${label} is the code ${token}: the teacher heard nothing, or its features are broken. Look at its input.`,
    );
  }
  return problems;
}

/** The rate all labels together imply, and clips whose labels don't fit their length. */
function checkLengths(name: string, { label, lines, frames }: BookFacts, manifest: Manifest, rateHz: number): Problem[] {
  const clips = manifest.clips.length;
  if (lines !== clips) return []; // which line is whose nobody knows
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

/** Splits must be of one teacher: codes of two have nothing to do with each other. */
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
