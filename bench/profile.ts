// Where does a forward pass spend its time? For ONNX, ONNX Runtime's profile by operator; for libtorch, the operator calls of the engine.
// Run: npm run bench:profile [-- --engine onnx --dtype fp32 --shape 95M --seconds 5 --batch 1 --runs 5]. Writes bench/results/profile.json, one
// row for each choice of options. libtorch runs on the CPU, where a call returns when it is done. `ONEDNN_VERBOSE=1 npm run bench:step` lists oneDNN's calls.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-node";
import { writeResults } from "../measure/results.ts";
import { type ShapeName, shapes } from "../measure/shapes.ts";
import { spread } from "../measure/timing.ts";
import type { ModelDtype } from "../src/base/dtypes.ts";
import { fillGaussian, seeded } from "../src/base/random.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { byWeight, externalBytes, trace } from "../src/engines/onnx/trace.ts";
import type { OnnxDtype } from "../src/engines/onnx/weight-forms.ts";
import { addon } from "../src/engines/torch/addon.ts";
import { encodeModel } from "../src/formats/onnx/encode.ts";
import { chooseEngine } from "../src/inference/choose-engine.node.ts";
import { createEncoder } from "../src/inference/encoder.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { chainProgram } from "../src/ops/stage.ts";

const { values: options } = parseArgs({
  options: {
    engine: { type: "string", default: "onnx" },
    dtype: { type: "string", default: "fp32" },
    shape: { type: "string", default: "95M" },
    seconds: { type: "string", default: "5" },
    batch: { type: "string", default: "1" },
    runs: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
  },
});
const [seconds, batch, runs, threads] = [options.seconds, options.batch, options.runs, options.threads].map(Number) as [
  number,
  number,
  number,
  number,
];
const dtype = options.dtype as ModelDtype;
const { model } = architectureFromHf(shapes[options.shape as ShapeName]);
const weights = randomWeights(model, 1);
const samples = seconds * model.sampleRateHz;
const waves = Array.from({ length: batch }, (_, i) => fillGaussian(seeded(i + 1), new Float32Array(samples), 0.1));

/** Milliseconds a pass by operator. */
type Profile = Map<string, { milliseconds: number; calls: number }>;

function add(profile: Profile, operator: string, milliseconds: number): void {
  const entry = profile.get(operator) ?? { milliseconds: 0, calls: 0 };
  entry.milliseconds += milliseconds / runs;
  entry.calls += 1 / runs;
  profile.set(operator, entry);
}

async function profileOnnx(): Promise<{ profile: Profile; wall: number[] }> {
  const input = { dtype: "float32", shape: ["batch", "samples"] } as const;
  const program = chainProgram("x", model.stages, { input, outputs: model.hiddenStates });
  const { model: graph, externals } = trace(program, { dtype: dtype as OnnxDtype });
  const externalData: { path: string; data: Uint8Array }[] = [];
  for (const group of byWeight(externals)) externalData.push(...(await externalBytes(group, program, weights)));
  const folder = await mkdtemp(join(tmpdir(), "ostinato-profile-"));
  const create = (more: ort.InferenceSession.SessionOptions = {}) =>
    ort.InferenceSession.create(encodeModel(graph), { externalData, intraOpNumThreads: threads, interOpNumThreads: 1, ...more });
  const x = new ort.Tensor(
    "float32",
    Float32Array.from({ length: batch * samples }, (_, i) => waves[Math.floor(i / samples)]![i % samples]!),
    [batch, samples],
  );

  const plain = await create(); // profiling slows a session down, so the wall time is measured without it
  const wall: number[] = [];
  for (let run = -1; run < runs; run++) {
    const began = performance.now();
    await plain.run({ x });
    if (run >= 0) wall.push(performance.now() - began);
  }
  await plain.release();

  const watched = await create({ enableProfiling: true, profileFilePrefix: join(folder, "profile") });
  for (let run = 0; run < runs; run++) await watched.run({ x });
  watched.endProfiling();
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file!), "utf8")) as {
    cat: string;
    name: string;
    dur: number;
    args: { op_name?: string };
  }[];
  await rm(folder, { recursive: true });
  const profile: Profile = new Map();
  for (const { cat, name, dur, args } of events)
    if (cat === "Node" && name.endsWith("kernel_time")) add(profile, args.op_name!, dur / 1000);
  return { profile, wall };
}

async function profileTorch(): Promise<{ profile: Profile; wall: number[] }> {
  const { engine } = await chooseEngine({ engine: "torch", dtype, device: "cpu", threads });
  const encoder = createEncoder(model, engine, weights, { normaliseInput: false });
  const wall: number[] = [];
  for (let run = -2; run < runs; run++) {
    const began = performance.now();
    await encoder.hiddenStates(waves);
    if (run >= 0) wall.push(performance.now() - began);
  }
  const profile: Profile = new Map();
  const native = addon();
  const { schemaOf } = native;
  const watch = (name: "invoke" | "fromBytes" | "toBytes", operatorOf: (first: unknown) => string) => {
    const call = native[name] as (...args: unknown[]) => unknown;
    const timedCall = (...args: unknown[]) => {
      const began = performance.now();
      const result = call(...args);
      add(profile, operatorOf(args[0]), performance.now() - began);
      return result;
    };
    Object.assign(native, { [name]: timedCall });
  };
  watch("invoke", (operator) => schemaOf(operator as number).split("(")[0]!);
  for (const name of ["fromBytes", "toBytes"] as const) watch(name, () => name);
  for (let run = 0; run < runs; run++) await encoder.hiddenStates(waves);
  return { profile, wall };
}

const { profile, wall } = await (options.engine === "torch" ? profileTorch() : profileOnnx());
const operators = [...profile].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
const total = operators.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0);
const call = `${options.engine} ${dtype}, ${options.shape}, ${seconds} s x ${batch}`;
console.log(
  `${call}: ${spread(wall).min.toFixed(0)} ms at best, ${spread(wall).median.toFixed(0)} median; watched, ${total.toFixed(0)} ms in operators:`,
);
for (const [operator, { milliseconds, calls }] of operators.slice(0, 20)) {
  console.log(
    `${milliseconds.toFixed(1).padStart(8)} ms ${((100 * milliseconds) / total).toFixed(1).padStart(5)} %  ${operator} x ${Math.round(calls)}`,
  );
}
const row = {
  call,
  threads,
  wallMs: spread(wall),
  operators: Object.fromEntries(
    operators.map(([operator, { milliseconds, calls }]) => [
      operator,
      { milliseconds: Number(milliseconds.toFixed(2)), calls: Math.round(calls) },
    ]),
  ),
};
writeResults("profile", {
  by: import.meta.url,
  question: "where a forward pass spends its time: milliseconds a pass by operator",
  versions: {
    [options.engine === "torch" ? "libtorch" : "onnxruntime"]: (await chooseEngine({ engine: options.engine as "onnx", dtype })).version,
  },
  rows: [row],
  keep: (earlier) => earlier.call !== call,
});
process.exit(0);
