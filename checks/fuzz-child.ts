// The child process of check:fuzz: runs a range of cases one at a time and reports the outcome of each.
import { type FuzzOutcome, fuzzCase, fuzzTargets } from "../test/fuzz/targets.ts";

export interface Task {
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly limitSeconds: number;
}

export type Told =
  | { readonly begun: number }
  | { readonly ended: number; readonly outcome: FuzzOutcome; readonly milliseconds: number; readonly peakMegabytes: number };

// Decoders log what they can't read; the outcomes say it already.
console.error = () => {};

async function run({ target, from, to, limitSeconds }: Task): Promise<void> {
  const found = fuzzTargets.find(({ name }) => name === target)!;
  const tell = (told: Told) => process.send!(told);
  for (let seed = from; seed < to; seed++) {
    tell({ begun: seed });
    const began = performance.now();
    const outcome = await fuzzCase(found, seed, AbortSignal.timeout(1000 * limitSeconds));
    tell({ ended: seed, outcome, milliseconds: performance.now() - began, peakMegabytes: process.resourceUsage().maxRSS / 1e3 });
  }
}

process.on("message", (task: Task) => void run(task));
