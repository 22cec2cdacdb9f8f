// Stages: the taps that they declare, and the part of a chain that computes them.
import { expect, test } from "vitest";
import { goldenModels, openGoldenModel } from "../../test/fixtures/golden-models.ts";
import { NotFoundError } from "../base/errors.ts";
import { trace } from "../engines/onnx/trace.ts";
import { runChain, type Stage, stagesUpTo, tapNames } from "./stage.ts";

const stage = (name: string, ...taps: string[]): Stage => ({ name, taps, params: {}, run: (_cx, _params, x) => x });
const chain = [stage("frontend", "features"), stage("embed"), stage("layers.0", "layers.0.ffn")];

test("a chain is cut behind the last stage that computes a chosen tap", () => {
  const names = (...taps: string[]) => stagesUpTo(chain, taps).map(({ name }) => name);
  expect(names("features")).toEqual(["frontend"]);
  expect(names("embed", "features")).toEqual(["frontend", "embed"]);
  expect(names("layers.0.ffn")).toEqual(["frontend", "embed", "layers.0"]);
});

test("a tap that no stage declares is refused with the names that there are", () => {
  expect(() => stagesUpTo(chain, ["embed", "layers.1"])).toThrow(
    new NotFoundError('No stage taps "layers.1". The taps are features, frontend, embed, layers.0.ffn, layers.0.'),
  );
});

test.each(goldenModels)("a run of %s taps what its stages declare, in that order", async (name) => {
  const { model, close } = await openGoldenModel(name);
  const tapped: string[] = [];
  trace({
    name,
    params: Object.assign({}, ...model.stages.map(({ params }) => params)),
    inputs: { x: { dtype: "float32", shape: ["batch", "samples"] } },
    run(ops, params, { x }) {
      return { y: runChain(model.stages, { ops, tap: (tap) => void tapped.push(tap) }, params, x!) };
    },
  });
  expect(tapped).toEqual(tapNames(model.stages));
  await close();
});
