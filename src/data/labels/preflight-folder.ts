// Preflight of a folder: every set of labels beside its manifests, in each form that is there.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../../base/errors.ts";
import { manifestHash, type NamedManifest, readManifests } from "../manifest/files.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type PreflightOptions, type Problem, preflight, type SplitFacts } from "./preflight.ts";
import { chooseLabel, findLabels, inspectLabels } from "./sets.ts";

export interface FolderPreflightOptions extends PreflightOptions {
  /** The set to check; all by default. */
  readonly label?: string | undefined;
  /** The manifests' rate, where no manifest.json says it. */
  readonly sampleRateHz?: number | undefined;
}

/** What was looked at, and what is wrong with it. */
export interface PreflightResult {
  readonly problems: readonly (Problem | { readonly check: "audio"; readonly message: string })[];
  /** A line a set. */
  readonly looked: readonly string[];
}

/** Looks through a folder of manifests and labels as a training would, and lists all that would spoil it.
 *  @throws NotFoundError where there are no manifests or no labels. */
export async function preflightFolder(folder: string, options: FolderPreflightOptions = {}): Promise<PreflightResult> {
  const manifests = await readManifests(folder, undefined, { sampleRateHz: options.sampleRateHz });
  const problems: PreflightResult["problems"][number][] = [];
  const looked: string[] = [];
  for (const label of await labelsOf(folder, manifests, options.label)) {
    const splits: SplitFacts[] = [];
    for (const { name, manifest } of manifests) {
      const facts = await inspectLabels(folder, name, label).catch((error) => {
        if (!(error instanceof NotFoundError)) throw error;
        problems.push({ check: "codebook", message: `${name}.tsv has no labels ${label}, which others of the folder have. Label it too.` });
        return [];
      });
      for (const labels of facts) {
        splits.push({ name, manifest, manifestHash: manifestHash(manifest), labels });
        const frames = Array.from(labels.books[0]?.frames ?? []).reduce((sum, count) => sum + count, 0);
        const { teacher = "an unknown teacher" } = labels.stamp ?? {};
        looked.push(`${name}.${label}, ${labels.form}: ${labels.books.length} codebooks, ${frames} frames, by ${teacher}`);
      }
    }
    problems.push(...preflight(splits, options));
  }
  for (const { name, manifest } of manifests) problems.push(...(await checkAudio(name, manifest)));
  return { problems, looked };
}

/** `preflightFolder` for programs that are about to train.
 *  @throws ConfigError with all that is wrong. */
export async function requirePreflight(folder: string, options: FolderPreflightOptions = {}): Promise<void> {
  const { problems } = await preflightFolder(folder, options);
  if (problems.length === 0) return;
  throw new ConfigError(`The labels in ${folder} are not fit for training:\n${problems.map(({ message }) => `  ${message}`).join("\n")}`);
}

async function labelsOf(folder: string, manifests: readonly NamedManifest[], label: string | undefined): Promise<string[]> {
  const first = manifests[0]!.name;
  if (label !== undefined) return [(await chooseLabel(folder, first, label)).label];
  const found = [...(await findLabels(folder, first)).keys()];
  if (found.length === 0) throw new NotFoundError(`${folder} holds no labels for ${first}.tsv. Make them: ostinato prepare labels.`);
  return found;
}

/** Clips that are looked for, spread over the manifest. */
const mostLookedFor = 1000;

async function checkAudio(name: string, { root, clips }: Manifest): Promise<{ check: "audio"; message: string }[]> {
  const step = Math.max(1, Math.floor(clips.length / mostLookedFor));
  const missing: string[] = [];
  let looked = 0;
  for (let clip = 0; clip < clips.length; clip += step, looked++) {
    const path = join(root, clips[clip]!.path);
    if (!(await stat(path).catch(() => undefined))?.isFile()) missing.push(path);
  }
  if (missing.length === 0) return [];
  const message = `${missing.length} of ${looked} clips of ${name}.tsv that were looked for are not there, such as ${missing[0]}. Correct the root in its first line.`;
  return [{ check: "audio", message }];
}
