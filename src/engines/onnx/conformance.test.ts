// Conformance of the ONNX engine: every operator against the float64 reference.
import { describe, expect, test } from "vitest";
import { toFloat32 } from "../../base/host-tensor.ts";
import { caseAnswer, caseProgram, scaledError } from "../../ops/conformance.ts";
import { opCases } from "../../ops/conformance-cases.ts";
import { noWeights } from "../../ops/program.ts";
import { onnxEngine } from "./engine.node.ts";

describe("ONNX Runtime answers as the reference", () => {
  test.each(opCases)("$name", async (opCase) => {
    const { program, inputs } = caseProgram(opCase);
    const session = await onnxEngine({ threads: 1 }).prepare(program, noWeights);
    const { y } = await session.run(inputs);
    const right = caseAnswer(opCase);
    expect(y!.shape).toEqual(right.shape);
    expect(scaledError(toFloat32(y!), right.data)).toBeLessThan(opCase.tolerance ?? 2e-6);
    await session.dispose();
  });
});
