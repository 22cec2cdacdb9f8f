// How many seconds of audio a second does extraction reach, and where does the time go?
// Run: npm run bench:embed [-- --shapes 95M,330M --seconds 5,30 --runs 5]. A python3 with torch and transformers (or OSTINATO_PYTHON) joins as the peer.
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { decodeFile } from "../src/audio/decode.node.ts";
import { loadAudio } from "../src/audio/load.node.ts";
import { resample } from "../src/audio/resample.ts";
import { synthesise } from "../src/audio/synth.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { downmix } from "../src/audio/waveform.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { randomWeights } from "../src/checkpoint/random.ts";
import { onnxEngine } from "../src/engines/onnx/engine.node.ts";
import { createEncoder } from "../src/inference/encoder.ts";
import { architectureFromHf } from "../src/models/index.ts";
import type { Engine } from "../src/ops/program.ts";
import { findPython, keepResults, machine, spread, startPeer, timed } from "./measure.ts";
import { type ShapeName, shapes } from "./shapes.ts";

const { values: options } = parseArgs({
  options: {
    shapes: { type: "string", default: "95M,330M" },
    seconds: { type: "string", default: "5,30" },
    runs: { type: "string", default: "5" },
  },
});
const threads = availableParallelism();
const runs = Number(options.runs);

/** An engine whose sessions' run times are added up. */
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
const folder = await mkdtemp(join(tmpdir(), "ostinato-bench-"));
const rows: Record<string, unknown>[] = [];
let peerVersion: string | undefined;
try {
  for (const shape of options.shapes.split(",") as ShapeName[]) {
    const { model } = architectureFromHf(shapes[shape]);
    const { engine, clock } = clocked(onnxEngine({ threads }));
    const encoder = createEncoder(model, engine, randomWeights(model, 1), { normaliseInput: false });
    const peer = python ? startPeer(python, "./peer.py") : undefined;
    peerVersion = (await peer?.ask<{ ready: string }>({ load: shape, threads }))?.ready;
    for (const seconds of options.seconds.split(",").map(Number)) {
      const path = join(folder, `${seconds}.wav`);
      await writeAtomic(path, encodeWav(synthesise({ seconds, seed: 1 })));
      const samples: Record<string, number[]> = {
        total: [],
        decode: [],
        resample: [],
        session: [],
        rest: [],
        peer: [],
        cpu: [],
        peerCpu: [],
      };
      for (let run = -1; run < runs; run++) {
        const decoded = await timed(() => decodeFile(path));
        const resampled = await timed(() => resample(downmix(decoded.value), { from: decoded.value.sampleRateHz, to: model.sampleRateHz }));
        clock.ms = 0;
        const total = await timed(async () => {
          const audio = await loadAudio(path, { sampleRateHz: model.sampleRateHz });
          return encoder.hiddenStates([audio.samples]);
        });
        const other = await peer?.ask<{ wall_ms: number; cpu_ms: number }>({ seconds, batch: 1, rate: model.sampleRateHz });
        if (run < 0) continue; // warm-up
        samples.total!.push(total.wallMs);
        samples.decode!.push(decoded.wallMs);
        samples.resample!.push(resampled.wallMs);
        samples.session!.push(clock.ms);
        samples.rest!.push(total.wallMs - clock.ms - decoded.wallMs - resampled.wallMs);
        samples.cpu!.push(total.cpuMs);
        if (other) {
          samples.peer!.push(other.wall_ms);
          samples.peerCpu!.push(other.cpu_ms);
        }
      }
      const figures = Object.fromEntries(
        Object.entries(samples).flatMap(([name, list]) => (list.length > 0 ? [[name, spread(list)]] : [])),
      );
      const { total, session, peer: other, cpu, peerCpu } = figures;
      const row = {
        shape,
        engine: engine.name,
        seconds,
        audioSecondsPerSecond: { best: (1000 * seconds) / total!.min, median: (1000 * seconds) / total!.median },
        overheadBesideSession: total!.median / session!.median - 1,
        ...(other && {
          timesFasterThanPeer: { best: other.min / total!.min, median: other.median / total!.median, cpu: peerCpu!.min / cpu!.min },
        }),
        milliseconds: figures,
      };
      rows.push(row);
      console.log(
        `${shape} ${engine.name} ${seconds} s: ${row.audioSecondsPerSecond.best.toFixed(1)} s/s best, ${row.audioSecondsPerSecond.median.toFixed(1)} median; ` +
          `overhead ${(100 * row.overheadBesideSession).toFixed(1)} %${other ? `; ${(other.min / total!.min).toFixed(2)}x the peer (best), ${(other.median / total!.median).toFixed(2)}x (median)` : ""}`,
      );
    }
    await encoder.dispose();
    peer?.stop();
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
keepResults("embed", {
  question: "audio seconds a second, end to end from a 44.1 kHz stereo wav, batch 1",
  unit: "ms",
  machine: { ...machine(), threads },
  peer: peerVersion ?? null,
  rows,
});
process.exit(0);
