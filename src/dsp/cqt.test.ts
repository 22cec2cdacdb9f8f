// The CQT against nnAudio's.
import { expect, test } from "vitest";
import { goldenArray, goldenJson, maxDifference } from "../../test/fixtures/golden.ts";
import { hostTensor, toFloat32 } from "../base/host-tensor.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { noWeights, type Program } from "../ops/program.ts";
import { type CqtOptions, cqt, makeKernels } from "./cqt.ts";

interface Meta {
  sr: number;
  hop: number;
  n_bins: number;
  bins_per_octave: number;
  fmin: number;
  fft_len: number;
  cases: { length: number; max: number }[];
  [kernel: `kernel_bin${number}`]: { first_nonzero: number };
}

function setting(folder: string) {
  const meta = goldenJson<Meta>(`E_cqt/${folder}/meta.json`);
  const options: CqtOptions = {
    sampleRateHz: meta.sr,
    hopSamples: meta.hop,
    bins: meta.n_bins,
    binsPerOctave: meta.bins_per_octave,
    lowestHz: meta.fmin,
  };
  return { meta, options };
}

test.each(["sr16000_84bins", "sr24000_84bins", "sr24000_336bins"])(
  "%s: magnitudes equal nnAudio's to 1e-4 of the largest",
  async (folder) => {
    const { meta, options } = setting(folder);
    const program: Program = {
      name: "cqt",
      params: {},
      inputs: { x: { dtype: "float32", shape: ["batch", "samples"] } },
      run: (ops, _, { x }) => ({ magnitudes: ops.swapAxes(cqt(ops, x!, options), 1, 2) }),
    };
    const session = await onnxEngine({ threads: 1 }).prepare(program, noWeights);
    for (const { length, max } of meta.cases) {
      const input = goldenArray(`E_cqt/${folder}/input_${length}.npy`);
      const expected = goldenArray(`E_cqt/${folder}/magnitude_${length}.npy`);
      const { magnitudes } = await session.run({ x: hostTensor(input.data, [1, length]) });
      expect(magnitudes!.shape.slice(-2)).toEqual(expected.shape.slice(-2));
      const error = maxDifference(toFloat32(magnitudes!), expected.data) / max;
      expect(error).toBeLessThan(1e-4);
    }
    await session.dispose();
  },
);

test.each([
  ["sr16000_84bins", [42, 83]],
  ["sr24000_84bins", [42, 83]],
  ["sr24000_336bins", [168, 335]],
] as const)("%s: kernels are nnAudio's, cut to their octave's length", (folder, bins) => {
  const { meta, options } = setting(folder);
  const octaves = makeKernels(options);
  const lengths = goldenArray(`E_cqt/${folder}/kernel_lengths.npy`).data;
  for (const bin of bins) {
    const golden = goldenArray(`E_cqt/${folder}/kernel_bin${bin}.npy`); // [2, nonzero part]
    const length = golden.shape[1]!;
    const { bins: count, halfWidth, values } = octaves[Math.floor(bin / meta.bins_per_octave)]!;
    const row = bin % meta.bins_per_octave;
    const start = meta[`kernel_bin${bin}`]!.first_nonzero - meta.fft_len / 2 + halfWidth;
    for (const part of [0, 1]) {
      const at = (part * count + row) * 2 * halfWidth + start;
      const ours = values.subarray(at, at + length).map((v) => v / Math.sqrt(lengths[bin]!));
      expect(maxDifference(ours, golden.data.subarray(part * length, (part + 1) * length))).toBeLessThan(1e-7);
    }
  }
});
