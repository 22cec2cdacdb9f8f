// The operators that inference replaces give the same results as the plain ones.
import { beforeAll, expect, test } from "vitest";
import { maxDifference } from "../../../test/fixtures/golden.ts";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { hostTensor } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import { attentionInBlocks } from "./inference-ops.ts";
import { torchOps } from "./ops.ts";
import { openTorch } from "./runtime.ts";
import { fromHost, tidy, toFloats } from "./tensor.ts";

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
