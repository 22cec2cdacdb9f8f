// Code that the compiler must refuse. `npm run types` is the actual test; this file runs so that it is counted.
import { expect, test } from "vitest";
import { embed } from "../src/embed/embed.ts";
import type { GraphTensor } from "../src/engines/onnx/graph.ts";
import type { TorchTensor } from "../src/engines/torch/tensor.ts";
import type { LoadedModel } from "../src/inference/load.node.ts";
import type { Ops } from "../src/ops/ops.ts";
import type { Stage } from "../src/ops/stage.ts";

test("a tensor of one engine cannot enter another", () => {
  const mix = (onnx: Ops<GraphTensor>, torch: Ops<TorchTensor>, graph: GraphTensor, eager: TorchTensor) => {
    // @ts-expect-error a tensor of one engine cannot enter another
    onnx.add(graph, eager);
    // @ts-expect-error nor the other way
    torch.gelu(graph);
    torch.gelu(eager);
  };
  expect(mix).toBeTypeOf("function");
});

test("a stage can't access the values of a tensor", () => {
  const stage: Stage["run"] = (_, __, x) => {
    // @ts-expect-error a stage knows no engine: its tensors have no members
    x.shape;
    return x;
  };
  expect(stage).toBeTypeOf("function");
});

test("the type of an embedding's shape follows the pooling", () => {
  const shapes = async (model: LoadedModel) => {
    const frames: readonly [number, number, number] = (await embed(model, "a.wav")).shape;
    const means: readonly [number, number] = (await embed(model, "a.wav", { pooling: "mean" })).shape;
    const one: readonly [number] = (await embed(model, "a.wav", { pooling: "weighted" })).shape;
    // @ts-expect-error a mean over time has no frames
    const wrong: readonly [number, number, number] = (await embed(model, "a.wav", { pooling: "mean" })).shape;
    return [frames, means, one, wrong];
  };
  expect(shapes).toBeTypeOf("function");
});
