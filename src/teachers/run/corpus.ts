// Labelling a corpus: clips are decoded ahead while the teacher computes, each batch is kept in a journal, and at the end the labels and the
// manifests of the labelled clips are written together. A run that was killed resumes from its journal.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../../base/errors.ts";
import { type Guard, writeAtomic } from "../../base/files.node.ts";
import { countCodes } from "../../data/labels/facts.ts";
import { convertLabels, findLabels, type LabelForm, writeLabels } from "../../data/labels/sets.ts";
import { writeDictionaries } from "../../data/labels/text.ts";
import { manifestHash, type NamedManifest, writeManifests } from "../../data/manifest/files.ts";
import type { Clip, Manifest } from "../../data/manifest/manifest.ts";
import { manifestText } from "../../data/manifest/manifest.ts";
import { checkRate } from "../open-teacher.ts";
import type { StampedTeacher } from "../teacher.ts";
import { type LabelJournal, openLabelJournal, removeLabelJournal } from "./journal.ts";
import { type ClipDone, labelManifest } from "./manifest.ts";
import { compactBytes, defaultForms } from "./plan.ts";
import { type LabelReport, type PartRange, reportPath, splitReport } from "./report.ts";

export interface LabelCorpusOptions {
  /** The labels' name in file names: "codec". */
  readonly label: string;
  /** Folder of the labels and their manifests. */
  readonly out: string;
  /** Default: both, or above 1 GB the compact form alone. */
  readonly forms?: readonly LabelForm[] | undefined;
  /** The part of the whole manifests that these are. */
  readonly part?: PartRange | undefined;
  /** Clips of a batch; default 8. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal | undefined;
  /** The lock under which `out` is written. */
  readonly guard?: Guard | undefined;
  /** Called with the number of clips. */
  readonly onStart?: (clips: number) => void;
  /** Called with each clip; those of an earlier run come first. */
  readonly onClip?: (clip: ClipDone) => void;
}

/** Labels manifests; a stopped run resumes and a finished one is only read. Clips that can't be used are named in the report and left out of the
 *  manifests beside the labels, which hold the decoded lengths.
 *  @throws ConfigError where rates differ, none of a manifest's clips can be used, or `out` holds labels of other clips; the signal's reason. */
export async function labelCorpus(
  manifests: readonly NamedManifest[],
  { teacher, hash }: StampedTeacher,
  options: LabelCorpusOptions,
): Promise<LabelReport> {
  const { label, out, part, batchSize = 8, guard } = options;
  const forms = options.forms ?? defaultForms(compactBytes(manifests, teacher));
  for (const { manifest } of manifests) checkRate(teacher, manifest.sampleRateHz);
  const { codebooks, codebookSize, rateHz, sampleRateHz } = teacher;
  const sources = Object.fromEntries(manifests.map(({ name, manifest }) => [name, manifestHash(manifest)]));
  const stamp = { teacher: teacher.name, teacherHash: hash, codebooks, codebookSize, rateHz, sampleRateHz };
  const head = { label, ...stamp, forms, ...(part && { part }) };
  const partial = (name: string) => join(out, `${name}.${label}.partial`);
  const cleanUp = async () => {
    for (const { name } of manifests) await removeLabelJournal(partial(name));
  };
  options.onStart?.(manifests.reduce((sum, { manifest }) => sum + manifest.clips.length, 0));
  const finished = await finishedReport(out, head, sources);
  if (finished) {
    await cleanUp();
    reportSkipped(manifests, finished, options);
    return withForms(out, finished, options.forms ?? []);
  }
  await rm(reportPath(out, label), { force: true });

  const journals = new Map<string, LabelJournal>();
  try {
    for (const { name, manifest } of manifests) {
      const identity = { ...head, forms: undefined, part: undefined, manifest: sources[name], batchSize };
      const journal = await openLabelJournal(partial(name), codebooks, identity, { guard });
      journals.set(name, journal);
      await labelManifest({ name, manifest, journal, teacher, batchSize, signal: options.signal, onClip: options.onClip });
    }
    const kept = manifests
      .map(({ name, manifest }) => ({ name, manifest: keptManifest(manifest, journals.get(name)!, name, part !== undefined) }))
      .filter(({ manifest }) => manifest.clips.length > 0);
    for (const { name, manifest } of kept) await checkNeighbours(out, name, label, manifest);
    await guard?.check();
    if (kept.length > 0) await writeManifests(out, kept);
    const sets = kept.map(({ name, manifest }) => {
      return { name, set: journals.get(name)!.labels({ ...stamp, manifestHash: manifestHash(manifest) }) };
    });
    try {
      if (sets.length > 0) await writeDictionaries(out, label, countCodes(sets.map(({ set }) => set)));
      for (const { name, set } of sets) await writeLabels(out, name, label, set, forms);
    } finally {
      for (const { set } of sets) set.close();
    }
    const splits = Object.fromEntries(
      manifests.map(({ name, manifest }) => [
        name,
        splitReport(manifest.clips, sources[name]!, sampleRateHz, journals.get(name)!.outcomes),
      ]),
    );
    const report: LabelReport = { ...head, splits };
    await writeAtomic(reportPath(out, label), `${JSON.stringify(report, null, 2)}\n`, { guard });
    for (const journal of journals.values()) await journal.close();
    await cleanUp();
    return report;
  } finally {
    for (const journal of journals.values()) await journal.close();
  }
}

