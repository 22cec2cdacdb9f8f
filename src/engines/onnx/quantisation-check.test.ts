// The checks before a quantised model: saturating products are noticed, and a wrong layer is refused.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { fillGaussian, seeded } from "../../base/random.ts";
import type { Program, Values } from "../../ops/program.ts";
import { onnxEngine, sessionPrepare } from "./engine.node.ts";
import { checkedPrepare, type Prepare, productsSaturate } from "./quantisation-check.ts";
import type { TraceOptions } from "./trace.ts";

const weight = fillGaussian(seeded(2), new Float32Array(32 * 64), 1);
const reader = { read: async () => hostTensor(weight, [32, 64]) };
const program: Program = {
  name: "linear",
  inputs: { x: { dtype: "float32", shape: ["batch", "frames", 64] } },
  params: { w: { shape: [32, 64], init: { constant: 0 } } },
  run: (ops, params, { x }) => ({ y: ops.linear(x!, params.get("w"), undefined) }),
};

/** The real engine with its float32 outputs changed, and the options that it was given. */
function changed(scale: (options: TraceOptions) => number): { prepare: Prepare; seen: TraceOptions[] } {
  const seen: TraceOptions[] = [];
  const exact = onnxEngine({ threads: 1, dtype: "fp32" });
  const prepare: Prepare = async (given, weights, options) => {
    seen.push(options);
    const session = await exact.prepare(given, weights);
    const run = async (inputs: Values) => {
      const { y } = await session.run(inputs);
      return {
        y: hostTensor(
          toFloat32(y!).map((value) => value * scale(options)),
          y!.shape,
        ),
      };
    };
    return { run, dispose: () => session.dispose() };
  };
  return { prepare, seen };
}

test("a machine whose products saturate gets weights that can't", async () => {
  const { prepare, seen } = changed(({ saturating }) => (saturating ? 1 : 65534 / 129540));
  expect(await productsSaturate(prepare)).toBe(true);
  await (await checkedPrepare("q8", prepare)(program, reader)).dispose();
  expect(seen.at(-1)).toEqual({ dtype: "q8", saturating: true });
});

test("a layer that differs from float32 by more than rounding is refused by name", async () => {
  const { prepare } = changed(({ saturating }) => (saturating === undefined ? 1 : 0.7));
  await expect(checkedPrepare("q8", prepare)(program, reader)).rejects.toThrow(
    "Quantised products are wrong on this machine: w differs from float32 by 30.0 % of its norm, at most 10 % is rounding. Use dtype fp32 here.",
  );
});

test.each(["q8", "q4"] as const)("a %s layer of this machine passes", async (dtype) => {
  const session = await onnxEngine({ threads: 1, dtype }).prepare(program, reader);
  await session.dispose();
});

const flags = /^flags\s*:(.*)$/m.exec(
  process.arch === "x64" && process.platform === "linux" ? readFileSync("/proc/cpuinfo", "utf8") : "",
)?.[1];
describe("on x64 Linux", { skip: flags === undefined }, () => {
  test("products saturate exactly where the CPU's flags have no VNNI", async () => {
    expect(await productsSaturate(sessionPrepare({ threads: 1 }))).toBe(!/\bavx(512)?_vnni\b/.test(flags!));
  });
});
