// Preflight of a folder: its manifests, their audio, and every label set in each form that is there.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../../base/errors.ts";
import { type NamedManifest, readManifests } from "../manifest/files.ts";
import { findLeaks, type Leak, type LeakSearch } from "../manifest/leaks.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type PreflightOptions, type Problem, preflight, type SplitFacts } from "./preflight.ts";
import { chooseLabel, findLabels, inspectLabels } from "./sets.ts";

export interface FolderPreflightOptions extends PreflightOptions {
  /** The label set to check; default all. */
  readonly label?: string | undefined;
  /** Folder of the labels, where they are not beside the manifests. */
  readonly labelFolder?: string | undefined;
  /** False checks the manifests and their audio alone. */
  readonly labels?: boolean | undefined;
  /** The manifests' sample rate, where there is no manifest.json. */
  readonly sampleRateHz?: number | undefined;
  /** How many clips are compared to find recordings that occur in two splits; default "sample". */
  readonly leaks?: LeakSearch | undefined;
}

/** What was checked, and the problems. */
export interface PreflightResult {
  readonly problems: readonly (Problem | { readonly check: "audio" | "leak"; readonly message: string })[];
  /** What was checked, one line for each label set. */
  readonly looked: readonly string[];
}

/** Checks a folder of manifests and labels, and lists everything that would spoil a training.
 *  @throws NotFoundError where there are no manifests or no labels. */
export async function preflightFolder(folder: string, options: FolderPreflightOptions = {}): Promise<PreflightResult> {
  const { labelFolder = folder, labels: wantsLabels = true, leaks = "sample" } = options;
  const manifests = await readManifests(folder, undefined, { sampleRateHz: options.sampleRateHz });
  const problems: PreflightResult["problems"][number][] = [];
  const looked: string[] = [];
  for (const label of wantsLabels ? await labelsOf(labelFolder, manifests, options.label) : []) {
    const splits: SplitFacts[] = [];
    for (const { name, manifest } of manifests) {
      const facts = await inspectLabels(labelFolder, name, label).catch((error) => {
        if (!(error instanceof NotFoundError)) throw error;
        problems.push({ check: "codebook", message: `${name}.tsv has no labels ${label}, which other manifests have. Label it too.` });
        return [];
      });
      for (const labels of facts) {
        splits.push({ name, manifest, labels });
        const frames = Array.from(labels.books[0]?.frames ?? []).reduce((sum, count) => sum + count, 0);
        const { teacher = "an unknown teacher" } = labels.stamp ?? {};
        looked.push(`${name}.${label}, ${labels.form}: ${labels.books.length} codebooks, ${frames} frames, by ${teacher}`);
      }
    }
    problems.push(...preflight(splits, options));
  }
  const unreadable: PreflightResult["problems"][number][] = [];
  for (const { name, manifest } of manifests) unreadable.push(...(await checkAudio(name, manifest)));
  problems.push(...unreadable);
  if (unreadable.length === 0) {
    const found = await findLeaks(manifests, leaks);
    if (found.compared !== undefined) looked.push(found.compared);
    problems.push(...leakProblems(found.leaks));
  }
  return { problems, looked };
}

/** `preflightFolder` for programs that are about to train or to pack shards.
 *  @throws ConfigError with all problems. */
export async function requirePreflight(folder: string, options: FolderPreflightOptions = {}): Promise<void> {
  const { problems } = await preflightFolder(folder, options);
  if (problems.length === 0) return;
  throw new ConfigError(`${folder} is not fit for training:\n${problems.map(({ message }) => `  ${message}`).join("\n")}`);
}

async function labelsOf(folder: string, manifests: readonly NamedManifest[], label: string | undefined): Promise<string[]> {
  const first = manifests[0]!.name;
  if (label !== undefined) return [(await chooseLabel(folder, first, label)).label];
  const found = [...(await findLabels(folder, first)).keys()];
  if (found.length === 0) throw new NotFoundError(`${folder} holds no labels for ${first}.tsv. Make them: ostinato prepare labels.`);
  return found;
}

/** A problem for each kind of leak, with one example. */
function leakProblems(leaks: readonly Leak[]): { check: "leak"; message: string }[] {
  const kinds = [
    { own: leaks.filter(({ bitErrorRate }) => bitErrorRate === undefined), what: "have the same bytes" },
    { own: leaks.filter(({ bitErrorRate }) => bitErrorRate !== undefined), what: "are the same recording in another encoding" },
  ];
  return kinds.flatMap(({ own, what }) => {
    const [example] = own;
    if (!example) return [];
    const rate = example.bitErrorRate === undefined ? "" : ` (${(100 * example.bitErrorRate).toFixed(0)} % of fingerprint bits differ)`;
    const message = `${own.length} clips of two splits ${what}, such as ${example.first} and ${example.second}${rate}. Keep each recording in one split.`;
    return [{ check: "leak" as const, message }];
  });
}

/** Number of clips whose files are checked, spread over the manifest. */
const checkedFiles = 1000;

async function checkAudio(name: string, { root, clips }: Manifest): Promise<{ check: "audio"; message: string }[]> {
  const step = Math.max(1, Math.floor(clips.length / checkedFiles));
  const missing: string[] = [];
  let looked = 0;
  for (let clip = 0; clip < clips.length; clip += step, looked++) {
    const path = join(root, clips[clip]!.path);
    if (!(await stat(path).catch(() => undefined))?.isFile()) missing.push(path);
  }
  if (missing.length === 0) return [];
  const message = `${missing.length} of ${looked} checked clips of ${name}.tsv don't exist, such as ${missing[0]}. Correct the root in the first line of ${name}.tsv.`;
  return [{ check: "audio", message }];
}
