// Parity of every golden model on the ONNX engine.
import { describe, expect, test } from "vitest";
import { onnxEngine } from "../../src/engines/onnx/engine.node.ts";
import { goldenCases, goldenErrors, goldenModels } from "../fixtures/golden-models.ts";

describe.each(goldenModels)("%s on ONNX equals the original", (model) => {
  test.each(goldenCases)("%s, every hidden state to 1e-4", async (caseName) => {
    const errors = await goldenErrors(onnxEngine({ threads: 1 }), model, caseName);
    for (const [output, error] of Object.entries(errors)) expect(error, output).toBeLessThan(1e-4);
  });
});
