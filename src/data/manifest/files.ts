// Manifests on disk: train.tsv and valid.tsv, whole or in shards, with their sample rate in manifest.json beside them.
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ConfigError, FormatError, NotFoundError } from "../../base/errors.ts";
import { writeAtomic } from "../../base/files.node.ts";
import { sha256 } from "../../base/hash.node.ts";
import type { Manifest } from "./manifest.ts";
import { clipsText, manifestSeconds, manifestText, parseManifest } from "./manifest.ts";

export const manifestCard = "manifest.json";

/** What manifest.json adds to the tsv files. */
const cardSchema = z.object({ sampleRateHz: z.number().int().positive() });

/** A manifest and the name of its files: "train", or "train_0_6" for the first of six shards. */
export interface NamedManifest {
  readonly name: string;
  readonly manifest: Manifest;
}

export interface ReadManifestOptions {
  /** The sample rate of the lengths. Required where there is no manifest.json; where there is one, the two must agree. */
  readonly sampleRateHz?: number | undefined;
}

/** The manifests of a folder in order: of one split, or of all. Each of MERT's shards (`train_0_6.tsv` …, one an epoch) is a manifest of its
 *  own; a manifest that was split into files (`train.tsv.00` …) is joined.
 *  @throws NotFoundError where there is none, ConfigError where the sample rate is neither in manifest.json nor given. */
export async function readManifests(folder: string, split?: string, options: ReadManifestOptions = {}): Promise<NamedManifest[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new NotFoundError(`There is no folder ${folder}.`) : error;
  });
  const names = [...groupPieces(files)].filter(([name]) => split === undefined || name === split || isShardOf(name, split));
  if (names.length === 0) {
    const wanted = split === undefined ? "train.tsv or valid.tsv" : `${split}.tsv`;
    throw new NotFoundError(`${folder} holds no ${wanted}, nor shards of it. Make one: ostinato prepare manifest <folder> --out ${folder}`);
  }
  const sampleRateHz = await rateOf(folder, options.sampleRateHz);
  const named: NamedManifest[] = [];
  for (const [name, pieces] of names.sort(([a], [b]) => byNumber(a, b))) {
    named.push({ name, manifest: await readPieces(folder, pieces.sort(byNumber), sampleRateHz) });
  }
  return named;
}

/** The one manifest of a split. @throws ConfigError where it is in shards, and as `readManifests`. */
export async function readManifest(folder: string, split: string, options: ReadManifestOptions = {}): Promise<Manifest> {
  const named = await readManifests(folder, split, options);
  if (named.length > 1) throw new ConfigError(`${folder} holds ${split} in ${named.length} shards. Read them one by one.`);
  return named[0]!.manifest;
}

/** Writes `<name>.tsv` of each manifest, and manifest.json with the sample rate and `more`. Each file is written atomically. */
export async function writeManifests(folder: string, manifests: readonly NamedManifest[], more: object = {}): Promise<void> {
  const [first] = manifests;
  if (!first) throw new ConfigError("There is no manifest to write.");
  const { sampleRateHz } = first.manifest;
  for (const { name, manifest } of manifests) await writeAtomic(join(folder, `${name}.tsv`), manifestText(manifest));
  const splits = Object.fromEntries(
    manifests.map(({ name, manifest }) => [name, { clips: manifest.clips.length, seconds: rounded(manifestSeconds(manifest)) }]),
  );
  await writeAtomic(join(folder, manifestCard), `${JSON.stringify({ sampleRateHz, splits, ...more }, null, 2)}\n`);
}

/** SHA-256 of a manifest's clips: paths, lengths and their order. The root is left out, so a corpus may be moved. */
export function manifestHash({ clips }: Pick<Manifest, "clips">): string {
  return sha256(clipsText(clips));
}

/** Whether a stamp's hash is that of a manifest. Earlier versions hashed the root too; such stamps are recognised while the root is unchanged. */
export function isManifestHash(hash: string, manifest: Pick<Manifest, "root" | "clips">): boolean {
  return hash === manifestHash(manifest) || hash === sha256(manifestText(manifest));
}

/** Files of each manifest by its name. */
function groupPieces(files: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const [, name] = /^(\w[\w-]*)\.tsv(?:\.\d+)?$/.exec(file) ?? [];
    if (name) groups.set(name, [...(groups.get(name) ?? []), file]);
  }
  return groups;
}

/** The split of a manifest: train of train, train_3 and train_3_6. */
export function splitOf(name: string): string {
  return name.replace(/(_\d+){1,2}$/, "");
}

/** train_3 and train_3_6 are shards of train. */
export function isShardOf(name: string, split: string): boolean {
  return name.startsWith(split) && /^(_\d+){1,2}$/.test(name.slice(split.length));
}

function byNumber(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Joins the files of one manifest: only the first must name the root. */
async function readPieces(folder: string, files: readonly string[], sampleRateHz: number): Promise<Manifest> {
  let root: string | undefined;
  const clips: Manifest["clips"][number][] = [];
  for (const file of files) {
    const path = join(folder, file);
    const text = await readFile(path, "utf8");
    const headless = root !== undefined && text.slice(0, text.indexOf("\n")).includes("\t");
    const piece = parseManifest(headless ? `${root}\n${text}` : text, path);
    if (root !== undefined && piece.root !== root) {
      throw new FormatError(`${path} has the root ${piece.root}, the pieces before it ${root}. Give them one root.`);
    }
    root = piece.root;
    for (const clip of piece.clips) clips.push(clip);
  }
  return { root: resolve(folder, root!), sampleRateHz, clips };
}

async function rateOf(folder: string, given: number | undefined): Promise<number> {
  const path = join(folder, manifestCard);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) {
    if (given !== undefined) return given;
    throw new ConfigError(
      `${folder} has no ${manifestCard}, so the sample rate of its lengths is unknown. Give it: --sample-rate 24000 (sampleRateHz).`,
    );
  }
  const parsed = cardSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new FormatError(`${path} has no sampleRateHz, a whole number of hertz. Write it there.`);
  const { sampleRateHz } = parsed.data;
  if (given !== undefined && given !== sampleRateHz) {
    throw new ConfigError(`${path} says ${sampleRateHz} Hz, but ${given} Hz was given. Leave the option out, or correct the file.`);
  }
  return sampleRateHz;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;
