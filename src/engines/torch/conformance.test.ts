// Conformance of libtorch: every word of Ops against the float64 reference, its gradient against finite differences.
import { beforeAll, describe, expect, test } from "vitest";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { toFloat32 } from "../../base/host-tensor.ts";
import { seeded } from "../../base/random.ts";
import { caseAnswer, caseGradient, caseProgram, scaledError } from "../../ops/conformance.ts";
import { opCases } from "../../ops/conformance-cases.ts";
import { noWeights } from "../../ops/program.ts";
import { torchEngine } from "./engine.ts";
import { torchOps } from "./ops.ts";
import { openTorch } from "./runtime.ts";
import { fromHost, type TorchTensor, tidy, toFloats, toNumber } from "./tensor.ts";
import { torchGradients, torchTraining } from "./training.ts";

const device = process.env.OSTINATO_TEST_DEVICE ?? "cpu";
const here = { skip: torchMissing !== undefined };
beforeAll(async () => {
  if (!torchMissing) await openTorch({ device, threads: 1 });
});

describe("libtorch answers as the reference", here, () => {
  test.each(opCases)("$name", async (opCase) => {
    const { program, inputs } = caseProgram(opCase);
    const session = await torchEngine({ device, threads: 1 }).prepare(program, noWeights);
    const { y } = await session.run(inputs);
    const right = caseAnswer(opCase);
    expect(y!.shape).toEqual(right.shape);
    expect(scaledError(toFloat32(y!), right.data)).toBeLessThan(opCase.tolerance ?? 2e-6);
  });
});

describe("libtorch's gradient is that of finite differences", here, () => {
  test.each(opCases.filter((opCase) => opCase.noGradient === undefined))("$name", (opCase) => {
    const ops = torchOps(device);
    const training = torchTraining(ops, device);
    const { inputs } = caseProgram(opCase);
    tidy(() => {
      const leaves: Record<string, TorchTensor> = {};
      for (const [name, value] of Object.entries(inputs)) {
        const tensor = fromHost(value, device);
        leaves[name] = value.dtype === "float32" ? training.leaf(tensor) : tensor;
      }
      const y = opCase.run(ops, leaves);
      const rng = seeded(5);
      const seed = Float64Array.from(caseAnswer(opCase).data, () => Math.fround(2 * rng() - 1));
      const names = Object.keys(inputs).filter((name) => inputs[name]!.dtype === "float32");
      const seedTensor = ops.constant(seed, y.shape);
      const found = torchGradients(
        [y],
        [seedTensor],
        names.map((name) => leaves[name]!),
      );
      names.forEach((name, i) => {
        const right = caseGradient(opCase, name, seed);
        const values = found[i] ? toFloats(found[i]) : new Float32Array(right.length); // no influence is a gradient of zero
        expect(scaledError(values, right), `by ${name}`).toBeLessThan(Math.max(5e-6, 2 * (opCase.tolerance ?? 0)));
      });
    });
  });
});

test("dropout keeps the mean, and draws the same numbers again from the same state", here, () => {
  tidy(() => {
    const ops = torchOps(device);
    const training = torchTraining(ops, device);
    training.seed(3);
    const ones = ops.constant(new Float32Array(20_000).fill(1), [20_000]);
    const state = training.randomState();
    const first = toFloats(training.dropout(ones, 0.25));
    training.setRandomState(state);
    expect(toFloats(training.dropout(ones, 0.25))).toEqual(first);
    expect(toNumber(ops.mean(training.dropout(ones, 0.25), 0))).toBeCloseTo(1, 1);
    expect(new Set(first)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
  });
});
