// Corpora that are killed: a run in a child process, killed -9 at a moment of the caller's choice, and what a folder of outputs holds.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetReadObjects } from "hyparquet";
import { memorySource } from "../src/base/byte-source.ts";
import { toFloat32 } from "../src/base/dtypes.ts";
import type { EmbedFilesOptions } from "../src/embed/embed-files.node.ts";
import type { StoreFormat } from "../src/embed/stores/index.node.ts";
import { parseNpy } from "../src/formats/npy.ts";
import { readNpz } from "../src/formats/npz.ts";

export interface CorpusRun {
  readonly model: string;
  readonly inputs: readonly string[];
  readonly options: Omit<EmbedFilesOptions, "signal">;
}

export interface RunEnd {
  /** Killed before it had ended by itself. */
  readonly killed: boolean;
  /** Files it said were done, in order. */
  readonly done: readonly string[];
  readonly failed: readonly string[];
  /** Listing files and naming outputs. */
  readonly planMilliseconds: number;
  /** Resident megabytes after so many files, and at the highest where it ended by itself. */
  readonly memory: readonly (readonly [files: number, megabytes: number])[];
  readonly peakMegabytes: number | undefined;
  /** How often it touched a file; NaN where it was killed. */
  readonly touches: number;
  readonly seconds: number;
  readonly code: number | null;
  readonly stderr: string;
}

const child = fileURLToPath(new URL("./corpus-child.mjs", import.meta.url));
const killer = new URL("./kill-at.mjs", import.meta.url).href;

/** When a run is killed: so long behind the first file it does, or as it touches a file for the n-th time (see `kill-at.mjs`). */
export type KillAt = { readonly afterMs: number } | { readonly touch: number };

/** Runs a corpus in a child process, to its end or until it is killed -9. */
export async function runCorpus(run: CorpusRun, kill?: KillAt): Promise<RunEnd> {
  const afterMs = kill && "afterMs" in kill ? kill.afterMs : undefined;
  const touch = kill && "touch" in kill ? String(kill.touch) : "";
  const process_ = spawn(process.execPath, ["--import", killer, child, JSON.stringify(run)], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, KILL_AT: touch },
  });
  const began = performance.now();
  let [stdout, stderr] = ["", ""];
  let timer: NodeJS.Timeout | undefined;
  process_.stdout.on("data", (part: Buffer) => {
    stdout += part.toString();
    if (afterMs !== undefined && /^(done|failed) /m.test(stdout)) timer ??= setTimeout(() => process_.kill("SIGKILL"), afterMs);
  });
  process_.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  const [code, signal] = (await once(process_, "close")) as [number | null, string | null];
  clearTimeout(timer);
  // A last line without its end was cut off by the kill.
  const lines = stdout.split("\n").slice(0, -1);
  const of = (word: string) => lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const numbers = (word: string) => of(word).map((rest) => rest.split(" ").map(Number));
  return {
    killed: signal === "SIGKILL",
    done: of("done"),
    failed: of("failed"),
    planMilliseconds: numbers("planned")[0]?.[1] ?? Number.NaN,
    memory: numbers("memory").map(([files, megabytes]) => [files!, megabytes!] as const),
    peakMegabytes: numbers("peak")[0]?.[0],
    touches: Number(/^touched (\d+)$/m.exec(stderr)?.[1] ?? Number.NaN),
    seconds: (performance.now() - began) / 1000,
    code,
    stderr,
  };
}

/** What a folder of outputs holds, by name; a name that stands in it twice is an error, and so is half a file. */
export async function readOutputs(out: string, format: StoreFormat): Promise<Map<string, Float32Array>> {
  const held = new Map<string, Float32Array>();
  const add = (name: string, values: Float32Array) => {
    if (held.has(name)) throw new Error(`${name} stands twice in ${out}`);
    held.set(name, values);
  };
  const files = (await readdir(out, { recursive: true })).sort();
  for (const file of files.filter((name) => name.endsWith(`.${format}`) && name !== "report.jsonl")) {
    const bytes = await readFile(join(out, file));
    const name = file.slice(0, -format.length - 1);
    if (format === "npy") {
      JSON.parse(await readFile(join(out, `${name}.json`), "utf8"));
      add(name, toFloat32(parseNpy(bytes)));
    } else if (format === "npz") add(name, toFloat32((await readNpz(memorySource(bytes))).get("embedding")!));
    else if (format === "jsonl") {
      for (const line of bytes.toString().trimEnd().split("\n")) {
        const { name: own, values } = JSON.parse(line) as { name: string; values: number[][] };
        add(own, Float32Array.from(values.flat(3)));
      }
    } else {
      const rows = (await parquetReadObjects({ file: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) })) as {
        name: string;
        vector: number[];
      }[];
      const vectors = new Map<string, number[]>();
      for (const row of rows) {
        const values = vectors.get(row.name) ?? [];
        vectors.set(row.name, values);
        values.push(...row.vector);
      }
      for (const [own, values] of vectors) add(own, Float32Array.from(values));
    }
  }
  return held;
}

/** Files in a folder that are neither outputs nor their sidecars nor the report: there should be none. */
export async function strayFiles(out: string): Promise<string[]> {
  return (await readdir(out, { recursive: true })).filter((name) => /\.tmp$|\.lock/.test(name));
}
