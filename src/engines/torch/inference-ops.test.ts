// The operators that inference replaces give the same results as the plain ones.
import { beforeAll, expect, test } from "vitest";
import { maxDifference } from "../../../test/fixtures/golden.ts";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import { attentionInBlocks, inferenceOps } from "./inference-ops.ts";
import { torchOps } from "./ops.ts";
import { memory, openTorch } from "./runtime.ts";
import { fromHost, keep, tidy, toFloats } from "./tensor.ts";

const device = process.env.OSTINATO_TEST_DEVICE ?? "cpu";
beforeAll(async () => {
  if (!torchMissing) await openTorch({ device, threads: 1 });
});

test.skipIf(torchMissing).each([false, true])("attention in blocks of queries equals attention at once (lengths: %s)", (masked) => {
  const plain = torchOps(device);
  tidy(() => {
    const random = (seed: number) =>
      fromHost(hostTensor(fillGaussian(seeded(seed), new Float32Array(2 * 3 * 50 * 4)), [2, 3, 50, 4]), device);
    const [q, k, v] = [random(1), random(2), random(3)];
    const lengths = masked ? plain.constant([50, 31], [2], "int32") : undefined;
    const whole = toFloats(plain.attention(q, k, v, lengths));
    for (const queries of [16, 49, 50]) {
      const blocks = attentionInBlocks(plain, q, k, v, lengths, queries);
      expect(blocks.shape).toEqual([2, 3, 50, 4]);
      expect(maxDifference(toFloats(blocks), whole)).toBeLessThan(1e-6);
    }
  });
});

test.skipIf(torchMissing)("in bfloat16 a weight under weight norm is computed once for a session", () => {
  const before = memory().tensors;
  const { ops, dispose } = inferenceOps(device, "bfloat16");
  const random = (seed: number, ...shape: number[]) => {
    const values = fillGaussian(seeded(seed), new Float32Array(shape.reduce((a, b) => a * b)));
    return keep(fromHost(hostTensor(values, shape), device));
  };
  const [v, g] = [random(1, 8, 4, 5), random(2, 1, 1, 5)];
  const [first, second] = [tidy(() => ops.weightNorm(v, g)), tidy(() => ops.weightNorm(v, g))];
  expect(second).toBe(first);
  expect(first.dtype).toBe("bfloat16");
  tidy(() => {
    const exact = toFloats(torchOps(device).weightNorm(v, g));
    expect(maxDifference(toFloats(first), exact)).toBeLessThan(0.01);
  });
  dispose();
  for (const weight of [v, g]) weight.dispose();
  expect(memory().tensors).toBe(before);
});
