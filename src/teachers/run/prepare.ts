// From a folder of manifests to labels: the teacher is opened, or trained first, and every manifest labelled. All of it resumes.
import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { inClaimedFolder } from "../../base/claim.node.ts";
import { ConfigError } from "../../base/errors.ts";
import type { Guard } from "../../base/files.node.ts";
import { isShardOf, readManifests } from "../../data/manifest/files.ts";
import { defaultLabel, type OpenTeacherOptions, type TeacherChoice } from "../choice.ts";
import { openTeacher } from "../open-teacher.ts";
import { type LabelCorpusOptions, labelCorpus } from "./corpus.ts";
import type { LabelReport } from "./report.ts";

/** Which teacher labels, and where the labels go. */
export interface PrepareLabelsOptions
  extends Omit<LabelCorpusOptions, "label" | "signal" | "guard">,
    Omit<OpenTeacherOptions, "sampleRateHz" | "train" | "trainTo" | "batchSize"> {
  readonly teacher: TeacherChoice;
  /** What the labels are called in file names; default by the teacher: codec, rvq, mfcc, logmel, chroma, layer6. */
  readonly label?: string | undefined;
  /** The manifests' rate, where no manifest.json says it. */
  readonly sampleRateHz?: number | undefined;
}

/** Labels all manifests of a folder. A quantiser that is trained for it learns from the train splits and is kept as
 *  `out`/<label>.codebook.safetensors.
 *  @throws ConfigError where `out` is the manifests' own folder, and as `openTeacher` and `labelCorpus` do. */
export async function prepareLabels(folder: string, options: PrepareLabelsOptions): Promise<LabelReport> {
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
  const work = async (guard: Guard) => {
    const opened = await openTeacher(choice, {
      ...options,
      sampleRateHz: manifests[0]!.manifest.sampleRateHz,
      train: (train.length > 0 ? train : manifests).map(({ manifest }) => manifest),
      trainTo: join(out, `${label}.codebook.safetensors`),
    });
    try {
      return await labelCorpus(manifests, opened, { ...options, label, guard });
    } finally {
      await opened.teacher.dispose();
    }
  };
  return inClaimedFolder(out, work, options);
}

const place = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
