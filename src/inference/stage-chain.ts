// Running a chain of stages. Where sessions hold weights of their own (ONNX Runtime), the chain is cut into groups of stages with one session
// each: every choice of layers shares the weights, and the first run starts as soon as the first group is ready. Elsewhere one session runs the
// chain up to the highest output.
import { int32Vector } from "../base/host-tensor.ts";
import type { Model } from "../models/model.ts";
import type { Engine, Values, WeightReader } from "../ops/program.ts";
import { type ChainOptions, chainProgram, type Stage, stagesUpTo } from "../ops/stage.ts";
import { keepSessions } from "./sessions.ts";

export interface StageChain {
  /** Runs the stages from `first` (default 0) up to the last that `outputs` needs. `inputs` are those of `chainProgram`; `outputs` are taps.
   *  @throws NotFoundError for an output that no stage gives. */
  run(inputs: Values, outputs: readonly string[], first?: number): Promise<Values>;
  dispose(): Promise<void>;
}

/** Stages of one session. More sessions hold more working memory; fewer make a run to a layer within a group compute more than it needs. */
const groupSize = 4;

export function stageChain(model: Model, engine: Engine, weights: WeightReader, padding: ChainOptions["padding"] = "exact"): StageChain {
  const { stages } = model;
  const grouped = engine.sessionHoldsWeights === true;
  const groups = stageGroups();
  const sessions = keepSessions(engine, weights, grouped ? stages.length + 1 : 3);
  /** Whether a padded batch has come. From then on every batch gives its lengths, so that all share the sessions that take them; those that do
   *  not are dropped, since they would hold the weights a second time. */
  let countsFrames = false;
  let countsWindows = false;

  /** Runs one session over `part` of the chain, which can give `available`, and returns `wanted` of it. */
  function runPart(part: readonly Stage[], inputs: Values, available: readonly string[], wanted: readonly string[]): Promise<Values> {
    const has = (name: string) => name in inputs;
    const key = `${part.map(({ name }) => name).join()} ${available.join()} ${Object.keys(inputs).sort().join()}`;
    const program = () =>
      chainProgram(`${model.family} ${part[0]!.name}`, part, {
        input: { dtype: "float32", shape: part[0] === stages[0] ? ["batch", "samples"] : ["batch", "frames", model.width] },
        outputs: available,
        padding,
        with: { windows: has("windows"), frames: has("frames"), moments: has("mean") ? model.normWindows?.size : undefined },
      });
    return sessions.use(key, program, (session) => session.run(inputs, wanted));
  }

  /** The lengths that a batch of `x` gives: its own, or full ones where an earlier batch had lengths. */
  async function lengthsOf({ x, frames, windows, mean }: Values, first: number): Promise<Values> {
    const firstPadded = (frames && !countsFrames) || (windows && !countsWindows);
    countsFrames ||= frames !== undefined;
    countsWindows ||= windows !== undefined;
    if (firstPadded) await sessions.dispose();
    const [rows, length] = x!.shape as [number, number];
    const full = (count: number) => int32Vector(Array<number>(rows).fill(count));
    return {
      ...(countsFrames && { frames: frames ?? full(first === 0 ? model.frameCount(length) : length) }),
      ...(countsWindows && mean === undefined && { windows: windows ?? full(model.windowCount(length)) }),
    };
  }

  return {
    async run(inputs, outputs, first = 0) {
      const needed = stagesUpTo(stages, outputs).slice(first);
      const names = new Set(stages.map(({ name }) => name));
      if (!grouped || outputs.some((output) => !names.has(output))) return runPart(needed, inputs, outputs, outputs);
      const { mean, covariance } = inputs;
      const { frames, windows } = await lengthsOf(inputs, first);
      const results: Values = {};
      let x = inputs.x!;
      for (const [from, to] of groups.upTo(first, first + needed.length)) {
        const group = stages.slice(from, to);
        const available = group.map(({ name }) => name);
        const last = available.at(-1)!;
        const wanted = available.filter((name) => outputs.includes(name) || (name === last && to < first + needed.length));
        const lengths =
          from === 0 ? { ...(windows && { windows }), ...(mean && covariance && { mean, covariance }) } : frames && { frames };
        const values = await runPart(group, { x, ...lengths }, available, wanted);
        Object.assign(results, values);
        x = values[last] ?? x;
      }
      return Object.fromEntries(outputs.map((output) => [output, results[output]!]));
    },
    dispose: () => sessions.dispose(),
  };
}

/** Groups of stages, decided as runs need them: a run begins new groups behind the last one, and stays within those that exist. */
function stageGroups() {
  const ends = new Map<number, number>([[0, 1]]); // the frontend alone, since long clips run it apart
  return {
    /** The groups [from, to) that cover stages first … end - 1. The last may reach further. */
    *upTo(first: number, end: number): Generator<readonly [from: number, to: number]> {
      for (let from = first; from < end; ) {
        const to = ends.get(from) ?? Math.min(from + groupSize, end);
        ends.set(from, to);
        yield [from, to];
        from = to;
      }
    },
  };
}
