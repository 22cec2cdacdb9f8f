// Frame features of whole clips: MFCC, log-mel and chroma, computed piece by piece so that memory doesn't grow with the clip.

import { ConfigError } from "../../base/errors.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { chroma, standardChroma } from "../../dsp/chroma.ts";
import { logMel, mertMel } from "../../dsp/mel.ts";
import { mfcc39, mfccFraming, mfccWidth } from "../../dsp/mfcc.ts";
import type { Ops } from "../../ops/ops.ts";
import { type Engine, noWeights, type Program } from "../../ops/program.ts";
import { type Framing, pieces } from "./pieces.ts";

/** Turns waveforms into frames. */
export interface FrameFeatures {
  /** The kind of features with every setting: features of the same name are comparable. */
  readonly name: string;
  readonly width: number;
  readonly sampleRateHz: number;
  /** Frames a second. */
  readonly rateHz: number;
  /** Frames for a number of samples; 0 where not even one fits. */
  frameCount(samples: number): number;
  /** A mono waveform at `sampleRateHz` → its frames in order, in pieces of [frames, width]. @throws TooShortError for a clip without a frame. */
  frames(waveform: Float32Array): AsyncIterable<Float32Array>;
  dispose(): Promise<void>;
}

interface Kind extends Framing {
  readonly name: string;
  readonly width: number;
  run<T>(ops: Ops<T>, x: T): T;
}

export interface DspFeatureOptions {
  readonly sampleRateHz?: number;
  /** Log-mel: bands; 84 as MERT's mel head has. */
  readonly mels?: number;
  /** Chroma: classes; 12. */
  readonly classes?: number;
  /** Log-mel and chroma: samples from one frame to the next; 320 as the models' convolutions step. */
  readonly hopSamples?: number;
  /** Frames computed at a time. */
  readonly pieceFrames?: number;
}

export const dspKinds = ["mfcc", "logmel", "chroma"] as const;
export type DspKind = (typeof dspKinds)[number];

/** MFCC (39 wide, 100 a second), log-mel or chroma on an engine. */
export async function dspFeatures(
  kind: DspKind,
  engine: Engine,
  { sampleRateHz = 16_000, mels = 84, classes = 12, hopSamples = 320, pieceFrames = 3000 }: DspFeatureOptions = {},
): Promise<FrameFeatures> {
  const chosen = describeKind(kind, { sampleRateHz, mels, classes, hopSamples });
  const program: Program = {
    name: kind,
    params: {},
    inputs: { x: { dtype: "float32", shape: ["batch", "samples"] } },
    run: (ops, _, { x }) => ({ y: chosen.run(ops, x!) }),
  };
  const session = await engine.prepare(program, noWeights);
  const compute = async (samples: Float32Array) => toFloat32((await session.run({ x: hostTensor(samples, [1, samples.length]) })).y!);
  return {
    name: chosen.name,
    width: chosen.width,
    sampleRateHz,
    rateHz: sampleRateHz / chosen.hopSamples,
    frameCount: (samples) => frameCount(chosen, samples),
    async *frames(waveform) {
      for (const piece of pieces(chosen, waveform, frameCount(chosen, waveform.length), pieceFrames)) {
        const values = await compute(piece.samples);
        const width = values.length / piece.frames;
        yield values.subarray(piece.skip * width, (piece.skip + piece.count) * width);
      }
    },
    dispose: () => session.dispose(),
  };
}

function describeKind(kind: DspKind, o: Required<Omit<DspFeatureOptions, "pieceFrames">>): Kind {
  const { sampleRateHz, mels, classes, hopSamples } = o;
  if (kind === "mfcc") {
    const framing = mfccFraming(sampleRateHz);
    return {
      ...framing,
      contextFrames: 4, // two delta windows of two frames each
      name: `Kaldi MFCC 13 with two differences, ${sampleRateHz} Hz, hop ${framing.hopSamples}`,
      width: mfccWidth,
      run: (ops, x) => mfcc39(ops, x, sampleRateHz),
    };
  }
  if (kind === "logmel") {
    const options = mertMel({ sampleRateHz, mels, hopSamples });
    return {
      hopSamples,
      frameSamples: 0,
      contextFrames: Math.ceil(options.fftSamples / 2 / hopSamples),
      name: `log-mel of ${mels} bands, ${sampleRateHz} Hz, hop ${hopSamples}`,
      width: mels,
      run: (ops, x) => logMel(ops, x, options),
    };
  }
  const options = standardChroma({ sampleRateHz, classes, hopSamples });
  // The length of the lowest note's kernel, as in dsp/cqt.ts.
  const longest = Math.ceil(sampleRateHz / (2 ** (1 / classes) - 1) / 32.7);
  return {
    hopSamples,
    frameSamples: 0,
    contextFrames: Math.ceil((longest / 2 + 1) / hopSamples),
    name: `chroma of ${classes} classes, ${sampleRateHz} Hz, hop ${hopSamples}`,
    width: classes,
    run: (ops, x) => chroma(ops, x, options),
  };
}

function frameCount({ hopSamples, frameSamples }: Framing, samples: number): number {
  if (frameSamples === 0) return samples > 0 ? Math.floor(samples / hopSamples) + 1 : 0;
  return samples < frameSamples ? 0 : Math.floor((samples - frameSamples) / hopSamples) + 1;
}

/** @throws ConfigError for a name that is none of them. */
export function dspKind(name: string): DspKind {
  const kind = dspKinds.find((known) => known === name);
  if (!kind) throw new ConfigError(`There is no feature ${JSON.stringify(name)}. Choose ${dspKinds.join(", ")}, or a model's layer.`);
  return kind;
}
