// Does a damaged file crash the process, hang it or fill its memory? Damages good checkpoints, arrays and recordings 100,000 times and opens them
// in a child process under limits. Run: npm run check:fuzz [-- --cases 8000 --sound 2500]. Writes bench/results/fuzz.json; ends with 1 on a finding.
// A case is determined by its target and its number: `--target mp3 --case 17` runs one case again and prints its outcome.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeResults } from "../measure/results.ts";
import { fuzzBytes, fuzzCase, fuzzTargets, soundTargets } from "../test/fuzz/targets.ts";
import type { Task, Told } from "./fuzz-child.ts";

const { values: asked } = parseArgs({
  options: {
    cases: { type: "string", default: "8000" },
    sound: { type: "string", default: "2500" },
    target: { type: "string" },
    case: { type: "string" },
  },
});
const limits = { seconds: 30, allocationMegabytes: 256, growthMegabytes: 512 };

interface Finding {
  readonly target: string;
  readonly case: number;
  readonly what: string;
}

interface Row {
  readonly target: string;
  readonly cases: number;
  readonly outcomes: Record<string, number>;
  readonly slowestMilliseconds: number;
  readonly peakMegabytes: number;
}

/** Runs cases `from` to `to` in one child process. Returns the number of the next case: `to`, or the one after the case that ended the child. */
function runChild(
  target: string,
  from: number,
  to: number,
  row: { -readonly [Key in keyof Row]: Row[Key] },
  findings: Finding[],
): Promise<number> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL("./fuzz-child.ts", import.meta.url)), {
      execArgv: [
        ...["--max-old-space-size=1024", "--import", "tsx"],
        ...["--import", new URL("../test/fuzz/allocation-guard.mjs", import.meta.url).href],
      ],
      env: { ...process.env, FUZZ_ALLOCATION_BYTES: String(limits.allocationMegabytes * 1e6) },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    let at = from;
    let peak = 0;
    let timer: NodeJS.Timeout | undefined;
    const find = (number: number, what: string) => {
      findings.push({ target, case: number, what });
      console.log(`FINDING ${target} ${number}: ${what.slice(0, 500)}`);
    };
    const stop = () => child.kill("SIGKILL");
    child.on("message", (told: Told) => {
      clearTimeout(timer);
      if ("begun" in told) {
        at = told.begun;
        timer = setTimeout(() => {
          find(at, `it took more than ${limits.seconds} s and did not end when asked to`);
          stop();
        }, 1500 * limits.seconds);
        return;
      }
      const { outcome, milliseconds, peakMegabytes } = told;
      at = told.ended + 1;
      row.outcomes[outcome.how] = (row.outcomes[outcome.how] ?? 0) + 1;
      row.slowestMilliseconds = Math.max(row.slowestMilliseconds, Math.round(milliseconds));
      row.peakMegabytes = Math.max(row.peakMegabytes, Math.round(peakMegabytes));
      if (outcome.finding) find(told.ended, outcome.finding);
      // The first case loads the decoders.
      if (peak > 0 && peakMegabytes > peak + limits.growthMegabytes)
        find(told.ended, `memory grew by ${Math.round(peakMegabytes - peak)} MB`);
      peak = Math.max(peak, peakMegabytes);
      if (at === to) stop();
    });
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      if (signal === "SIGKILL" || at === to) return resolve(Math.max(at, from + 1));
      find(at, `the process died (exit code ${code}, signal ${signal})`);
      resolve(at + 1);
    });
    child.send({ target, from, to, limitSeconds: limits.seconds } satisfies Task);
  });
}

if (asked.case !== undefined) {
  const target = fuzzTargets.find(({ name }) => name === asked.target);
  if (!target) throw new Error(`--target must be one of ${fuzzTargets.map(({ name }) => name).join(", ")}`);
  console.log(`${(await fuzzBytes(target, Number(asked.case))).length} bytes`, await fuzzCase(target, Number(asked.case)));
  process.exit(0);
}

const findings: Finding[] = [];
const rows: Row[] = [];
for (const target of fuzzTargets.filter(({ name }) => !asked.target || name === asked.target)) {
  const { name } = target;
  const row = {
    target: name,
    cases: Number(soundTargets.includes(target) ? asked.sound : asked.cases),
    outcomes: {},
    slowestMilliseconds: 0,
    peakMegabytes: 0,
  };
  for (let next = 0; next < row.cases; ) next = await runChild(name, next, row.cases, row, findings);
  rows.push(row);
  console.log(`${name}: ${JSON.stringify(row.outcomes)}, slowest ${row.slowestMilliseconds} ms, peak ${row.peakMegabytes} MB`);
}
const cases = rows.reduce((sum, row) => sum + row.cases, 0);
if (!asked.target) {
  writeResults("fuzz", {
    by: import.meta.url,
    question: "crashes, hangs and unbounded memory on damaged files; a case is its target and its number from 0",
    versions: {},
    rows: rows.map((row) => ({ ...row, limits, findings: findings.filter(({ target }) => target === row.target) })),
  });
}
console.log(`${cases} cases, ${findings.length} findings`);
process.exit(findings.length > 0 ? 1 : 0);
