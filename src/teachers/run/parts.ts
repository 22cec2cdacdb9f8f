// Parts of a labelling run: a cluster's jobs label a part each, in a folder of their own, and a join checks and concatenates them.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../../base/errors.ts";
import { type Guard, writeAtomic } from "../../base/files.node.ts";
import { joinLabels, joinManifests } from "../../data/batches/parts.ts";
import { countCodes } from "../../data/labels/facts.ts";
import type { OpenLabels } from "../../data/labels/label-set.ts";
import { type LabelForm, openLabels, writeLabels } from "../../data/labels/sets.ts";
import { writeDictionaries } from "../../data/labels/text.ts";
import { manifestHash, type NamedManifest, readManifest, writeManifests } from "../../data/manifest/files.ts";
import type { Manifest } from "../../data/manifest/manifest.ts";
import { checkNeighbours } from "./corpus.ts";
import { defaultForms } from "./plan.ts";
import { type LabelReport, type PartRange, reportPath } from "./report.ts";

/** One of `count` parts; `index` counts from 0. */
export interface Part {
  readonly index: number;
  readonly count: number;
}

/** Folder of a part's labels. */
export const partFolder = (out: string, { index, count }: Part): string => join(out, `part-${index}-of-${count}`);

/** Parses "2/8", or "auto" with the index from a cluster's environment: SLURM's array task, or Kubernetes' completion index ("auto/8").
 *  @throws ConfigError where the text or the environment names no part. */
export function parsePart(text: string, env: Readonly<Record<string, string | undefined>> = process.env): Part {
  const [, own, total] = /^(auto|\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  const number = (name: string) => (/^\d+$/.test(env[name] ?? "") ? Number(env[name]) : undefined);
  const first = number("SLURM_ARRAY_TASK_MIN") ?? 0;
  const slurm = number("SLURM_ARRAY_TASK_ID");
  const fromEnvironment = slurm === undefined ? number("JOB_COMPLETION_INDEX") : (slurm - first) / (number("SLURM_ARRAY_TASK_STEP") ?? 1);
  const index = own === "auto" ? fromEnvironment : own === undefined ? undefined : Number(own);
  const count = total === undefined ? (own === "auto" ? number("SLURM_ARRAY_TASK_COUNT") : undefined) : Number(total);
  if (own === "auto" && (index === undefined || count === undefined)) {
    throw new ConfigError(
      "--part auto needs SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT; on Kubernetes, JOB_COMPLETION_INDEX and the number of parts: --part auto/8.",
    );
  }
  if (index === undefined || count === undefined || !Number.isInteger(index) || count < 1 || index >= count) {
    throw new ConfigError(`There is no part ${text}: parts count from 0, so eight parts are 0/8 to 7/8.`);
  }
  return { index, count };
}

/** The clips of a part: consecutive clips of each manifest, of about equal total length in all parts. */
export function takePart(manifests: readonly NamedManifest[], { index, count }: Part): { manifests: NamedManifest[]; range: PartRange } {
  const splits: Record<string, PartRange["splits"][string]> = {};
  const own = manifests.map(({ name, manifest }) => {
    const total = manifest.clips.reduce((sum, { samples }) => sum + samples, 0);
    let before = 0;
    const partOfClip = manifest.clips.map(({ samples }) => {
      const part = Math.min(count - 1, Math.floor(((before + samples / 2) * count) / Math.max(1, total)));
      before += samples;
      return part;
    });
    const from = partOfClip.filter((part) => part < index).length;
    const to = partOfClip.filter((part) => part <= index).length;
    splits[name] = { from, to, of: manifest.clips.length, source: manifestHash(manifest) };
    return { name, manifest: { ...manifest, clips: manifest.clips.slice(from, to) } };
  });
  return { manifests: own.filter(({ manifest }) => manifest.clips.length > 0), range: { index, count, splits } };
}

export interface JoinPartsOptions {
  /** The label; required where the parts hold several. */
  readonly label?: string | undefined;
  /** Default as for `labelCorpus`. */
  readonly forms?: readonly LabelForm[] | undefined;
  /** The lock under which `out` is written. */
  readonly guard?: Guard | undefined;
}

/** Joins the parts in `out` to label sets and manifests there, as one run would have written them. The parts stay.
 *  @throws ConfigError where parts are missing or were made by different teachers or from different manifests. */
export async function joinParts(out: string, options: JoinPartsOptions = {}): Promise<LabelReport> {
  const parts = await readParts(out, options.label);
  const [first] = parts;
  const { label } = first!.report;
  const joined: NamedManifest[] = [];
  const sets: OpenLabels[] = [];
  try {
    const perName: { name: string; manifest: Manifest; labels: OpenLabels[] }[] = [];
    for (const name of Object.keys(first!.report.part!.splits)) {
      const held = parts.filter(({ report }) => (report.splits[name]?.labelled ?? 0) > 0);
      if (held.length === 0) continue;
      const manifests: Manifest[] = [];
      const labels: OpenLabels[] = [];
      for (const { folder } of held) {
        manifests.push(await readManifest(folder, name));
        const set = await openLabels(folder, name, label);
        sets.push(set);
        labels.push(set);
      }
      perName.push({ name, manifest: joinManifests(manifests), labels });
    }
    if (perName.length === 0) throw new ConfigError(`No clip of the parts in ${out} could be labelled: their reports name the reasons.`);
    for (const { name, manifest } of perName) {
      await checkNeighbours(out, name, label, manifest);
      joined.push({ name, manifest });
    }
    await options.guard?.check();
    await writeManifests(out, joined);
    const { teacher, teacherHash, codebooks, codebookSize, rateHz, sampleRateHz } = first!.report;
    const stamp = { teacher, teacherHash, codebooks, codebookSize, rateHz, sampleRateHz };
    const whole = perName.map(({ name, manifest, labels }) => {
      return { name, set: { ...joinLabels(labels), stamp: { ...stamp, manifestHash: manifestHash(manifest) } } };
    });
    const frames = whole.reduce(
      (sum, { set }) => sum + Array.from({ length: set.clips }, (_, i) => set.frames(i)).reduce((a, b) => a + b, 0),
      0,
    );
    const forms = options.forms ?? defaultForms(2 * frames * codebooks);
    await writeDictionaries(out, label, countCodes(whole.map(({ set }) => set)));
    for (const { name, set } of whole) await writeLabels(out, name, label, set, forms);
    const report = { ...mergedReport(parts.map((part) => part.report)), forms };
    await writeAtomic(reportPath(out, label), `${JSON.stringify(report, null, 2)}\n`, { guard: options.guard });
    return report;
  } finally {
    for (const set of sets) set.close();
  }
}

interface PartReport {
  readonly folder: string;
  readonly report: LabelReport;
}

/** The reports of all parts in order. @throws NotFoundError where there is none, ConfigError where they don't belong together. */
async function readParts(out: string, label: string | undefined): Promise<PartReport[]> {
  const parts: PartReport[] = [];
  const unfinished: string[] = [];
  for (const folder of (await readdir(out).catch(() => [])).filter((name) => /^part-\d+-of-\d+$/.test(name))) {
    const files = (await readdir(join(out, folder))).filter((name) => /^report\..+\.json$/.test(name));
    const wanted = files.filter((name) => label === undefined || name === `report.${label}.json`);
    if (wanted.length > 1) throw new ConfigError(`${join(out, folder)} holds several labels: ${wanted.join(", ")}. Name one: --label.`);
    if (wanted.length === 0) unfinished.push(folder);
    else {
      const report = JSON.parse(await readFile(join(out, folder, wanted[0]!), "utf8")) as LabelReport;
      parts.push({ folder: join(out, folder), report });
    }
  }
  if (parts.length === 0) {
    throw new NotFoundError(`${out} holds no finished parts. Label them: ostinato prepare labels <manifests> --out ${out} --part 0/8 …`);
  }
  parts.sort((a, b) => a.report.part!.index - b.report.part!.index);
  const { count } = parts[0]!.report.part!;
  const present = new Set(parts.map(({ report }) => report.part!.index));
  const other = parts.find(({ report }) => report.part!.count !== count);
  if (other)
    throw new ConfigError(`${out} holds parts of ${count} and of ${other.report.part!.count}. Remove the folders of one of the two runs.`);
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => !present.has(index));
  if (missing.length > 0) {
    const begun = unfinished.length > 0 ? ` (begun but not finished: ${unfinished.join(", ")})` : "";
    throw new ConfigError(
      `Of ${count} parts ${missing.length} are missing: ${missing
        .slice(0, 20)
        .map((index) => `${index}/${count}`)
        .join(", ")}${begun}. Label them, then join again.`,
    );
  }
  for (const { report, folder } of parts) checkAlike(parts[0]!, { report, folder });
  return parts;
}

