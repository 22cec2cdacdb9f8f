// Does the libtorch engine compute correctly on this device, and how fast is it beside PyTorch? Runs the conformance cases, every golden model in
// float32 and bfloat16, then times forward passes and training steps with both peers. On a machine with CUDA: `npm run check:cuda`.
// Options: --device cuda --shape 95M --seconds 5 --batch 4,16 --runs 5 --skip-times.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { trainStep } from "../bench/train-step.ts";
import { findPython, startPeer } from "../measure/peer.ts";
import { thisRun } from "../measure/results.ts";
import { type ShapeName, shapes } from "../measure/shapes.ts";
import { spread } from "../measure/timing.ts";
import { hostTensor, toFloat32 } from "../src/base/host-tensor.ts";
import { fillGaussian, seeded } from "../src/base/random.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { torchEngine } from "../src/engines/torch/engine.ts";
import { features } from "../src/engines/torch/features.ts";
import { torchOps } from "../src/engines/torch/ops.ts";
import { openTorch, synchronize } from "../src/engines/torch/runtime.ts";
import { fromHost, type TorchTensor, tidy, toFloats } from "../src/engines/torch/tensor.ts";
import { torchGradients, torchTraining } from "../src/engines/torch/training.ts";
import { createEncoder } from "../src/inference/encoder.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { caseAnswer, caseGradient, caseProgram, scaledError } from "../src/ops/conformance.ts";
import { opCases } from "../src/ops/conformance-cases.ts";
import { noWeights, type Values } from "../src/ops/program.ts";
import { chainProgram } from "../src/ops/stage.ts";
import { goldenArray } from "../test/fixtures/golden.ts";
import { goldenCases, goldenErrors, goldenModels, openGoldenModel } from "../test/fixtures/golden-models.ts";

const { values: options } = parseArgs({
  options: {
    device: { type: "string", default: "cuda" },
    shape: { type: "string", default: "95M" },
    seconds: { type: "string", default: "5" },
    batch: { type: "string", default: "4,16" },
    runs: { type: "string", default: "5" },
    threads: { type: "string", default: String(availableParallelism()) },
    out: { type: "string" },
    "skip-times": { type: "boolean", default: false },
  },
});
const device = options.device;
const threads = Number(options.threads);
const runs = Number(options.runs);
const report: Record<string, unknown> = { device };
const say = (line: string) => console.log(line);

const runtime = await openTorch({ device, threads, onStart: say });
report.run = thisRun({ libtorch: runtime.version });
report.features = features(device);
say(`libtorch ${runtime.version} on ${device}, ${threads} threads, ${JSON.stringify(report.features)}`);

/** Compares every op with the reference, and its gradient with finite differences. */
async function conformance(): Promise<void> {
  const failures: string[] = [];
  let worst = 0;
  let worstGradient = 0;
  const ops = torchOps(device);
  const training = torchTraining(ops, device);
  for (const opCase of opCases) {
    try {
      const { program, inputs } = caseProgram(opCase);
      const session = await torchEngine({ device, threads }).prepare(program, noWeights);
      const right = caseAnswer(opCase);
      const error = scaledError(toFloat32((await session.run(inputs)).y!), right.data);
      worst = Math.max(worst, error);
      if (!(error < (opCase.tolerance ?? 2e-6))) failures.push(`${opCase.name}: ${error.toExponential(2)}`);
      if (opCase.noGradient !== undefined) continue;
      tidy(() => {
        const names = Object.keys(inputs).filter((name) => inputs[name]!.dtype === "float32");
        const leaves: Record<string, TorchTensor> = {};
        for (const [name, value] of Object.entries(inputs)) {
          const tensor = fromHost(value, device);
          leaves[name] = names.includes(name) ? training.leaf(tensor) : tensor;
        }
        const rng = seeded(5);
        const seed = right.data.map(() => Math.fround(2 * rng() - 1));
        const y = opCase.run(ops, leaves);
        const found = torchGradients(
          [y],
          [ops.constant(seed, y.shape)],
          names.map((name) => leaves[name]!),
        );
        names.forEach((name, i) => {
          const expected = caseGradient(opCase, name, seed);
          const gradientError = scaledError(found[i] ? toFloats(found[i]) : new Float32Array(expected.length), expected);
          worstGradient = Math.max(worstGradient, gradientError);
          const allowed = Math.max(5e-6, 2 * (opCase.tolerance ?? 0));
          if (!(gradientError < allowed)) failures.push(`${opCase.name}, gradient by ${name}: ${gradientError.toExponential(2)}`);
        });
      });
    } catch (error) {
      failures.push(`${opCase.name}: ${String(error).slice(0, 300)}`);
    }
  }
  report.conformance = { cases: opCases.length, worst, worstGradient, failures };
  say(
    `conformance: ${opCases.length} cases, worst ${worst.toExponential(2)}, worst gradient ${worstGradient.toExponential(2)}, ${failures.length} failures`,
  );
  for (const failure of failures) say(`  ${failure}`);
}

