// Does memory stay constant? 2,000 training steps of a small transformer with its optimiser, then a model loaded and disposed of 1,000 times.
// Run: npm run check:memory [-- --steps 2000 --cycles 1000]. Writes bench/results/memory.json, a row a version of libtorch; ends with 1 where
// memory or the number of tensors grows. `npm run pictures` draws the curves.
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { writeResults } from "../measure/results.ts";
import { type HostTensor, hostTensor } from "../src/base/host-tensor.ts";
import { fillGaussian, seeded } from "../src/base/random.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { op } from "../src/engines/torch/call.ts";
import { torchEngine } from "../src/engines/torch/engine.ts";
import { torchOps } from "../src/engines/torch/ops.ts";
import { memory, openTorch } from "../src/engines/torch/runtime.ts";
import { keep, type TorchTensor, tidy } from "../src/engines/torch/tensor.ts";
import { torchTraining } from "../src/engines/torch/training.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { modelParams } from "../src/models/model.ts";
import { paramsFrom } from "../src/ops/params.ts";
import { chainProgram } from "../src/ops/stage.ts";
import { forwardChain } from "../src/ops/stage-training.ts";

const { values: options } = parseArgs({
  options: { steps: { type: "string", default: "2000" }, cycles: { type: "string", default: "1000" } },
});
const device = "cpu";
const runtime = await openTorch({ device, threads: 1 });
const small = {
  model_type: "mert_model",
  sample_rate: 24000,
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 128,
  conv_dim: [32, 32, 32, 32, 32, 32, 32],
};
const { model } = architectureFromHf(small);
const weights = randomWeights(model, 1);
interface Sample {
  readonly at: number;
  readonly rssMb: number;
  readonly heapMb: number;
  readonly tensors: number;
}
const sample = (at: number): Sample => {
  const { tensors, heapBytes } = memory();
  return { at, rssMb: process.memoryUsage.rss() / 1e6, heapMb: heapBytes / 1e6, tensors };
};
// Garbage that V8 has not collected yet is no leak, but its peaks, higher on a busy machine, stay in the resident size.
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Calls `work` `count` times, and samples the memory a hundred times; prints every tenth sample. */
async function watched(what: string, count: number, work: () => unknown): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let i = 0; i <= count; i++) {
    await work();
    await turn();
    if (i % 10 === 0) collectGarbage();
    if (i % Math.max(1, Math.floor(count / 100)) === 0) samples.push(sample(i));
    if (i % Math.max(1, Math.floor(count / 10)) === 0) {
      const { rssMb, heapMb, tensors } = samples.at(-1)!;
      console.log(
        `${what} ${String(i).padStart(5)}  resident ${rssMb.toFixed(1)} MB  native heap ${heapMb.toFixed(1)} MB  live tensors ${tensors}`,
      );
    }
  }
  return samples;
}

async function steps(): Promise<Sample[]> {
  const ops = torchOps(device);
  const training = torchTraining(ops, device);
  const leaves = new Map<string, TorchTensor>();
  for (const name of Object.keys(modelParams(model))) {
    const value = await weights.read(name);
    leaves.set(name, keep(tidy(() => training.leaf(training.fromHost(value)))));
  }
  const names = [...leaves.keys()];
  const params = [...leaves.values()];
  const [means, squares] = [0, 0].map(() => params.map((param) => keep(tidy(() => ops.mul(training.detach(param), 0))))) as [
    TorchTensor[],
    TorchTensor[],
  ];
  const rng = seeded(1);
  let step = 0;
  const samples = await watched("step", Number(options.steps), () =>
    tidy(() => {
      step++;
      const seconds = 0.5 + 0.5 * (step % 3); // lengths differ, as crops do
      const x: HostTensor = hostTensor(fillGaussian(rng, new Float32Array(2 * 12000 * 2 * seconds), 0.1), [2, 24000 * seconds]);
      const cx = { ops, train: { ops: training, dropout: { residual: 0, attention: 0, activation: 0, input: 0 }, featureGradient: 1 } };
      const recompute = () => step % 2 === 0;
      const run = forwardChain(
        training,
        model.stages,
        cx,
        paramsFrom((name) => leaves.get(name)!),
        training.fromHost(x),
        { recompute },
      );
      const loss = op("mean")(ops.mul(run.output, run.output));
      const [seed] = training.gradients([loss], [undefined], [run.output]);
      const found: Record<string, TorchTensor> = {};
      run.backward(seed, (_, gradients) => {
        for (const [name, gradient] of Object.entries(gradients)) found[name] = keep(gradient);
      });
      const used = names.map((name, i) => ({ i, gradient: found[name] })).filter(({ gradient }) => gradient !== undefined);
      training.update.adam(
        {
          params: used.map(({ i }) => params[i]!),
          gradients: used.map(({ gradient }) => gradient!),
          means: used.map(({ i }) => means[i]!),
          squares: used.map(({ i }) => squares[i]!),
        },
        { step, rate: 1e-4, beta1: 0.9, beta2: 0.98, eps: 1e-6, decay: 0.01 },
      );
      training.dispose(Object.values(found));
    }),
  );
  training.dispose([...params, ...means, ...squares]);
  return samples;
}

async function cycles(): Promise<Sample[]> {
  const program = chainProgram("small", model.stages, { input: { dtype: "float32", shape: ["batch", "samples"] }, outputs: ["layers.3"] });
  const x = hostTensor(fillGaussian(seeded(2), new Float32Array(12000), 0.1), [1, 12000]);
  return watched("cycle", Number(options.cycles), async () => {
    const session = await torchEngine({ device, threads: 1 }).prepare(program, weights);
    await session.run({ x });
    await session.dispose();
  });
}

/** The growth of the maximum of the last tenth over that of the second tenth. The first tenth fills caches. */
function growth(samples: readonly Sample[], of: (sample: Sample) => number): number {
  const tenth = Math.ceil(samples.length / 10);
  const top = (list: readonly Sample[]) => Math.max(...list.map(of));
  return top(samples.slice(-tenth)) / top(samples.slice(tenth, 2 * tenth)) - 1;
}

const stepSamples = await steps();
const cycleSamples = await cycles();
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
const results = {
  libtorch: runtime.version,
  stepGrowth: growth(stepSamples, (s) => s.rssMb),
  stepTensors: [...new Set(stepSamples.map((s) => s.tensors))],
  cycleGrowth: growth(cycleSamples, (s) => s.rssMb),
  cycleTensors: [...new Set(cycleSamples.map((s) => s.tensors))],
};
console.log(
  `steps: resident memory ${percent(results.stepGrowth)}, live tensors ${results.stepTensors.join(", ")} (allowed: within 5 %, one number)`,
);
console.log(
  `cycles: resident memory ${percent(results.cycleGrowth)}, live tensors ${results.cycleTensors.join(", ")} (allowed: under 1 %, one number)`,
);
writeResults<typeof results & { steps: readonly Sample[]; cycles: readonly Sample[] }>("memory", {
  by: import.meta.url,
  question: "resident memory and live tensors over training steps, and over loads and disposals of a model",
  versions: { libtorch: runtime.version },
  rows: [{ ...results, steps: stepSamples, cycles: cycleSamples }],
  keep: (earlier) => earlier.libtorch !== runtime.version,
});
const broken = results.stepGrowth > 0.05 || results.cycleGrowth > 0.01 || results.stepTensors.length > 1 || results.cycleTensors.length > 1;
process.exitCode = broken ? 1 : 0;
