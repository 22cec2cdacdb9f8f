// EnCodec's encoder (arXiv:2210.13438), 24 kHz: causal convolutions, an LSTM, one more convolution, a residual quantiser.
//
// The encoder is causal: the convolutions see less than two frames of the past, and the LSTM's state can be passed on. So long audio can be
// encoded in pieces, and clips of different lengths in one batch, without any error. Only an incomplete last frame needs care, since each
// striding convolution completes its input by reflection. `convolutions` is for complete frames; `endingConvolutions` handles the ends of
// clips and takes their lengths.
import type { Ops } from "../../ops/ops.ts";
import type { Params } from "../../ops/params.ts";
import type { Program, TensorSpec } from "../../ops/program.ts";
import { type EncodecConfig, encodecHop } from "./config.ts";
import { codebooksName } from "./keys.ts";
import { allConvolutionParams, type Layer, plan, recurrentParams } from "./layers.ts";
import { residualCodes } from "./quantiser.ts";

/** Frames of context that must precede a piece: the convolutions depend on 478 earlier samples, less than two frames of 320. */
export const contextFrames = 2;
/** The smallest number of frames for `convolutions`: in shorter clips the reflection reaches the clip's end. */
export const shortFrames = 3;

/** Frames for a number of samples, counting an incomplete last one. */
export const encodecFrames = (config: EncodecConfig, samples: number): number => Math.ceil(samples / encodecHop(config));

/** A convolution of `kernel` frames every `stride`. `length` [batch] counts each row's valid frames; undefined: all are. */
function conv<T>(ops: Ops<T>, params: Params<T>, { path, kernel, stride }: Layer & { kind: "conv" }, x: T, length: T | undefined): T {
  const p = params.at(`${path}.conv`);
  const whole = length === undefined ? x : completeLastStride(ops, x, stride, length);
  return ops.conv1d(reflectBefore(ops, whole, kernel - stride, length), p.get("weight"), p.get("bias"), { stride });
}

function residual<T>(ops: Ops<T>, params: Params<T>, { path, dilation }: Layer & { kind: "residual" }, x: T, length: T | undefined): T {
  const [narrow, wide, shortcut] = ["block.1", "block.3", "shortcut"].map((name) => params.at(`${path}.${name}.conv`)) as [
    Params<T>,
    Params<T>,
    Params<T>,
  ];
  const weight = narrow.get("weight");
  const past = dilation * (ops.fixedSize(weight, 2) - 1);
  const inside = ops.conv1d(reflectBefore(ops, ops.elu(x), past, length), weight, narrow.get("bias"), { dilation });
  const y = ops.conv1d(ops.elu(inside), wide.get("weight"), wide.get("bias"));
  return ops.add(ops.conv1d(x, shortcut.get("weight"), shortcut.get("bias")), y);
}

/** waveform [batch, samples] → [batch, frames, channels] before the LSTM. `lengths`: each row's valid samples, then its valid outputs after
 *  each stride, [batch] each; undefined where every row has frames to spare. */
function runConvolutions<T>(
  ops: Ops<T>,
  params: Params<T>,
  config: EncodecConfig,
  waveform: T,
  lengths: readonly T[] | undefined,
  tap?: (path: string, x: T) => void,
): T {
  let x = ops.unsqueeze(waveform, 2);
  for (const layer of plan(config).convolutions) {
    const length = lengths?.[layer.strides];
    if (layer.kind === "residual") x = residual(ops, params, layer, x, length);
    else x = conv(ops, params, layer, layer.stride > 1 ? ops.elu(x) : x, length);
    tap?.(layer.path, x);
  }
  return x;
}

/** Inputs x [batch, samples], a multiple of the hop → `features` [batch, frames, channels]. Rows may continue past the
 *  end of their clip, which does not affect earlier frames. Each row needs at least `shortFrames` frames. */
export function convolutions(config: EncodecConfig): Program {
  return {
    name: "encodec-convolutions",
    params: allConvolutionParams(config),
    inputs: { x: { dtype: "float32", shape: ["batch", "samples"] } },
    run<T>(ops: Ops<T>, params: Params<T>, { x }: Readonly<Record<string, T>>) {
      return { features: runConvolutions(ops, params, config, x!, undefined) };
    },
  };
}

/** Names of the length inputs of `endingConvolutions`: valid samples, then valid outputs of each striding layer. */
export const lengthInputs = ({ strides }: EncodecConfig): string[] => Array.from({ length: strides.length + 1 }, (_, i) => `length_${i}`);

/** The values of those inputs for a clip. */
export function strideLengths({ strides }: EncodecConfig, samples: number): number[] {
  const lengths = [samples];
  for (const stride of strides) lengths.push(Math.ceil(lengths.at(-1)! / stride));
  return lengths;
}

/** As `convolutions`, for short clips and the ends of clips. Inputs x [batch, samples], zero behind each row's `length_0`, samples a multiple
 *  of the hop; `length_i` [batch]. Outputs `features` [batch, frames, channels], and the layers that `taps` names. */
export function endingConvolutions(config: EncodecConfig, taps: readonly string[] = []): Program {
  const names = lengthInputs(config);
  const counts: TensorSpec = { dtype: "int32", shape: ["batch"] };
  return {
    name: "encodec-ending",
    params: allConvolutionParams(config),
    inputs: { x: { dtype: "float32", shape: ["batch", "samples"] }, ...Object.fromEntries(names.map((name) => [name, counts])) },
    run<T>(ops: Ops<T>, params: Params<T>, inputs: Readonly<Record<string, T>>) {
      const lengths = names.map((name) => inputs[name]!);
      const out: Record<string, T> = {};
      const features = runConvolutions(ops, params, config, inputs.x!, lengths, (path, y) => {
        if (taps.includes(path)) out[path] = y;
      });
      return { ...out, features };
    },
  };
}

