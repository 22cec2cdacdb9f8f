// Opening a teacher: EnCodec from a folder or by its hub name, k-means and residual quantisers from a file, or trained on the manifests first.
import { ConfigError } from "../base/errors.ts";
import { chooseEngine } from "../inference/choose-engine.node.ts";
import type { Engine } from "../ops/program.ts";
import type { OpenTeacherOptions, TeacherChoice } from "./choice.ts";
import { openCodec } from "./codec/codec.ts";
import { openFeatures } from "./features/open-features.ts";
import { openKMeans } from "./kmeans/teacher.ts";
import { openRvq } from "./rvq/teacher.ts";
import type { StampedTeacher } from "./teacher.ts";

/** Opens a teacher: fetches its weights, or trains its quantiser where none is given; a stopped training resumes. A teacher that computes in
 *  another dtype than fp32 says so in its name.
 *  @throws ConfigError for settings that contradict each other, and the errors of opening and training. */
export async function openTeacher(choice: TeacherChoice, options: OpenTeacherOptions): Promise<StampedTeacher> {
  const engine = await teacherEngine(options);
  const opened = choice.kind === "codec" ? await openCodec(choice, engine, options) : await openOverFrames(choice, engine, options);
  const { dtype = "fp32" } = options;
  const name = dtype === "fp32" ? opened.teacher.name : `${opened.teacher.name}, ${dtype}`;
  return { ...opened, teacher: { ...opened.teacher, name } };
}

/** Opens a teacher and closes it again, as far as that needs no training: EnCodec, a trained quantiser, a layer's model.
 *  @throws ConfigError where it is not usable at the sample rate, and as `openTeacher` does. */
export async function tryTeacher(choice: TeacherChoice, options: Omit<OpenTeacherOptions, "train" | "trainTo">): Promise<void> {
  const { sampleRateHz } = options;
  const whole = { ...options, train: [], trainTo: "" };
  if (choice.kind === "codec" || choice.codebook !== undefined) {
    const { teacher } = await openTeacher(choice, whole);
    await teacher.dispose();
    checkRate(teacher, sampleRateHz);
  } else if (choice.features === "layer") {
    const features = await openFeatures(choice, await teacherEngine(whole), whole);
    await features.dispose();
    checkRate(features, sampleRateHz);
  }
}

/** @throws ConfigError where a manifest's sample rate is not the teacher's. */
export function checkRate(teacher: { readonly name: string; readonly sampleRateHz: number }, sampleRateHz: number): void {
  if (sampleRateHz === teacher.sampleRateHz) return;
  throw new ConfigError(
    `The manifest's lengths count at ${sampleRateHz} Hz, but ${teacher.name} takes ${teacher.sampleRateHz} Hz. Make the manifest with --sample-rate ${teacher.sampleRateHz}, or choose another teacher.`,
  );
}

async function openOverFrames(choice: TeacherChoice, engine: Engine, options: OpenTeacherOptions): Promise<StampedTeacher> {
  const features = await openFeatures(choice, engine, options);
  try {
    const open = choice.kind === "kmeans" ? openKMeans : openRvq;
    const { teacher, hash } = await open(choice, features, engine, options);
    const dispose = async () => {
      await teacher.dispose();
      await features.dispose();
    };
    return { teacher: { ...teacher, dispose }, hash };
  } catch (error) {
    await features.dispose();
    throw error;
  }
}

/** The engine, whose calls throw once the signal is aborted: so training stops too. Idle threads of ONNX Runtime sleep instead of spinning, since
 *  several sessions take turns. */
async function teacherEngine(options: OpenTeacherOptions): Promise<Engine> {
  const { engine } = await chooseEngine(options, { spin: false });
  return {
    ...engine,
    async prepare(program, weights) {
      const session = await engine.prepare(program, weights);
      const run: typeof session.run = async (...inputs) => {
        options.signal?.throwIfAborted();
        return session.run(...inputs);
      };
      return { run, dispose: () => session.dispose() };
    },
  };
}
