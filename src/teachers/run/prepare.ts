// From a folder of manifests to labels: opens the teacher, or trains it first, and labels every manifest. A stopped run resumes.
import { realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { inClaimedFolder } from "../../base/claim.node.ts";
import { ConfigError } from "../../base/errors.ts";
import type { Guard } from "../../base/files.node.ts";
import { isShardOf, readManifests } from "../../data/manifest/files.ts";
import { defaultLabel, type OpenTeacherOptions, type TeacherChoice } from "../choice.ts";
import { checkRate, openTeacher } from "../open-teacher.ts";
import type { Teacher } from "../teacher.ts";
import { type LabelCorpusOptions, labelCorpus } from "./corpus.ts";
import { type Part, partFolder, takePart } from "./parts.ts";
import { type LabelPlan, planLabels } from "./plan.ts";
import type { LabelReport } from "./report.ts";

/** Which teacher labels, and where the labels go. */
export interface PrepareLabelsOptions
  extends Omit<LabelCorpusOptions, "label" | "signal" | "guard" | "part">,
    Omit<OpenTeacherOptions, "sampleRateHz" | "train" | "trainTo" | "batchSize"> {
  readonly teacher: TeacherChoice;
  /** The labels' name in file names; default by the teacher: codec, rvq, mfcc, logmel, chroma, layer6. */
  readonly label?: string | undefined;
  /** The manifests' sample rate, where there is no manifest.json. */
  readonly sampleRateHz?: number | undefined;
  /** Label only this part of the clips, to a folder of its own in `out`; `joinParts` joins all parts. */
  readonly part?: Part | undefined;
}

/** Labels all manifests of a folder. A quantiser that is trained for it learns from the train splits and is kept as
 *  `out`/<label>.codebook.safetensors.
 *  @throws ConfigError where `out` is the manifests' own folder, and as `openTeacher` and `labelCorpus` do. */
export async function prepareLabels(folder: string, options: PrepareLabelsOptions): Promise<LabelReport> {
  const { label, out, manifests, open } = await prepareRun(folder, options);
  const taken = options.part && takePart(manifests, options.part);
  const target = options.part ? partFolder(out, options.part) : out;
  const work = async (guard: Guard) => {
    const opened = await open();
    try {
      return await labelCorpus(taken?.manifests ?? manifests, opened, { ...options, out: target, label, part: taken?.range, guard });
    } finally {
      await opened.teacher.dispose();
    }
  };
  return inClaimedFolder(target, work, options);
}

/** What labelling a folder will take, measured on a few clips. @throws ConfigError where the teacher would have to be trained first. */
export async function planLabelling(folder: string, options: PrepareLabelsOptions): Promise<{ plan: LabelPlan; teacher: Teacher }> {
  const { manifests, open } = await prepareRun(folder, { ...options, part: options.part ?? { index: 0, count: 1 } });
  const { teacher } = await open();
  try {
    checkRate(teacher, manifests[0]!.manifest.sampleRateHz);
    return { plan: await planLabels(manifests, teacher, options.signal ?? undefined), teacher };
  } finally {
    await teacher.dispose();
  }
}

/** Trains the quantiser that `prepareLabels` would train, and labels nothing. */
export async function trainTeacher(folder: string, options: PrepareLabelsOptions): Promise<void> {
  const { out, open } = await prepareRun(folder, options);
  await inClaimedFolder(out, async () => (await open()).teacher.dispose(), options);
}

/** The manifests of a run, and how its teacher is opened. Parts of a run share one trained quantiser, so a part trains none. */
async function prepareRun(folder: string, options: PrepareLabelsOptions) {
  const { teacher: choice, out, sampleRateHz, label = defaultLabel(choice) } = options;
  if (!/^[A-Za-z][\w-]*$/.test(label) || /_\d+$/.test(label)) {
    throw new ConfigError(`Labels can't be called ${JSON.stringify(label)}: take letters, digits and hyphens, such as codec or logmel.`);
  }
  const manifests = await readManifests(folder, undefined, { sampleRateHz });
  if ((await place(out)) === (await place(folder))) {
    throw new ConfigError(
      `${out} is the manifests' own folder. Labels come with manifests of their own, of the clips that could be labelled: give another --out.`,
    );
  }
  const train = manifests.filter(({ name }) => name === "train" || isShardOf(name, "train"));
  const trainTo = join(out, `${label}.codebook.safetensors`);
  const isTrained = choice.kind === "codec" || choice.codebook !== undefined;
  if (options.part && !isTrained && !(await stat(trainTo).catch(() => undefined))) {
    throw new ConfigError(
      `${trainTo} does not exist, and parts must share one quantiser. Train it first: the same command with --train-only.`,
    );
  }
  const shared = options.part && !isTrained ? { ...choice, codebook: trainTo } : choice;
  const open = () =>
    openTeacher(shared, {
      ...options,
      sampleRateHz: manifests[0]!.manifest.sampleRateHz,
      train: (train.length > 0 ? train : manifests).map(({ manifest }) => manifest),
      trainTo,
    });
  return { label, out, manifests, open };
}

const place = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