// Padding, as the authors draw it (encodec/modules/conv.py, `pad1d` and `get_extra_padding_for_conv1d`). A causal convolution of kernel k and
// stride s takes k − s frames of reflection on the left, and on the right as many as complete the last stride. With k = 4, s = 2 and five
// valid frames:
//
//          left    x           right
//          c b     a b c d e   d          reflected about a and about e
//
// Where x has no more frames than the padding, zeros are appended to x before it is reflected. So one valid frame with s = 4 gives
//
//          left    x   right
//          ...     a   0 0 0

/** x with the frames behind each row's `length` replaced by the reflection that completes the last stride. */
function completeLastStride<T>(ops: Ops<T>, x: T, stride: number, length: T): T {
  if (stride === 1) return x;
  const isShort = ops.cast(ops.less(length, stride + 1), "float32");
  const isLong = ops.unsqueeze(ops.unsqueeze(ops.add(ops.mul(isShort, -1), 1), 1), 2); // [b, 1, 1]
  const valid = silenceAfter(ops, x, length);
  const source = ops.mul(valid, isLong);
  let y = valid;
  for (let i = 0; i < stride - 1; i++) {
    // Frame length + i takes the value of frame length − 2 − i.
    const moved = ops.matchLength(ops.pad(source, 1, 2 + 2 * i, 0), 1, x);
    y = ops.where(ops.unsqueeze(ops.lengthMask(x, 1, ops.add(length, i)), 2), y, moved);
  }
  return y;
}

/** x with `frames` frames of reflection before it: of each row's valid frames, or of x itself where no length is given. */
function reflectBefore<T>(ops: Ops<T>, x: T, frames: number, length: T | undefined): T {
  if (frames === 0) return x;
  if (length === undefined) return ops.pad(x, 1, frames, 0, "reflect");
  return ops.concat([reflection(ops, silenceAfter(ops, x, length), frames), x], 1);
}

/** The reflection of `frames` frames that precedes x, alone. Zeros stand in where x is too short. */
function reflection<T>(ops: Ops<T>, x: T, frames: number): T {
  const head = ops.slice(ops.pad(x, 1, 0, frames + 1), 1, 0, frames + 1);
  return ops.slice(ops.pad(head, 1, frames, 0, "reflect"), 1, 0, frames);
}

export interface RecurrentOptions {
  readonly codebooks: number;
  /** Whether the clips begin here, or continue from the state of the previous piece. */
  readonly first: boolean;
}

/** Inputs `features` [batch, frames, channels]; at the beginning of clips `frames` [batch], their valid frames; later `hidden_i`, `cell_i`
 *  [batch, channels] and `context` [batch, lastKernel − 1, channels].
 *  Outputs `embeddings` [batch, frames, width], `codes` [batch, codebooks, frames] int32, and the state for the next piece as `next_…`. */
export function recurrent(config: EncodecConfig, { codebooks, first }: RecurrentOptions): Program {
  const { lstm, last } = plan(config);
  const stateSpec: TensorSpec = { dtype: "float32", shape: ["batch", lstm.channels] };
  const states = Array.from({ length: config.lstmLayers }, (_, i) => [`hidden_${i}`, `cell_${i}`] as const);
  const back = config.lastKernel - 1;
  return {
    name: first ? "encodec-first" : "encodec-next",
    params: recurrentParams(config, codebooks),
    inputs: {
      features: { dtype: "float32", shape: ["batch", "frames", lstm.channels] },
      ...(first
        ? { frames: { dtype: "int32", shape: ["batch"] } }
        : {
            ...Object.fromEntries(states.flat().map((name) => [name, stateSpec])),
            context: { dtype: "float32", shape: ["batch", back, lstm.channels] },
          }),
    },
    run<T>(ops: Ops<T>, params: Params<T>, inputs: Readonly<Record<string, T>>) {
      const p = params.at(`${lstm.path}.lstm`);
      const out: Record<string, T> = {};
      const x: T = inputs.features!;
      let y: T = x;
      for (const [i, [hidden, cell]] of states.entries()) {
        const weights = {
          input: p.get(`weight_ih_l${i}`),
          hidden: p.get(`weight_hh_l${i}`),
          inputBias: p.get(`bias_ih_l${i}`),
          hiddenBias: p.get(`bias_hh_l${i}`),
        };
        const result = ops.lstm(y, weights, first ? undefined : { hidden: inputs[hidden]!, cell: inputs[cell]! });
        y = result.output;
        out[`next_${hidden}`] = ops.cast(result.hidden, "float32");
        out[`next_${cell}`] = ops.cast(result.cell, "float32");
      }
      const activated = ops.elu(ops.add(y, x));
      const before = first ? reflection(ops, silenceAfter(ops, activated, inputs.frames!), back) : inputs.context!;
      const padded = ops.concat([before, activated], 1);
      out.next_context = ops.cast(ops.slice(padded, 1, -back), "float32");
      const c = params.at(`${last.path}.conv`);
      const embeddings = ops.cast(ops.conv1d(padded, c.get("weight"), c.get("bias")), "float32");
      out.embeddings = embeddings;
      out.codes = residualCodes(ops, embeddings, params.get(codebooksName));
      return out;
    },
  };
}

/** x [batch, frames, channels] with each row's frames from `frames` [batch] on set to zero. */
function silenceAfter<T>(ops: Ops<T>, x: T, frames: T): T {
  return ops.mul(x, ops.unsqueeze(ops.cast(ops.lengthMask(x, 1, frames), "float32"), 2));
}
