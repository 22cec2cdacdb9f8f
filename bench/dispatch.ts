// What does one operator call cost? An addition of four numbers through the engine's wrapper, through the addon alone, and in PyTorch.
// Run: npm run bench:dispatch.
import { execFileSync } from "node:child_process";
import { findPython } from "../measure/peer.ts";
import { machine, writeResults } from "../measure/results.ts";
import { spread } from "../measure/timing.ts";
import { addon } from "../src/engines/torch/addon.ts";
import { op } from "../src/engines/torch/call.ts";
import { inference } from "../src/engines/torch/engine.ts";
import { openTorch } from "../src/engines/torch/runtime.ts";
import { fromHost, tidy } from "../src/engines/torch/tensor.ts";

const calls = 20_000;
const rounds = 9;
const runtime = await openTorch({ device: "cpu", threads: 1 });
const a = fromHost({ dtype: "float32", shape: [4], bytes: new Uint8Array(16) });
const add = op("add.Tensor");
const index = addon().findOperator("aten::add", "Tensor");
const h = a.handle;

/** Microseconds a call, of each of several rounds. */
function measure(work: () => void): number[] {
  return Array.from({ length: rounds }, () => {
    const start = performance.now();
    work();
    return (1000 * (performance.now() - start)) / calls;
  });
}

/** Calls in scopes of 100, about as many as a transformer layer makes. */
function scoped(scope: (body: () => void) => void): void {
  for (let done = 0; done < calls; done += 100) {
    scope(() => {
      for (let i = 0; i < 100; i++) add(a, a);
    });
  }
}

const rows: Record<string, number[]> = {
  "wrapper, scopes of 100": measure(() => scoped(tidy)),
  "wrapper, inference mode": measure(() => inference(() => scoped(tidy))),
  "addon alone, disposed at once": measure(() => {
    for (let i = 0; i < calls; i++) addon().dispose([addon().invoke(index, h, h) as typeof h]);
  }),
  "in place, no result": measure(() => {
    const inPlace = addon().findOperator("aten::add_", "Tensor");
    for (let i = 0; i < calls; i++) addon().perform(inPlace, h, h);
  }),
};
const python = findPython(["torch"]);
let peerVersion: string | undefined;
if (python) {
  const script = `
import time, torch
torch.set_num_threads(1); a = torch.zeros(4); out = []
with torch.inference_mode():
    for r in range(${rounds}):
        t = time.perf_counter()
        for i in range(${calls}): torch.add(a, a)
        out.append(1e6 * (time.perf_counter() - t) / ${calls})
print(" ".join(map(str, out)), torch.__version__)`;
  const answer = execFileSync(python, ["-c", script], { encoding: "utf8" }).trim().split(" ");
  peerVersion = answer.at(-1)!;
  rows["PyTorch, inference mode"] = answer.slice(0, -1).map(Number);
}
console.log(`${machine().cpu}, libtorch ${runtime.version}: microseconds for a + a of four numbers, ${calls} calls a round`);
for (const [name, values] of Object.entries(rows)) {
  const { min, median } = spread(values);
  console.log(`${name.padEnd(40)} min ${min.toFixed(2)}  median ${median.toFixed(2)}`);
}
writeResults("dispatch", {
  by: import.meta.url,
  question: "microseconds for one call of an operator on four numbers",
  versions: { libtorch: runtime.version, ...(peerVersion && { torch: peerVersion }) },
  rows: Object.entries(rows).map(([what, values]) => ({ what, microseconds: spread(values) })),
});
