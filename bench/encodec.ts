// How many seconds of audio a second does EnCodec label, against transformers at batch 1 in the same run, and do the codes agree?
// Run: tsx bench/encodec.ts [--clips 8 --seconds 10 --runs 3]. Needs a python3 with torch and transformers (or OSTINATO_PYTHON): it makes
// the random model of the published shape that both sides run. Engines: ONNX Runtime, and libtorch in float32 and bfloat16 where it is found.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findPython, type PeerReady, type PeerTimes, startPeer } from "../measure/peer.ts";
import { writeResults } from "../measure/results.ts";
import { spread, timed } from "../measure/timing.ts";
import { resample } from "../src/audio/resample.ts";
import { downmix } from "../src/audio/waveform.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { hostTensor, toFloat32 } from "../src/base/host-tensor.ts";
import { onnxEngine } from "../src/engines/onnx/engine.node.ts";
import { torchEngine } from "../src/engines/torch/engine.ts";
import { searchLibtorch } from "../src/engines/torch/locate.ts";
import { npyBytes, parseNpy } from "../src/formats/npy.ts";
import { chooseEngine } from "../src/inference/choose-engine.node.ts";
import { loadEncodec } from "../src/inference/load-encodec.node.ts";
import type { Engine } from "../src/ops/program.ts";
import { shortSong } from "../src/synth/short-song.ts";

const { values: options } = parseArgs({
  options: {
    clips: { type: "string", default: "8" },
    seconds: { type: "string", default: "10" },
    runs: { type: "string", default: "3" },
    piece: { type: "string", default: "150" },
    engines: { type: "string", default: "onnx,torch,torch-bf16" },
  },
});
const [clips, seconds, runs] = [options.clips, options.seconds, options.runs].map(Number) as [number, number, number];
const threads = availableParallelism();
const python = findPython(["torch", "transformers"]);
if (!python) throw new Error("This bench needs a python3 with torch and transformers. Name one in OSTINATO_PYTHON.");

const makers: Record<string, () => Engine> = {
  onnx: () => onnxEngine({ threads, spin: false }),
  torch: () => torchEngine({ threads }),
  "torch-bf16": () => torchEngine({ threads, dtype: "bfloat16" }),
};
const hasTorch = searchLibtorch().found !== undefined;
const names = options.engines.split(",").filter((name) => name === "onnx" || hasTorch);

// OpenMP threads that spin while they wait cost the peer nine tenths of its speed on a busy machine. Both sides sleep instead.
process.env.GOMP_SPINCOUNT ??= "0";
const folder = await mkdtemp(join(tmpdir(), "ostinato-encodec-"));
const peer = startPeer(python, "encodec");
try {
  const { versions } = await peer.ask<PeerReady>({ create: join(folder, "model"), threads });
  const waves = Array.from({ length: clips }, (_, seed) => {
    const music = shortSong({ seconds, seed });
    return resample(downmix(music), { from: music.sampleRateHz, to: 24_000 });
  });
  for (const [i, wave] of waves.entries()) await writeAtomic(join(folder, `${i}.npy`), npyBytes(hostTensor(wave, [wave.length])));
  const reference = async () => {
    const times = { wall: 0, cpu: 0 };
    for (let i = 0; i < clips; i++) {
      const answer = await peer.ask<PeerTimes>({
        encode: join(folder, `${i}.npy`),
        codes: join(folder, `${i}.codes.npy`),
      });
      times.wall += answer.wall_ms[0]!;
      times.cpu += answer.cpu_ms[0]!;
    }
    return times;
  };
  await reference();
  const expected = await Promise.all(
    waves.map(async (_, i) => toFloat32(parseNpy(new Uint8Array(await readFile(join(folder, `${i}.codes.npy`)))))),
  );
  const rows = [];
  for (const name of names) {
    for (const batch of [1, clips]) {
      const teacher = await loadEncodec(join(folder, "model"), makers[name]!(), { batch, pieceFrames: Number(options.piece) });
      const codes = await teacher.encode(waves); // warm-up, and the codes to compare
      const [wall, cpu, peerWall, peerCpu] = [[], [], [], []] as [number[], number[], number[], number[]];
      for (let run = 0; run < runs; run++) {
        const ours = await timed(() => teacher.encode(waves));
        const theirs = await reference();
        wall.push(ours.wallMs);
        cpu.push(ours.cpuMs);
        peerWall.push(theirs.wall);
        peerCpu.push(theirs.cpu);
      }
      await teacher.dispose();
      const perStage = Array.from({ length: 8 }, (_, stage) =>
        agreement(
          codes.map(({ values }) => values),
          expected,
          stage,
        ),
      );
      const row = {
        engine: name,
        batch,
        clips,
        seconds,
        threads,
        audioSecondsPerSecond: {
          best: (1000 * clips * seconds) / Math.min(...wall),
          median: (1000 * clips * seconds) / spread(wall).median,
        },
        timesFasterThanPeer: {
          best: Math.min(...peerWall) / Math.min(...wall),
          median: spread(peerWall).median / spread(wall).median,
          cpu: Math.min(...peerCpu) / Math.min(...cpu),
        },
        codesEqual: perStage,
        milliseconds: { wall: spread(wall), cpu: spread(cpu), peer: spread(peerWall), peerCpu: spread(peerCpu) },
      };
      rows.push(row);
      console.log(
        `${name}, batch ${batch}: ${row.audioSecondsPerSecond.best.toFixed(0)} s/s; ${row.timesFasterThanPeer.best.toFixed(2)}x the peer (best), ` +
          `${row.timesFasterThanPeer.median.toFixed(2)}x (median), ${row.timesFasterThanPeer.cpu.toFixed(2)}x (CPU); codes equal ${perStage.map((share) => `${(100 * share).toFixed(1)} %`).join(" ")}`,
      );
    }
  }
  writeResults("encodec", {
    by: import.meta.url,
    question: "EnCodec 24 kHz, 8 codebooks, random weights: milliseconds for all clips, beside transformers at batch 1",
    versions: {
      onnxruntime: (await chooseEngine({ engine: "onnx" })).version,
      ...(hasTorch && { libtorch: searchLibtorch().found!.version }),
      ...versions,
    },
    rows,
  });
} finally {
  peer.stop();
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);

/** The share of equal codes of one stage. */
function agreement(found: readonly Int32Array[], expected: readonly Float32Array[], stage: number): number {
  let [same, all] = [0, 0];
  found.forEach((codes, clip) => {
    const frames = codes.length / 8;
    for (let t = stage * frames; t < (stage + 1) * frames; t++) same += Number(codes[t] === expected[clip]![t]);
    all += frames;
  });
  return same / all;
}
