// Mel spectra, MFCC and chroma against torchaudio's values, on ONNX Runtime. The same on libtorch: test/parity/teachers.torch.test.ts.
import { describe, expect, test } from "vitest";
import { featureCases, featureError, goldenSource } from "../../test/fixtures/golden-teachers.ts";
import { hostTensor, toFloat32 } from "../base/host-tensor.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { noWeights, type Program } from "../ops/program.ts";
import { chroma, standardChroma } from "./chroma.ts";
import { differences, mfcc39 } from "./mfcc.ts";

const engine = onnxEngine({ threads: 1 });

describe("features equal the originals'", () => {
  for (const featureCase of featureCases) {
    const skip = goldenSource(featureCase.folder) === undefined;
    test.skipIf(skip)(
      `${featureCase.folder}: ${featureCase.name} within ${featureCase.bar}${skip ? " (its golden folder is not at hand)" : ""}`,
      async () => {
        const error = await featureError(engine, featureCase);
        expect(error).toBeLessThan(featureCase.bar);
      },
    );
  }
});

async function answer(
  run: Program["run"],
  values: Float32Array,
  shape: readonly number[],
): Promise<{ shape: readonly number[]; data: Float32Array }> {
  const dims = shape.map((_, axis) => `d${axis}`);
  const program: Program = {
    name: "answer",
    params: {},
    inputs: { x: { dtype: "float32", shape: shape.length === 3 ? [dims[0]!, dims[1]!, shape[2]!] : dims } },
    run,
  };
  const session = await engine.prepare(program, noWeights);
  const { y } = await session.run({ x: hostTensor(values, shape) });
  await session.dispose();
  return { shape: y!.shape, data: toFloat32(y!) };
}

test("silence has Kaldi's floor as its energy, and differences of zero", async () => {
  const { shape, data } = await answer((ops, _, { x }) => ({ y: mfcc39(ops, x!, 16_000) }), new Float32Array(2 * 1600), [2, 1600]);
  expect(shape).toEqual([2, 8, 39]);
  expect(data[0]).toBeCloseTo(Math.sqrt(23) * Math.log(1.1920928955078125e-7), 3);
  expect(Math.max(...data.subarray(13, 39).map(Math.abs))).toBeLessThan(1e-4);
});

test("differences repeat the edges: a ramp has slope 1 inside and less at its ends", async () => {
  const ramp = Float32Array.from({ length: 7 }, (_, t) => t);
  const { data } = await answer((ops, _, { x }) => ({ y: differences(ops, x!) }), ramp, [1, 7, 1]);
  const right = [0.5, 0.8, 1, 1, 1, 0.8, 0.5];
  expect(Array.from(data, (value) => Math.round(value * 1e5) / 1e5)).toEqual(right);
});

test("a tone raises its pitch class in every octave, and silence none", async () => {
  const tone = (hz: number) => Float32Array.from({ length: 16_000 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hz * n) / 16_000));
  const silence = new Float32Array(16_000);
  const waves = [tone(130.8), tone(440), tone(880), silence]; // C3, A4, A5
  const values = Float32Array.from(waves.flatMap((wave) => Array.from(wave)));
  const { shape, data } = await answer(
    (ops, _, { x }) => ({ y: chroma(ops, x!, standardChroma({ sampleRateHz: 16_000 })) }),
    values,
    [4, 16_000],
  );
  expect(shape).toEqual([4, 51, 12]);
  const middle = (row: number) => Array.from(data.subarray((row * 51 + 25) * 12, (row * 51 + 26) * 12));
  const strongest = [0, 1, 2].map((row) => middle(row).indexOf(1));
  expect(strongest).toEqual([0, 9, 9]);
  for (const row of [0, 1, 2]) expect([...middle(row)].sort((a, b) => b - a)[1]).toBeLessThan(0.6); // neighbours overlap by half
  expect(Math.max(...middle(3))).toBe(0);
});
