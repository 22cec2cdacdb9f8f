import { InferenceSession, Tensor } from "onnxruntime-node";
import { expect, test } from "vitest";
import { hostTensor } from "../../base/host-tensor.ts";
import { encodeModel, type OnnxInitializer, type OnnxModel, type OnnxNode } from "./encode.ts";

const weights = hostTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);

/** y = x · w for x [batch, 3]. */
function matmul(initializers: OnnxInitializer[], nodes: OnnxNode[] = [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }]): OnnxModel {
  return {
    irVersion: 8,
    opsets: [{ domain: "", version: 17 }],
    metadata: { source: "a test" },
    graph: {
      name: "matmul",
      nodes,
      initializers,
      inputs: [{ name: "x", dtype: "float32", shape: ["batch", 3] }],
      outputs: [{ name: "y", dtype: "float32", shape: ["batch", 2] }],
    },
  };
}

const x = new Tensor("float32", Float32Array.of(1, 0, 0, 1, 1, 1), [2, 3]);

test("a model with its weights inside runs in ONNX Runtime, its batch left open", async () => {
  const model = encodeModel(matmul([{ name: "w", dtype: "float32", shape: [3, 2], data: { raw: weights.bytes } }]));
  const session = await InferenceSession.create(model);
  expect([...((await session.run({ x })).y!.data as Float32Array)]).toEqual([1, 2, 9, 12]);
  expect(session.inputMetadata[0]).toMatchObject({ name: "x", shape: ["batch", 3], type: "float32" });
  await session.release();
});

test("a model whose weights lie outside finds them in memory", async () => {
  const data = new Uint8Array(4096 + weights.bytes.length);
  data.set(weights.bytes, 4096);
  const external = { location: "w.bin", offset: 4096, length: weights.bytes.length };
  const model = encodeModel(matmul([{ name: "w", dtype: "float32", shape: [3, 2], data: { external } }]));
  const session = await InferenceSession.create(model, { externalData: [{ path: "w.bin", data }] });
  expect([...((await session.run({ x })).y!.data as Float32Array)]).toEqual([1, 2, 9, 12]);
  await session.release();
});

test("every kind of attribute reaches the operator", async () => {
  const constant = { op: "Constant", inputs: [], outputs: ["w"], attributes: { value: { tensor: weights } } };
  const one = hostTensor(Float32Array.of(10), [1]);
  const nodes: OnnxNode[] = [
    constant,
    { op: "Constant", inputs: [], outputs: ["bias"], attributes: { value_floats: { floats: [1, -1] } } },
    { op: "Constant", inputs: [], outputs: ["ten"], attributes: { value: { tensor: one } } },
    { op: "Constant", inputs: [], outputs: ["axes"], attributes: { value_ints: { ints: [-1] } } },
    { op: "Gemm", inputs: ["x", "w", "bias"], outputs: ["g"], attributes: { alpha: { float: 0.5 }, transB: { int: 0 } } },
    { op: "ReduceSum", inputs: ["g", "axes"], outputs: ["s"], attributes: { keepdims: { int: 1n } } },
    { op: "Mul", inputs: ["g", "ten"], outputs: ["m"] },
    { op: "Sub", inputs: ["m", "s"], outputs: ["p"] },
    { op: "Gelu", domain: "com.microsoft", inputs: ["p"], outputs: ["q"] },
    { op: "Pad", inputs: ["q", "pads"], outputs: ["y"], attributes: { mode: { string: "constant" } } },
  ];
  const pads = { name: "pads", dtype: "int64", shape: [4], data: { raw: new Uint8Array(32) } } as const;
  const model = matmul([pads], nodes);
  const session = await InferenceSession.create(
    encodeModel({ ...model, opsets: [...model.opsets, { domain: "com.microsoft", version: 1 }] }),
  );
  // Row 0: g = ½[1, 2] + [1, -1] = [1.5, 0], s = 1.5, p = [13.5, -1.5]; row 1: g = [5.5, 5], s = 10.5, p = [44.5, 39.5].
  const y = [...((await session.run({ x })).y!.data as Float32Array)];
  [13.5, -0.100211, 44.5, 39.5].forEach((value, i) => {
    expect(y[i]).toBeCloseTo(value, 4);
  });
  await session.release();
});

test("an initializer whose bytes do not fill its shape is refused by name", () => {
  const short = { name: "w", dtype: "float32", shape: [3, 2], data: { raw: new Uint8Array(20) } } as const;
  expect(() => encodeModel(matmul([short]))).toThrow("w is float32 [3,2] and needs 24 bytes, but 20 were given.");
});
