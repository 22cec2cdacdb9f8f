// Parts: a split in several manifests (MERT-330M's train_0_6 to train_5_6), of which each epoch trains on the next.
import { ConfigError } from "../../base/errors.ts";
import type { LabelSet } from "../labels/label-set.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { type Plan, type PlanRules, planBatches } from "./plan.ts";

/** Concatenates the clips of several manifests.
 *  @throws ConfigError when they have different roots or sample rates. */
export function joinManifests(parts: readonly Manifest[]): Manifest {
  const [first] = parts;
  if (first === undefined) throw new ConfigError("There is no manifest to join.");
  const { root, sampleRateHz } = first;
  const other = parts.find((part) => part.root !== root || part.sampleRateHz !== sampleRateHz);
  if (other) {
    throw new ConfigError(
      `Parts of one split lie in ${root} at ${sampleRateHz} Hz and in ${other.root} at ${other.sampleRateHz} Hz. Prepare them with one root and rate.`,
    );
  }
  return { root, sampleRateHz, clips: parts.flatMap((part) => part.clips) };
}

/** Concatenates the labels of several manifests in the same order. The stamp is that of the first.
 *  @throws ConfigError when another teacher made some of them. */
export function joinLabels(parts: readonly LabelSet[]): LabelSet {
  const [first] = parts;
  if (first === undefined) throw new ConfigError("There are no labels to join.");
  const { stamp } = first;
  const other = parts.find((part) => part.stamp.teacherHash !== stamp.teacherHash || part.stamp.rateHz !== stamp.rateHz);
  if (other)
    throw new ConfigError(
      `Parts of one split were labelled by ${stamp.teacher} and by ${other.stamp.teacher}. Label them with the same teacher.`,
    );
  const starts = partStarts(parts.map((part) => part.clips));
  const locate = (clip: number) => {
    const part = starts.findLastIndex((start) => start <= clip);
    return { set: parts[part]!, own: clip - starts[part]! };
  };
  return {
    stamp,
    clips: parts.reduce((sum, part) => sum + part.clips, 0),
    frames(clip) {
      const { set, own } = locate(clip);
      return set.frames(own);
    },
    read(clip, start, count) {
      const { set, own } = locate(clip);
      return set.read(own, start, count);
    },
  };
}

/** Plans an epoch of the first part, one of the second, …, and so on in rounds. Clip indices are those of the joined manifest; a batch's epoch
 *  is the number of the round, and `batches` and `clips` are those of a round.
 *  @param parts the lengths of each part's clips, in samples.
 *  @throws ConfigError as `planBatches` does. */
export function planParts(parts: readonly ArrayLike<number>[], rules: PlanRules): Plan {
  const plans = parts.map((lengths) => planBatches(lengths, rules));
  const clipStarts = partStarts(parts.map(({ length }) => length));
  const batchStarts = partStarts(plans.map((plan) => plan.batches));
  const sum = (of: (plan: Plan) => number) => plans.reduce((total, plan) => total + of(plan), 0);
  const batches = sum((plan) => plan.batches);
  return {
    batches,
    clips: sum((plan) => plan.clips),
    short: sum((plan) => plan.short),
    at(number) {
      const [round, within] = [Math.floor(number / batches), number % batches];
      const part = batchStarts.findLastIndex((start) => start <= within);
      const own = plans[part]!;
      const batch = own.at(round * own.batches + within - batchStarts[part]!);
      return { ...batch, number, clips: batch.clips.map((clip) => clip + clipStarts[part]!) };
    },
  };
}

/** The first index of each part in the concatenation. */
function partStarts(sizes: readonly number[]): number[] {
  let at = 0;
  return sizes.map((size) => {
    at += size;
    return at - size;
  });
}
