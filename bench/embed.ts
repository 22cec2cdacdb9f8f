// How many seconds of audio a second does extraction reach, and where does the time go?
// Run: npm run bench:embed [-- --shapes 95M,330M --seconds 5,30 --runs 5 --batch 1 --engines onnx-fp32,onnx-q8,torch-fp32,torch-bf16].
// The peer is transformers in a python3 that has torch and transformers (or OSTINATO_PYTHON), in float32 and under bfloat16 autocast. libtorch is
// that of LIBTORCH, else of that Python, else Debian's. Rows of the same shape, audio and engine version are replaced; the others stay.
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findPython, type PeerReady, type PeerTimes, startPeer } from "../measure/peer.ts";
import { writeResults } from "../measure/results.ts";
import { type ShapeName, shapes } from "../measure/shapes.ts";
import { type Spread, spread, timed } from "../measure/timing.ts";
import { decodeFile } from "../src/audio/decode.node.ts";
import { loadAudio } from "../src/audio/load.node.ts";
import { resample } from "../src/audio/resample.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { downmix } from "../src/audio/waveform.ts";
import type { ModelDtype } from "../src/base/dtypes.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { chooseEngine } from "../src/inference/choose-engine.node.ts";
import { createEncoder } from "../src/inference/encoder.ts";
import { architectureFromHf } from "../src/models/index.ts";
import type { Engine } from "../src/ops/program.ts";
import { shortSong } from "../src/synth/short-song.ts";

const { values: options } = parseArgs({
  options: {
    shapes: { type: "string", default: "95M,330M" },
    seconds: { type: "string", default: "5,30" },
    runs: { type: "string", default: "5" },
    batch: { type: "string", default: "1" },
    engines: { type: "string", default: "onnx-fp32" },
  },
});
const threads = availableParallelism();
const runs = Number(options.runs);

/** An engine that adds up the run times of its sessions. */
function clocked(engine: Engine) {
  const clock = { ms: 0 };
  const timedEngine: Engine = {
    name: engine.name,
    async prepare(program, weights) {
      const session = await engine.prepare(program, weights);
      return {
        async run(inputs) {
          const start = performance.now();
          try {
            return await session.run(inputs);
          } finally {
            clock.ms += performance.now() - start;
          }
        },
        dispose: () => session.dispose(),
      };
    },
  };
  return { engine: timedEngine, clock };
}

const python = findPython(["torch", "transformers"]);
if (!python) console.error("No python3 with torch and transformers: the peer is left out. Set OSTINATO_PYTHON to one.");
const batch = Number(options.batch);
const folder = await mkdtemp(join(tmpdir(), "ostinato-bench-"));
interface Figures {
  readonly shape: string;
  readonly engine: string;
  readonly engineVersion: string;
  readonly seconds: number;
  readonly batch: number;
  readonly threads: number;
}
const rows: Figures[] = [];
const versions: Record<string, string> = {};
const keyOf = ({ shape, engine, engineVersion, seconds, batch }: Figures) => [shape, engine, engineVersion, seconds, batch].join();

try {
  for (const shape of options.shapes.split(",") as ShapeName[]) {
    const { model } = architectureFromHf(shapes[shape]);
    const peer = python ? startPeer(python, "hubert") : undefined;
    Object.assign(versions, (await peer?.ask<PeerReady>({ load: shapes[shape], threads }))?.versions);
    for (const choice of options.engines.split(",")) {
      const [name, dtype] = choice.split("-") as ["onnx" | "torch", ModelDtype];
      const chosen = await chooseEngine({ engine: name, dtype, device: "cpu", threads });
      versions[name === "onnx" ? "onnxruntime" : "libtorch"] = chosen.version;
      const { engine, clock } = clocked(chosen.engine);
      const encoder = createEncoder(model, engine, randomWeights(model, 1), { normaliseInput: false });
      for (const seconds of options.seconds.split(",").map(Number)) {
        const path = join(folder, `${seconds}.wav`);
        await writeAtomic(path, encodeWav(shortSong({ seconds, seed: 1 })));
        const samples: Record<string, number[]> = {};
        const add = (key: string, value: number) => {
          samples[key] = [...(samples[key] ?? []), value];
        };
        for (let run = -1; run < runs; run++) {
          const decoded = await timed(() => decodeFile(path));
          const resampled = await timed(() =>
            resample(downmix(decoded.value), { from: decoded.value.sampleRateHz, to: model.sampleRateHz }),
          );
          clock.ms = 0;
          const total = await timed(async () => {
            const clips = await Promise.all(Array.from({ length: batch }, () => loadAudio(path, { sampleRateHz: model.sampleRateHz })));
            return encoder.hiddenStates(clips.map((clip) => clip.samples));
          });
          const request = { forward: seconds, batch, runs: 1, warm: 0 };
          const exact = await peer?.ask<PeerTimes>({ ...request, dtype: "float32" });
          const half = await peer?.ask<PeerTimes>({ ...request, dtype: "bfloat16" });
          if (run < 0) continue; // warm-up
          add("total", total.wallMs);
          add("cpu", total.cpuMs);
          add("decode", batch * decoded.wallMs);
          add("resample", batch * resampled.wallMs);
          add("session", clock.ms);
          add("outsideSession", total.wallMs - clock.ms); // here decoding and resampling run in workers; above they run alone
          if (exact && half) {
            add("peerFp32", exact.wall_ms[0]!);
            add("peerBf16", half.wall_ms[0]!);
            add("peerFp32Cpu", exact.cpu_ms[0]!);
            add("peerBf16Cpu", half.cpu_ms[0]!);
          }
        }
        const figures = Object.fromEntries(Object.entries(samples).map(([key, list]) => [key, spread(list)]));
        const { total, session, cpu, peerFp32, peerBf16, peerFp32Cpu, peerBf16Cpu } = figures;
        const audioMs = 1000 * seconds * batch;
        const faster = (other: Spread | undefined, otherCpu: Spread | undefined) =>
          other && otherCpu && { best: other.min / total!.min, median: other.median / total!.median, cpu: otherCpu.min / cpu!.min };
        const row = {
          shape,
          engine: choice,
          engineVersion: chosen.version,
          seconds,
          batch,
          threads,
          audioSecondsPerSecond: { best: audioMs / total!.min, median: audioMs / total!.median },
          overheadBesideSession: total!.median / session!.median - 1,
          timesFasterThanPeerFp32: faster(peerFp32, peerFp32Cpu),
          timesFasterThanPeerBf16: faster(peerBf16, peerBf16Cpu),
          milliseconds: figures,
        };
        rows.push(row);
        const ratio = (r: ReturnType<typeof faster>) => (r ? `${r.best.toFixed(2)}x/${r.median.toFixed(2)}x` : "no peer");
        console.log(
          `${shape} ${choice} ${seconds} s x ${batch}: ${row.audioSecondsPerSecond.best.toFixed(1)} s/s best, ${row.audioSecondsPerSecond.median.toFixed(1)} median; ` +
            `overhead ${(100 * row.overheadBesideSession).toFixed(1)} %; beside transformers fp32 ${ratio(row.timesFasterThanPeerFp32)}, bf16 ${ratio(row.timesFasterThanPeerBf16)} (best/median)`,
        );
      }
      await encoder.dispose();
    }
    peer?.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
const measured = new Set(rows.map(keyOf));
writeResults<Figures>("embed", {
  by: import.meta.url,
  question: "audio seconds a second, end to end from a 44.1 kHz stereo wav; times in milliseconds",
  versions,
  rows,
  keep: (earlier) => !measured.has(keyOf(earlier)),
});
process.exit(0);
