// From a folder of recordings to a manifest: every file is measured (and converted, if requested), duplicates and unusable files are reported,
// and the rest is split. `files.jsonl` journals each file as it is done, so that a run that was killed resumes.
import { rm, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { runAhead } from "../../base/ahead.ts";
import { inClaimedFolder } from "../../base/claim.node.ts";
import { ConfigError } from "../../base/errors.ts";
import { type Guard, writeAtomic } from "../../base/files.node.ts";
import { type Journal, openJournal } from "../../base/journal.node.ts";
import { findDuplicates } from "./duplicates.ts";
import { type NamedManifest, writeManifests } from "./files.ts";
import { type FoundAudio, type FoundFile, findAudio } from "./find-audio.ts";
import type { Manifest } from "./manifest.ts";
import { audioFault, type Measured, measure } from "./measure.ts";
import { type FileRecord, type ManifestReport, reportOf } from "./report.ts";
import { splitPaths, type ValidChoice } from "./split.ts";

/** Which files of a folder are used, how they are measured, and which are held out. */
export interface PrepareManifestOptions {
  /** The folder of the manifest, which is created. */
  readonly out: string;
  /** The corpus's sample rate; default 24 000. */
  readonly sampleRateHz?: number;
  /** Which clips are held out; default 1 percent, seed 0. */
  readonly valid?: ValidChoice;
  /** Write mono 16-bit wav copies at the corpus's rate to `out`/audio, and make them the manifest's clips. */
  readonly convert?: boolean;
  /** Decode every file to its end. Converting always does. */
  readonly decode?: boolean;
  /** Files shorter than this are left out; default 1. */
  readonly minSeconds?: number;
  /** Files processed at a time; default the number of cores. */
  readonly jobs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of files before the first is measured. */
  readonly onStart?: (files: number) => void;
  /** Called with each file, in order. */
  readonly onFile?: (file: FileRecord) => void;
}

/** A line of files.jsonl: the settings first, then records, and hashes from the search for duplicates. */
type Line = Settings | FileRecord | (FoundFile & { readonly sha256: string });

interface Settings {
  readonly root: string;
  readonly sampleRateHz: number;
  readonly convert: boolean;
  readonly decode: boolean;
}

/** Writes the manifest; a run that was stopped resumes. Files that can't be used are named in the report and never end the run.
 *  @throws NotFoundError where there is no audio file, ConfigError where no file is usable or `out` holds a manifest of other settings, and the
 *  signal's reason when it aborts. */
export async function prepareManifest(folder: string, options: PrepareManifestOptions): Promise<ManifestReport> {
  const { sampleRateHz = 24_000, convert = false, decode = false } = options;
  const settings: Settings = { root: resolve(folder), sampleRateHz, convert, decode: decode && !convert };
  const { files, faults } = await findAudio(folder);
  options.onStart?.(files.length + faults.length);
  return inClaimedFolder(options.out, (guard) => prepare({ files, faults }, settings, { ...options, guard }), options);
}

async function prepare(
  { files, faults }: FoundAudio,
  settings: Settings,
  options: PrepareManifestOptions & { readonly guard: Guard },
): Promise<ManifestReport> {
  const { guard, out, minSeconds = 1, valid = { percent: 1, seed: 0 } } = options;
  const copies = settings.convert ? copyNames(files) : undefined;
  const journal = await openFor(join(out, "files.jsonl"), settings, guard);
  try {
    const records = await measureAll(files, { settings, journal, copies, options });
    const report = reportOf({ ...settings, minSeconds }, records, faults);
    if (report.usable.length === 0) {
      throw new ConfigError(`None of the ${report.files} files in ${settings.root} can be used. ${report.summary.slice(1).join(" ")}`);
    }
    await writeOut(out, settings, valid, report.usable, copies);
    await journal.close(); // it is replaced by its sorted form
    await writeAtomic(join(out, "files.jsonl"), jsonLines([settings, ...records]), { guard });
    await writeAtomic(join(out, "report.json"), `${JSON.stringify({ ...report, usable: report.usable.length }, null, 2)}\n`, { guard });
    return report;
  } finally {
    await journal.close();
  }
}

interface Work {
  readonly settings: Settings;
  readonly journal: Journal<Line>;
  /** Paths of converted files in their folder. */
  readonly copies: ReadonlyMap<string, string> | undefined;
  readonly options: PrepareManifestOptions;
}

/** One record for each file, in order. */
async function measureAll(files: readonly FoundFile[], { settings, journal, copies, options }: Work): Promise<FileRecord[]> {
  const { jobs = availableParallelism(), signal, out, onFile } = options;
  const known = knownRecords(journal.lines, files);
  const hashes = new Map(Array.from(known, ([path, { sha256 }]) => [path, sha256]));
  const duplicates = await findDuplicates(settings.root, files, {
    jobs,
    known: (path) => hashes.get(path),
    signal,
    async onHash(file, sha256) {
      hashes.set(file.path, sha256);
      await journal.append({ ...file, sha256 });
    },
  });
  const one = async (file: FoundFile): Promise<{ record: FileRecord; isNew?: true } | { thrown: unknown }> => {
    const sha256 = hashes.get(file.path);
    const base = { ...file, ...(sha256 && { sha256 }) };
    const duplicateOf = duplicates.get(file.path);
    if (duplicateOf !== undefined) return { record: { ...base, duplicateOf } };
    const convertTo = copies && join(out, "audio", copies.get(file.path)!);
    const before = known.get(file.path);
    if (before && ("fault" in before || ("samples" in before && (await isThere(convertTo, before))))) return { record: before };
    const path = join(settings.root, file.path);
    try {
      signal?.throwIfAborted();
      return { record: { ...base, ...(await measure(path, { ...settings, convertTo, signal })) }, isNew: true };
    } catch (error) {
      try {
        signal?.throwIfAborted();
        return { record: { ...base, ...audioFault(file.path, error) }, isNew: true };
      } catch (thrown) {
        return { thrown };
      }
    }
  };
  const records: FileRecord[] = [];
  for await (const result of runAhead(files, Math.max(0, jobs - 1), one)) {
    if ("thrown" in result) throw result.thrown;
    if (result.isNew) await journal.append(result.record);
    records.push(result.record);
    onFile?.(result.record);
  }
  return records;
}

/** Records of earlier runs for files that haven't changed since; a file's measurement and its hash are merged. */
function knownRecords(lines: readonly Line[], files: readonly FoundFile[]): Map<string, FileRecord> {
  const now = new Map(files.map((file) => [file.path, file]));
  const known = new Map<string, FileRecord>();
  for (const line of lines) {
    if ("root" in line) continue;
    const file = now.get(line.path);
    if (file?.bytes !== line.bytes || file.modified !== line.modified || "duplicateOf" in line) continue;
    known.set(line.path, { ...known.get(line.path), ...line } as FileRecord);
  }
  return known;
}

/** Opens the journal. @throws ConfigError where it was begun with other settings. */
async function openFor(path: string, settings: Settings, guard: Guard): Promise<Journal<Line>> {
  const journal = await openJournal<Line>(path, { guard });
  const [first] = journal.lines;
  if (first === undefined) {
    await journal.append(settings);
    return journal;
  }
  const stored = first as unknown as Record<string, unknown>;
  const differing = Object.entries(settings).filter(([key, value]) => stored[key] !== value);
  if (differing.length === 0) return journal;
  await journal.close();
  const list = differing.map(([key, value]) => `${key} ${stored[key]} (requested: ${value})`).join(", ");
  throw new ConfigError(`${path} belongs to a manifest of other settings: ${list}. Choose another --out, or use the same settings.`);
}

/** Whether a converted file has the length it should have. */
async function isThere(path: string | undefined, { samples }: Measured): Promise<boolean> {
  return path === undefined || (await stat(path).catch(() => undefined))?.size === 44 + 2 * samples;
}

/** Names of converted files: wav files keep theirs, others get a second extension. */
function copyNames(files: readonly FoundFile[]): Map<string, string> {
  const taken = new Set<string>();
  const names = new Map<string, string>();
  for (const { path } of files) {
    let name = /\.wav$/i.test(path) ? path : `${path}.wav`;
    while (taken.has(name.toLowerCase())) name = name.replace(/(\.wav)$/i, "_$1");
    taken.add(name.toLowerCase());
    names.set(path, name);
  }
  return names;
}

type Usable = ManifestReport["usable"];

async function writeOut(
  out: string,
  { root, sampleRateHz }: Settings,
  valid: ValidChoice,
  usable: Usable,
  copies: ReadonlyMap<string, string> | undefined,
): Promise<void> {
  const lengths = new Map(usable.map(({ path, samples }) => [path, samples]));
  const split = splitPaths([...lengths.keys()], valid);
  const manifest = (paths: readonly string[]): Manifest => ({
    root: copies ? resolve(out, "audio") : root,
    sampleRateHz,
    clips: paths.map((path) => ({ path: copies?.get(path) ?? path, samples: lengths.get(path)! })),
  });
  const named: NamedManifest[] = [
    { name: "train", manifest: manifest(split.train) },
    { name: "valid", manifest: manifest(split.valid) },
  ];
  for (const { name, manifest } of named) if (manifest.clips.length === 0) await rm(join(out, `${name}.tsv`), { force: true });
  const how = "list" in valid ? { valid: "by list" } : { validPercent: valid.percent, seed: valid.seed };
  await writeManifests(
    out,
    named.filter(({ manifest: { clips } }) => clips.length > 0),
    how,
  );
}

function jsonLines(lines: readonly Line[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