/** The lowest cosine between a hidden state in bfloat16 and the golden one, over all layers of a model. */
async function goldenCosine(name: string): Promise<number> {
  const { model, weights, close } = await openGoldenModel(name);
  const folder = `A_models/${name}/cases/single_exact`;
  const input = goldenArray(`${folder}/input.npy`);
  const program = chainProgram(name, model.stages, {
    input: { dtype: "float32", shape: ["batch", "samples"] },
    outputs: [...model.hiddenStates],
    padding: "original",
  });
  const session = await torchEngine({ device, threads, dtype: "bfloat16" }).prepare(program, weights);
  await close();
  const outputs: Values = await session.run({ x: hostTensor(input.data, input.shape) });
  await session.dispose();
  const golden = goldenArray(`${folder}/hidden_states.npy`);
  const size = golden.data.length / golden.shape[0]!;
  return Math.min(
    ...model.hiddenStates.map((stage, i) => cosine(toFloat32(outputs[stage]!), golden.data.subarray(i * size, (i + 1) * size))),
  );
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

async function parity(): Promise<void> {
  const rows = [];
  for (const name of goldenModels) {
    let worst = 0;
    for (const caseName of goldenCases) {
      const errors = await goldenErrors(torchEngine({ device, threads }), name, caseName);
      worst = Math.max(worst, ...Object.values(errors));
    }
    const row = { model: name, worstFloat32: worst, cosineBfloat16: await goldenCosine(name) };
    rows.push(row);
    say(
      `golden ${name.padEnd(28)} float32 worst ${worst.toExponential(2)} ${worst < 1e-4 ? "ok  " : "FAIL"} bfloat16 cosine ${row.cosineBfloat16.toFixed(6)}`,
    );
  }
  report.golden = rows;
}

async function forwardTimes(shape: ShapeName, seconds: number, batch: number, dtype: "float32" | "bfloat16"): Promise<number[]> {
  const { model } = architectureFromHf(shapes[shape]);
  const encoder = createEncoder(model, torchEngine({ device, threads, dtype }), randomWeights(model, 1), { normaliseInput: false });
  const waves = Array.from({ length: batch }, (_, i) => fillGaussian(seeded(i), new Float32Array(seconds * model.sampleRateHz), 0.1));
  const walls: number[] = [];
  for (let run = -2; run < runs; run++) {
    const start = performance.now();
    await encoder.hiddenStates(waves, "last");
    synchronize(device);
    if (run >= 0) walls.push(performance.now() - start);
  }
  await encoder.dispose();
  return walls;
}

async function times(): Promise<void> {
  const python = findPython(["torch", "transformers"]);
  if (!python) say("No python3 with torch and transformers: no peers. Set OSTINATO_PYTHON to one.");
  const rows: Record<string, unknown>[] = [];
  const shape = options.shape as ShapeName;
  const seconds = Number(options.seconds);
  const keepRow = (row: { what: string; dtype: string; batch: number; who: string }, walls: number[]) => {
    const ms = spread(walls);
    rows.push({ ...row, ms });
    say(
      `${row.what.padEnd(8)} ${row.dtype.padEnd(8)} batch ${row.batch}  ${row.who.padEnd(22)} min ${ms.min.toFixed(1)} median ${ms.median.toFixed(1)} ms`,
    );
  };
  for (const batch of options.batch.split(",").map(Number)) {
    for (const dtype of ["float32", "bfloat16"] as const) {
      keepRow({ what: "forward", dtype, batch, who: "ostinato" }, await forwardTimes(shape, seconds, batch, dtype));
      const step = await trainStep({ shape, device, dtype, seconds, batch, threads });
      const walls: number[] = [];
      for (let run = -2; run < runs; run++) {
        const start = performance.now();
        step();
        if (run >= 0) walls.push(performance.now() - start);
        await new Promise((resolve) => setImmediate(resolve));
      }
      step.dispose();
      keepRow({ what: "step", dtype, batch, who: "ostinato" }, walls);
    }
  }
  if (python) {
    for (const [who, attention, fused] of [
      ["transformers", "eager", false],
      ["tuned pytorch", "sdpa", true],
    ] as const) {
      const peer = startPeer(python, "hubert");
      say(JSON.stringify(await peer.ask({ load: shapes[shape], threads, device, attention, fused })));
      for (const batch of options.batch.split(",").map(Number)) {
        for (const dtype of ["float32", "bfloat16"]) {
          const forward = await peer.ask<{ wall_ms: number[] }>({ forward: seconds, batch, dtype, runs, warm: 2, weights: "autocast" });
          keepRow({ what: "forward", dtype, batch, who }, forward.wall_ms);
          if (dtype === "bfloat16") {
            const cast = await peer.ask<{ wall_ms: number[] }>({ forward: seconds, batch, dtype, runs, warm: 2, weights: "cast" });
            keepRow({ what: "forward", dtype, batch, who: `${who}, cast` }, cast.wall_ms);
          }
          const step = await peer.ask<{ wall_ms: number[] }>({ step: seconds, batch, dtype, runs, warm: 2 });
          keepRow({ what: "step", dtype, batch, who }, step.wall_ms);
        }
      }
      peer.stop();
    }
  }
  report.times = rows;
}

if (device.startsWith("cuda")) {
  try {
    report.gpu = execFileSync("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"], { encoding: "utf8" }).trim();
    say(String(report.gpu));
  } catch {
    // Without nvidia-smi the peer reports the GPU.
  }
}
const save = () => options.out && writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
for (const part of [conformance, parity, ...(options["skip-times"] ? [] : [times])]) {
  try {
    await part();
  } catch (error) {
    say(`${part.name} failed: ${error instanceof Error ? error.stack : error}`);
    process.exitCode = 1;
  }
  save();
}
