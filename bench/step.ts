// How long does a training step (forward, backward, Adam) of a published shape take, beside transformers and a tuned PyTorch in the same run?
// Run: npm run bench:step [-- --shape 95M --seconds 5 --batch 4 --runs 3 --device cpu]. Both peers
// run in a python3 that has torch and transformers (or OSTINATO_PYTHON); its libtorch is the one that is timed.
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { findPython, type PeerReady, type PeerTimes, startPeer } from "../measure/peer.ts";
import { writeResults } from "../measure/results.ts";
import { type ShapeName, shapes } from "../measure/shapes.ts";
import { spread, timed } from "../measure/timing.ts";
import { openTorch } from "../src/engines/torch/runtime.ts";
import { trainStep } from "./train-step.ts";

const { values: options } = parseArgs({
  options: {
    shape: { type: "string", default: "95M" },
    seconds: { type: "string", default: "5" },
    batch: { type: "string", default: "4" },
    runs: { type: "string", default: "3" },
    device: { type: "string", default: "cpu" },
    dtypes: { type: "string", default: "float32,bfloat16" },
  },
});
const threads = availableParallelism();
const [seconds, batch, runs] = [options.seconds, options.batch, options.runs].map(Number) as [number, number, number];
const shape = options.shape as ShapeName;
const { device } = options;
const runtime = await openTorch({ device, threads });
const python = findPython(["torch", "transformers"]);
const versions: Record<string, string> = { libtorch: runtime.version };
const peers = [];
for (const [who, attention, fused] of python
  ? ([
      ["transformers", "eager", false],
      ["tuned PyTorch", "sdpa", true],
    ] as const)
  : []) {
  const peer = startPeer(python!, "hubert");
  Object.assign(versions, (await peer.ask<PeerReady>({ load: shapes[shape], threads, device, attention, fused })).versions);
  peers.push({ who, peer });
}

const rows: object[] = [];
for (const dtype of options.dtypes.split(",") as ("float32" | "bfloat16")[]) {
  const step = await trainStep({ shape, device, dtype, seconds, batch, threads });
  const wall: Record<string, number[]> = {};
  const cpu: Record<string, number[]> = {};
  const keepTime = (who: string, wallMs: number, cpuMs: number) => {
    wall[who] = [...(wall[who] ?? []), wallMs];
    cpu[who] = [...(cpu[who] ?? []), cpuMs];
  };
  step(); // warm-up
  for (let run = 0; run < runs; run++) {
    // In turn, so that other load on the machine affects all alike.
    const own = await timed(step);
    keepTime("ostinato", own.wallMs, own.cpuMs);
    await new Promise((resolve) => setImmediate(resolve));
    for (const { who, peer } of peers) {
      const { wall_ms, cpu_ms } = await peer.ask<PeerTimes>({
        step: seconds,
        batch,
        dtype,
        runs: 1,
        warm: run === 0 ? 2 : 0,
      });
      keepTime(who, wall_ms[0]!, cpu_ms[0]!);
    }
  }
  step.dispose();
  const own = spread(cpu.ostinato!).min;
  for (const who of Object.keys(wall)) {
    const [w, c] = [spread(wall[who]!), spread(cpu[who]!)];
    rows.push({ device, shape, seconds, batch, threads, dtype, who, wallMs: w, cpuMs: c });
    console.log(
      `${dtype.padEnd(8)} ${who.padEnd(14)} wall min ${w.min.toFixed(0)} median ${w.median.toFixed(0)} ms, CPU min ${c.min.toFixed(0)} ms, CPU / ours ${(c.min / own).toFixed(2)}`,
    );
  }
}
for (const { peer } of peers) peer.stop();
writeResults("step", {
  by: import.meta.url,
  question: "a training step: forward, mean of squares, backward and Adam, in milliseconds",
  versions,
  rows,
});
