// Parity of every golden model on libtorch.
import { describe, expect, test } from "vitest";
import { torchEngine } from "../../src/engines/torch/engine.ts";
import { goldenCases, goldenErrors, goldenModels } from "../fixtures/golden-models.ts";
import { torchMissing } from "../fixtures/torch.ts";

describe.skipIf(torchMissing).each(goldenModels)("%s on libtorch equals the original", (model) => {
  test.each(goldenCases)("%s, every hidden state to 1e-4", async (caseName) => {
    const errors = await goldenErrors(torchEngine({ threads: 1 }), model, caseName);
    for (const [output, error] of Object.entries(errors)) expect(error, output).toBeLessThan(1e-4);
  });
});