/** @throws ConfigError where a part was made by another teacher, or from other manifests, than the first. */
function checkAlike(first: PartReport, part: PartReport): void {
  for (const key of ["label", "teacher", "teacherHash", "codebooks", "codebookSize", "rateHz", "sampleRateHz"] as const) {
    if (part.report[key] === first.report[key]) continue;
    throw new ConfigError(
      `${part.folder} has ${key} ${part.report[key]}, ${first.folder} has ${first.report[key]}. Label all parts with one teacher.`,
    );
  }
  const sourcesOf = ({ report }: PartReport) =>
    JSON.stringify(Object.entries(report.part!.splits).map(([name, { of, source }]) => [name, of, source]));
  if (sourcesOf(part) !== sourcesOf(first)) {
    throw new ConfigError(
      `${part.folder} and ${first.folder} were made from different manifests. Label all parts from the same manifests.`,
    );
  }
}

function mergedReport(reports: readonly LabelReport[]): LabelReport {
  const { part, ...head } = reports[0]!;
  const splits = Object.entries(part!.splits).map(([name, { of, source }]) => {
    const own = reports.flatMap((report) => report.splits[name] ?? []);
    const sum = (of: (split: (typeof own)[number]) => number) => own.reduce((total, split) => total + of(split), 0);
    const leftOut: Record<string, { path: string; message: string }[]> = {};
    for (const split of own)
      for (const [reason, files] of Object.entries(split.leftOut)) leftOut[reason] = [...(leftOut[reason] ?? []), ...files];
    return [
      name,
      {
        ...{ clips: of, source, labelled: sum((split) => split.labelled), frames: sum((split) => split.frames) },
        seconds: Math.round(sum((split) => split.seconds) * 1000) / 1000,
        ...{ leftOut, corrected: own.flatMap((split) => split.corrected), mended: own.flatMap((split) => split.mended) },
      },
    ] as const;
  });
  return { ...head, splits: Object.fromEntries(splits) };
}
