// Tensors: conversion from and to host memory, scopes, errors of operators, worker threads.
import { Worker } from "node:worker_threads";
import { beforeAll, describe, expect, test } from "vitest";
import { torchMissing } from "../../../test/fixtures/torch.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import { op } from "./call.ts";
import { memory, openTorch } from "./runtime.ts";
import { fromHost, keep, type TorchTensor, tidy, toFloats, toHost, writeHost } from "./tensor.ts";

const floats = (...values: number[]) => hostTensor(Float32Array.from(values), [values.length]);
const add = op("add.Tensor");

describe("tensors of libtorch", { skip: torchMissing !== undefined }, () => {
  beforeAll(async () => void (await openTorch({ device: "cpu", threads: 1 })));

  test("values cross to libtorch and back unchanged, or converted to another dtype", () => {
    tidy(() => {
      const x = fromHost(floats(1, 2.5, -3), "cpu", "bfloat16");
      expect([x.dtype, x.shape, x.device]).toEqual(["bfloat16", [3], "cpu"]);
      expect([...toFloats(x)]).toEqual([1, 2.5, -3]);
      expect([...toFloat32(toHost(x, "int32"))]).toEqual([1, 2, -3]);
      writeHost(x, floats(7, 8, 9));
      expect([...toFloats(x)]).toEqual([7, 8, 9]);
    });
  });

  test("a strided view is read row-major", () => {
    tidy(() => {
      const x = fromHost(hostTensor(Float32Array.from([1, 2, 3, 4, 5, 6]), [2, 3]));
      expect([...toFloats(op("transpose.int")(x, 0, 1))]).toEqual([1, 4, 2, 5, 3, 6]);
    });
  });

  test("a scope frees the tensors made in it except its result and kept ones", () => {
    const before = memory().tensors;
    let kept: TorchTensor | undefined;
    let inner: TorchTensor | undefined;
    const result = tidy(() => {
      const a = fromHost(floats(1));
      kept = keep(add(a, a));
      inner = add(a, kept);
      return { nested: [add(inner, a)] };
    });
    expect(memory().tensors).toBe(before + 2);
    expect([...toFloats(kept!), ...toFloats(result.nested[0]!)]).toEqual([2, 4]);
    expect(() => toFloats(inner!)).toThrow("used after it had been disposed");
    kept!.dispose();
    result.nested[0]!.dispose();
    expect(memory().tensors).toBe(before);
  });

  test("a scope that throws frees every tensor made in it", () => {
    const before = memory().tensors;
    expect(() =>
      tidy(() => {
        fromHost(floats(1));
        throw new Error("on purpose");
      }),
    ).toThrow("on purpose");
    expect(memory().tensors).toBe(before);
  });

  test("an error names the operator, dtypes and shapes, without a C++ backtrace", () => {
    tidy(() => {
      const [a, b] = [fromHost(floats(1, 2, 3)), fromHost(floats(1, 2))];
      expect(() => add(a, b)).toThrow(/^aten::add\.Tensor\(float32\[3\], float32\[2\]\): The size of tensor a \(3\) must match/);
      expect(() => add(a, b)).not.toThrow(/frame #|Exception raised/);
      expect(() => op("matmul")(a, "x" as never)).toThrow("aten::matmul(float32[3], x): argument other: expected a tensor");
      // @ts-expect-error relu takes one tensor
      expect(() => op("relu")(a, 1, 2)).toThrow("takes at most 1 arguments");
      expect(() => op("no_such_thing" as "relu")(a)).toThrow("has no operator no_such_thing");
    });
  });
});

test("a worker thread loads the engine for itself", { skip: torchMissing !== undefined }, async () => {
  await openTorch({ device: "cpu", threads: 1 });
  const work = `
    import { parentPort, workerData } from "node:worker_threads";
    const load = (path) => import(new URL(path, workerData.dist).href);
    const { openTorch } = await load("engines/torch/runtime.js");
    const { fromHost, toFloats } = await load("engines/torch/tensor.js");
    const { op } = await load("engines/torch/call.js");
    await openTorch({ device: "cpu", threads: 1 });
    parentPort.postMessage(toFloats(op("add.Scalar")(fromHost(workerData.x), 1)));`;
  const dist = new URL("../../../dist/", import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(work)}`);
  const worker = new Worker(url, { workerData: { dist, x: floats(1, 2, 3) } });
  const sums = await new Promise<Float32Array>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  await worker.terminate();
  expect([...sums]).toEqual([2, 3, 4]);
});
