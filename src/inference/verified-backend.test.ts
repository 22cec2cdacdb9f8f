// Held backends: what happens where WebGPU is right, wrong, or breaks, told with Node's engine in its place.
import { expect, test } from "vitest";
import { openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { onnxEngine } from "../engines/onnx/engine.node.ts";
import { createEncoder, type Encoder } from "./encoder.ts";
import { startVerified } from "./verified-backend.ts";

/** Starts on the golden model; `webgpu` changes what the encoder in WebGPU's place answers. */
async function held(webgpu: (encoder: Encoder) => Encoder, dtype: "fp32" | "fp16" = "fp32") {
  const { model, weights, close } = await openGoldenModel("mert_95m_24k");
  const told: string[] = [];
  const started: string[] = [];
  const result = await startVerified({
    backend: "webgpu",
    reason: "there is a GPU",
    dtype,
    compare: true,
    async start(backend, dtype) {
      started.push(`${backend} ${dtype}`);
      const encoder = createEncoder(model, onnxEngine({ threads: 1, dtype }), weights, { normaliseInput: false });
      return backend === "webgpu" ? webgpu(encoder) : encoder;
    },
    warn: (message) => told.push(message),
  });
  await result.encoder.dispose();
  await close();
  return { ...result, told, started };
}

/** An encoder whose last values are changed. */
const changed = (change: (value: number) => number) => (encoder: Encoder) => ({
  ...encoder,
  hiddenStates: async (...args: Parameters<Encoder["hiddenStates"]>) => {
    const states = await encoder.hiddenStates(...args);
    return states.map((state) => ({
      ...state,
      values: state.values.map((value, i) => (i > state.values.length / 2 ? change(value) : value)),
    }));
  },
});

test("a backend with correct results is kept, and reports the comparison", async () => {
  const { backend, reason, comparison, told, started } = await held((encoder) => encoder, "fp16");
  expect({ backend, reason, told }).toEqual({ backend: "webgpu", reason: "there is a GPU", told: [] });
  expect(started).toEqual(["webgpu fp16", "wasm fp32"]);
  expect(comparison!.worstRelativeError).toBeGreaterThan(1e-5);
  expect(comparison!.worstRelativeError).toBeLessThan(2e-3);
});

test.each([
  ["finite and wrong", changed((value) => 1.1 * value), /rejected: its hidden states differ by 10\.0 % from WebAssembly's in fp32/],
  ["not finite", changed(() => Number.NaN), /rejected: its hidden states differ by Infinity %/],
  [
    "an error",
    (encoder: Encoder) => ({
      ...encoder,
      hiddenStates: () => Promise.reject(new Error("device lost")),
      dispose: () => Promise.reject(new Error()),
    }),
    /rejected: device lost/,
  ],
])("an answer that is %s gives way to WebAssembly, in words", async (_, webgpu, words) => {
  const { backend, reason, told, started, comparison } = await held(webgpu);
  expect(backend).toBe("wasm");
  expect(reason).toMatch(words);
  expect(told).toEqual([`${reason}. WebAssembly runs the model.`]);
  expect(started.at(-1)).toBe("wasm fp32");
  expect(comparison).toBeUndefined();
});
