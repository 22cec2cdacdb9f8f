// Manifests: the clips of a split, and their text as fairseq's tsv (the root, then one clip a line).
import { FormatError } from "../../base/errors.ts";

/** A recording of a manifest. */
export interface Clip {
  /** Relative to the manifest's root, with forward slashes. */
  readonly path: string;
  /** Length at the manifest's sample rate. */
  readonly samples: number;
}

/** The clips of one split, in order: labels, batches and reports name a clip by its index here. */
export interface Manifest {
  /** Absolute path of the folder that clips are relative to. */
  readonly root: string;
  readonly sampleRateHz: number;
  readonly clips: readonly Clip[];
}

/** The content of a tsv file, which doesn't hold the sample rate. */
export type ManifestText = Pick<Manifest, "root" | "clips">;

/** Reads fairseq's tsv: the root folder, then `path<TAB>samples` a line.
 *  @throws FormatError naming the line that is something else. */
export function parseManifest(text: string, name: string): ManifestText {
  const lines = text.split(/\r?\n/);
  const root = lines[0]!.trim();
  if (root === "" || root.includes("\t")) {
    throw new FormatError(`${name} is no manifest: its first line should name the folder of the clips, but is ${quoted(lines[0]!)}.`);
  }
  while (lines.at(-1) === "") lines.pop();
  return { root, clips: lines.slice(1).map((line, i) => parseClip(line, `${name}, line ${i + 2}`)) };
}

function parseClip(line: string, place: string): Clip {
  const [path, samples, ...more] = line.split("\t");
  if (!path || samples === undefined || more.length > 0 || !/^\d+$/.test(samples.trim())) {
    throw new FormatError(`${place}: ${quoted(line)} is no clip. A line is a path, a tab and a number of samples.`);
  }
  return { path, samples: Number(samples) };
}

function quoted(line: string): string {
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line);
}

/** The tsv of a manifest. */
export function manifestText({ root, clips }: ManifestText): string {
  return `${root}\n${clipsText(clips)}`;
}

/** The lines of the clips in a tsv. */
export function clipsText(clips: readonly Clip[]): string {
  return clips.map(({ path, samples }) => `${path}\t${samples}\n`).join("");
}

/** Total length of a manifest's clips in seconds. */
export function manifestSeconds({ clips, sampleRateHz }: Pick<Manifest, "clips" | "sampleRateHz">): number {
  return clips.reduce((sum, { samples }) => sum + samples, 0) / sampleRateHz;
}

/** Whether a manifest can hold a path: tabs and line breaks are separators. */
export function canBeNamed(path: string): boolean {
  return !/[\t\r\n]/.test(path);
}