/** The labelled clips with their decoded lengths. @throws ConfigError where there is none, unless `mayBeEmpty`. */
function keptManifest(manifest: Manifest, { outcomes }: LabelJournal, name: string, mayBeEmpty: boolean): Manifest {
  const kept = manifest.clips.flatMap(({ path }, index): Clip[] => {
    const outcome = outcomes.get(index)!;
    return "frames" in outcome ? [{ path, samples: outcome.samples }] : [];
  });
  if (kept.length > 0 || mayBeEmpty) return { ...manifest, clips: kept };
  const first = [...outcomes.values()].find((outcome) => "message" in outcome) as { message: string } | undefined;
  throw new ConfigError(`None of the ${manifest.clips.length} clips of ${name} could be labelled. The first: ${first?.message}`);
}

/** @throws ConfigError where other labels of the folder are of other clips. */
export async function checkNeighbours(out: string, name: string, label: string, manifest: Manifest): Promise<void> {
  const there = await readFile(join(out, `${name}.tsv`), "utf8").catch(() => undefined);
  if (there === undefined || there === manifestText(manifest)) return;
  const others = [...(await findLabels(out, name)).keys()].filter((other) => other !== label);
  if (others.length === 0) return;
  throw new ConfigError(
    `${out} holds labels of other clips (${others.join(", ")}), which the new ${name}.tsv would not fit. Give another --out.`,
  );
}

async function finishedReport(out: string, head: object, sources: Readonly<Record<string, string>>): Promise<LabelReport | undefined> {
  const text = await readFile(reportPath(out, (head as LabelReport).label), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const report = JSON.parse(text) as LabelReport;
  const same = Object.entries({ ...head, forms: report.forms }).every(([key, value]) => {
    return JSON.stringify(report[key as keyof LabelReport]) === JSON.stringify(value);
  });
  const existing = Object.fromEntries(Object.entries(report.splits).map(([name, { source }]) => [name, source]));
  return same && JSON.stringify(existing) === JSON.stringify(sources) ? report : undefined;
}

/** Converts a finished set to those of the requested forms that are missing. */
async function withForms(out: string, report: LabelReport, forms: readonly LabelForm[]): Promise<LabelReport> {
  const missing = forms.filter((form) => !report.forms.includes(form));
  for (const form of missing) await convertLabels(out, Object.keys(report.splits), report.label, form);
  if (missing.length === 0) return report;
  const more = { ...report, forms: [...report.forms, ...missing] };
  await writeAtomic(reportPath(out, report.label), `${JSON.stringify(more, null, 2)}\n`);
  return more;
}

function reportSkipped(manifests: readonly NamedManifest[], { splits }: LabelReport, { onClip }: LabelCorpusOptions): void {
  for (const { name, manifest } of manifests) {
    const left = new Map(
      Object.entries(splits[name]!.leftOut).flatMap(([fault, files]) => files.map(({ path, message }) => [path, { fault, message }])),
    );
    for (const { path } of manifest.clips) onClip?.({ manifest: name, path, status: "skipped", seconds: 0, ...left.get(path) });
  }
}
