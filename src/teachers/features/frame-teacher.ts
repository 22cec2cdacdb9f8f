// A teacher over frame features: one codebook, or several, give each frame its codes.
import { ConfigError } from "../../base/errors.ts";
import type { Codes } from "../../inference/encodec.ts";
import type { Teacher } from "../teacher.ts";
import type { FrameFeatures } from "./features.ts";

/** Assigns codes to frames. */
export interface FrameAssigner {
  /** frames [n, width] → codes [codebooks, n]. */
  assign(frames: Float32Array): Promise<Int32Array>;
  dispose(): Promise<void>;
}

export interface FrameTeacherOptions {
  readonly name: string;
  readonly codebooks: number;
  readonly codebookSize: number;
  /** The name and width of the features that the codebooks were trained on. */
  readonly trainedOn: { readonly features: string; readonly width: number };
  /** Opened once the features are known to fit. */
  readonly openAssigner: () => Promise<FrameAssigner>;
}

/** Codes of each frame. Disposing of the teacher disposes of its assigner; the features remain the caller's.
 *  @throws ConfigError where the codebooks were trained on other features. */
export async function frameTeacher(features: FrameFeatures, options: FrameTeacherOptions): Promise<Teacher> {
  const { name, codebooks, codebookSize, trainedOn, openAssigner } = options;
  const { sampleRateHz, rateHz, frameCount, width } = features;
  if (features.name !== trainedOn.features || width !== trainedOn.width) {
    throw new ConfigError(
      `The quantiser was trained on ${trainedOn.features} (${trainedOn.width} wide), but these features are ${features.name} (${width} wide). Use the features it was trained on.`,
    );
  }
  const assigner = await openAssigner();
  const encodeOne = async (waveform: Float32Array): Promise<Codes> => {
    const frames = frameCount(waveform.length);
    const values = new Int32Array(codebooks * frames);
    let done = 0;
    for await (const piece of features.frames(waveform)) {
      const count = piece.length / width;
      const codes = await assigner.assign(piece); // [codebooks, count]
      for (let book = 0; book < codebooks; book++) values.set(codes.subarray(book * count, (book + 1) * count), book * frames + done);
      done += count;
    }
    return { codebooks, frames, values };
  };
  return {
    name,
    codebooks,
    codebookSize,
    sampleRateHz,
    rateHz,
    frameCount,
    async encode(waveforms) {
      const codes: Codes[] = [];
      for (const waveform of waveforms) codes.push(await encodeOne(waveform));
      return codes;
    },
    dispose: () => assigner.dispose(),
  };
}
