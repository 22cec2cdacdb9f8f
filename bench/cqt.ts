// What share of a training step does the CQT of its batch, MERT's musical teacher, take? Both are timed in turn; the step is of the 95M shape.
// Run: npm run bench:cqt [-- --seconds 5 --batch 4 --runs 3 --dtypes float32,bfloat16]. libtorch is that of OSTINATO_PYTHON, else Debian's.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { type Spread, spread, timed } from "../measure/timing.ts";
import { hostTensor } from "../src/base/host-tensor.ts";
import { fillGaussian, seeded } from "../src/base/random.ts";
import { cqt, mertCqt } from "../src/dsp/cqt.ts";
import { onnxEngine } from "../src/engines/onnx/engine.node.ts";
import { torchEngine } from "../src/engines/torch/engine.ts";
import { openTorch } from "../src/engines/torch/runtime.ts";
import { chooseEngine } from "../src/inference/choose-engine.node.ts";
import { noWeights, type Program } from "../src/ops/program.ts";
import { trainStep } from "./train-step.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    batch: { type: "string", default: "4" },
    runs: { type: "string", default: "3" },
    dtypes: { type: "string", default: "float32,bfloat16" },
  },
});
const [seconds, batch, runs] = [options.seconds, options.batch, options.runs].map(Number) as [number, number, number];
const threads = availableParallelism();
const sampleRateHz = 24_000;
const bins = 336;
const program: Program = {
  name: "cqt",
  inputs: { x: { dtype: "float32", shape: ["batch", "samples"] } },
  params: {},
  run: (ops, _, { x }) => ({ magnitudes: cqt(ops, x!, mertCqt(sampleRateHz, bins)) }),
};
const wave = fillGaussian(seeded(1), new Float32Array(batch * seconds * sampleRateHz), 0.1);
const x = hostTensor(wave, [batch, seconds * sampleRateHz]);
const { version } = await openTorch({ device: "cpu", threads });
const sessions = {
  libtorch: await torchEngine({ device: "cpu", threads }).prepare(program, noWeights),
  onnx: await onnxEngine({ threads, spin: false }).prepare(program, noWeights),
};
const steps: Record<string, Awaited<ReturnType<typeof trainStep>>> = {};
for (const dtype of options.dtypes.split(",").filter(Boolean) as ("float32" | "bfloat16")[]) {
  steps[dtype] = await trainStep({ shape: "95M", device: "cpu", dtype, seconds, batch, threads });
}
const wall: Record<string, number[]> = {};
const cpu: Record<string, number[]> = {};
const keepTime = (who: string, { wallMs, cpuMs }: { wallMs: number; cpuMs: number }) => {
  wall[who] = [...(wall[who] ?? []), wallMs];
  cpu[who] = [...(cpu[who] ?? []), cpuMs];
};
for (let run = -1; run < runs; run++) {
  // In turn, so that other load on the machine affects all alike.
  for (const [name, session] of Object.entries(sessions)) {
    for (let i = 0; i < 3; i++) {
      const time = await timed(() => session.run({ x }));
      if (run >= 0) keepTime(`cqt, ${name}`, time);
    }
  }
  for (const [dtype, step] of Object.entries(steps)) {
    const time = await timed(step);
    if (run >= 0) keepTime(`step, ${dtype}`, time);
  }
}
const spreads = (of: Record<string, number[]>) => Object.fromEntries(Object.entries(of).map(([who, values]) => [who, spread(values)]));
const [wallMs, cpuMs] = [spreads(wall), spreads(cpu)];
for (const who of Object.keys(wall)) {
  console.log(
    `${who.padEnd(16)} wall min ${wallMs[who]!.min.toFixed(0)}, CPU min ${cpuMs[who]!.min.toFixed(0)}, median ${cpuMs[who]!.median.toFixed(0)} ms`,
  );
}
const shares = Object.keys(sessions).flatMap((engine) =>
  Object.keys(steps).map((dtype) => {
    const share = (of: Record<string, Spread>) => ({
      best: of[`cqt, ${engine}`]!.min / of[`step, ${dtype}`]!.min,
      median: of[`cqt, ${engine}`]!.median / of[`step, ${dtype}`]!.median,
    });
    return { engine, dtype, wall: share(wallMs), cpu: share(cpuMs) };
  }),
);
const percent = ({ best, median }: { best: number; median: number }) =>
  `${(100 * best).toFixed(1)} % best, ${(100 * median).toFixed(1)} % median`;
for (const share of shares) {
  console.log(`${share.engine} beside a ${share.dtype} step: CPU ${percent(share.cpu)}; wall ${percent(share.wall)}`);
}
writeResults("cqt", {
  by: import.meta.url,
  question: "the CQT of a batch as a share of a 95M training step in the same run",
  versions: { libtorch: version, onnxruntime: (await chooseEngine({ engine: "onnx" })).version },
  rows: [{ seconds, batch, sampleRateHz, bins, threads, wallMs, cpuMs, shares }],
});
process.exit(0);
