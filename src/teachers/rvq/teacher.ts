// The residual quantiser as a teacher: a frame's codes are the entries that its stages choose.
import { ConfigError } from "../../base/errors.ts";
import { sha256File } from "../../base/hash.node.ts";
import type { Engine } from "../../ops/program.ts";
import { type OpenTeacherOptions, type TeacherChoice, trainOptions } from "../choice.ts";
import type { FrameFeatures } from "../features/features.ts";
import { frameTeacher } from "../features/frame-teacher.ts";
import { trainingFrames } from "../features/open-features.ts";
import type { StampedTeacher, Teacher } from "../teacher.ts";
import { loadRvq, trainRvqTo } from "./file.ts";
import { type ResidualQuantiser, residualAssigner } from "./rvq.ts";

/** Codes by a residual quantiser. The features remain the caller's. @throws ConfigError where it was trained on other features. */
export async function rvqTeacher(features: FrameFeatures, quantiser: ResidualQuantiser, engine: Engine): Promise<Teacher> {
  const [stages, size, width] = quantiser.shape;
  return frameTeacher(features, {
    name: `Ostinato RVQ ${stages} x ${size} on ${features.name}`,
    codebooks: stages,
    codebookSize: size,
    trainedOn: { features: quantiser.features, width },
    openAssigner: () => residualAssigner(engine, quantiser),
  });
}

/** Opens the residual quantiser that is chosen, or trains it on the training clips first.
 *  @throws ConfigError where the file that would be trained holds one of other settings. */
export async function openRvq(
  choice: TeacherChoice,
  features: FrameFeatures,
  engine: Engine,
  options: OpenTeacherOptions,
): Promise<StampedTeacher> {
  const { codebook, stages = 8, size = 1024, seed = 0, starts = 3 } = choice;
  const { trainTo, onTraining } = options;
  if (codebook === undefined) {
    const settings = { stages, size, ...trainOptions({ ...choice, starts }) };
    await trainRvqTo(trainTo, trainingFrames(features, options), engine, settings, ({ quantiser: { shape, inertias } }) => {
      onTraining?.(`residual quantiser: stage ${shape[0]} of ${stages}, inertia ${inertias.at(-1)!.toPrecision(4)} a frame`, "milestone");
    });
  }
  const path = codebook ?? trainTo;
  const quantiser = await loadRvq(path);
  const asked = `${stages} x ${size}, seed ${seed}`;
  const held = `${quantiser.shape[0]} x ${quantiser.shape[1]}, seed ${quantiser.seed}`;
  if (codebook === undefined && asked !== held) {
    throw new ConfigError(
      `${path} holds a quantiser of ${held}; asked for was ${asked}. Give it as the codebook, remove it, or label under another name.`,
    );
  }
  return { teacher: await rvqTeacher(features, quantiser, engine), hash: await sha256File(path) };
}
