// Targets of the fuzz tests: good files of every format, and what opens all that is in them.
import { readdirSync, readFileSync } from "node:fs";
import { crc8, crc16Step } from "../../src/audio/crc.ts";
import { runDecodeJob } from "../../src/audio/decode.node.ts";
import { type FlacFrame, readFlacInfo, walkFlac } from "../../src/audio/flac-frames.ts";
import { encodeWav } from "../../src/audio/wav.ts";
import { memorySource } from "../../src/base/byte-source.ts";
import { OstinatoError } from "../../src/base/errors.ts";
import { hostTensor } from "../../src/base/host-tensor.ts";
import { type Rng, seeded } from "../../src/base/random.ts";
import { WorkerLostError } from "../../src/base/worker-pool.node.ts";
import { openCheckpoint } from "../../src/checkpoint/read.ts";
import { npyBytes, readNpy } from "../../src/formats/npy.ts";
import { readNpz } from "../../src/formats/npz.ts";
import { readPickle } from "../../src/formats/pickle/read.ts";
import { plainRules } from "../../src/formats/pickle/rules.ts";
import { flattenTensors } from "../../src/formats/torch/flatten.ts";
import { zipChunks } from "../../src/formats/zip-write.ts";
import { shortSong } from "../../src/synth/short-song.ts";
import { fixtureBytes } from "../fixtures/audio.ts";
import { goldenPath } from "../fixtures/golden.ts";
import { damaged, oggRepaired } from "./damage.ts";
import { hostileFiles } from "./hostile.ts";

export interface FuzzTarget {
  readonly name: string;
  /** A damaged file. */
  make(rng: Rng): Promise<Uint8Array>;
  /** Opens it and reads all that is in it. Gives a word for how it went. */
  open(bytes: Uint8Array, signal?: AbortSignal): Promise<string>;
}

/** What came of a case. A finding is anything but a file that opened or was refused by one of our errors. */
export interface FuzzOutcome {
  readonly how: string;
  readonly finding?: string;
}

/** Case `seed` of a target: always the same bytes. */
export async function fuzzBytes(target: FuzzTarget, seed: number): Promise<Uint8Array> {
  let hash = 0x811c9dc5;
  for (const letter of target.name) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  return target.make(seeded(hash ^ Math.imul(seed + 1, 0x9e3779b1)));
}

export async function fuzzCase(target: FuzzTarget, seed: number, signal?: AbortSignal): Promise<FuzzOutcome> {
  const bytes = await fuzzBytes(target, seed);
  try {
    return { how: await target.open(bytes, signal) };
  } catch (error) {
    if (!(error instanceof OstinatoError)) return { how: "threw", finding: String((error as Error)?.stack ?? error) };
    if (/fuzz: an allocation/.test(error.message)) return { how: "allocation", finding: error.message };
    if (error.cause instanceof WorkerLostError) return { how: "worker lost" };
    const { fault } = error as { fault?: string };
    return { how: `refused: ${fault ?? error.name}` };
  }
}

const golden = (name: string) => new Uint8Array(readFileSync(goldenPath(name)));
const file = (name: string, bytes: Uint8Array, open: FuzzTarget["open"]): FuzzTarget => ({
  name,
  make: async (rng) => damaged(bytes, rng),
  open,
});

async function checkpoint(bytes: Uint8Array): Promise<string> {
  const opened = await openCheckpoint(memorySource(bytes, "case"));
  for (const name of opened.tensors.keys()) await opened.read(name);
  await opened.close();
  return `opened as ${opened.format}`;
}
async function pickle(bytes: Uint8Array): Promise<string> {
  flattenTensors(readPickle(bytes, plainRules, "case").value, "case");
  return "opened";
}
const npy = async (bytes: Uint8Array) => (await readNpy(memorySource(bytes, "case"))).dtype && "opened";
const npz = async (bytes: Uint8Array) => ((await readNpz(memorySource(bytes, "case"))).size >= 0 && "opened" ? "opened" : "empty");

/** As `embed` takes it: in a worker, mono at the model's rate. */
async function sound(bytes: Uint8Array, signal?: AbortSignal): Promise<string> {
  const input = { bytes, name: "case" };
  const { mends } = await runDecodeJob({ task: "load", input, crop: {}, sampleRateHz: 24_000 }, { signal });
  return mends.some((mend) => mend.includes("crashed")) ? "opened, decoder restarted" : mends.length > 0 ? "opened, mended" : "opened";
}

const good = "P_checkpoints/good";
export const checkpointTargets: readonly FuzzTarget[] = [
  file("safetensors", golden("P_checkpoints/safetensors/dtypes.safetensors"), checkpoint),
  file("torch zip", golden(`${good}/dtypes_views_torch2.pt`), checkpoint),
  file("torch 1.13 zip", golden(`${good}/pytorch_model_torch113.bin`), checkpoint),
  file("torch legacy", golden(`${good}/dtypes_views_legacy_torch2.pt`), checkpoint),
  file("torch protocol 4", golden(`${good}/protocol4.pt`), checkpoint),
  file("torch handmade", golden(`${good}/handmade_minimal.pt`), checkpoint),
  file("fairseq zip", golden(`${good}/fairseq_torch2.pt`), checkpoint),
  file("fairseq legacy", golden(`${good}/fairseq_legacy.pt`), checkpoint),
  { name: "hostile checkpoint", make: hostileFile, open: checkpoint },
  { name: "hostile pickle", make: hostileFile, open: pickle },
  { name: "checkpoint made to cost", make: costlyFile, open: checkpoint },
];

const wave = shortSong({ seconds: 0.3, sampleRateHz: 22_050, seed: 1 });
const matrix = npyBytes(hostTensor(Float32Array.from({ length: 60 }, Math.sin), [3, 4, 5]));
export const arrayTargets: readonly FuzzTarget[] = [
  file("npy", matrix, npy),
  file("npy of golden data", golden("E_cqt/sr16000_84bins/kernel_lengths.npy"), npy),
  // The archive is whole and the array in it is not: what its checksum would else hide.
  { name: "npz", make: async (rng) => (rng() < 0.5 ? damaged(await archive(matrix), rng) : archive(damaged(matrix, rng))), open: npz },
];

export const soundTargets: readonly FuzzTarget[] = [
  file("wav s16", encodeWav(wave), sound),
  file("wav f32", encodeWav(wave, { encoding: "f32" }), sound),
  file("mp3", fixtureBytes("music.mp3"), sound),
  { name: "flac", make: async (rng) => flacDamaged(fixtureBytes("music.flac"), rng), open: sound },
  ...["ogg", "opus"].map(
    (kind): FuzzTarget => ({
      name: kind,
      make: async (rng) => {
        const bytes = damaged(fixtureBytes(`music.${kind}`), rng);
        return rng() < 0.5 ? oggRepaired(bytes) : bytes;
      },
      open: sound,
    }),
  ),
];

export const fuzzTargets: readonly FuzzTarget[] = [...checkpointTargets, ...arrayTargets, ...soundTargets];

async function archive(array: Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of zipChunks([{ name: "array.npy", bytes: array.length, read: async () => array }])) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** One of the hostile files that are stored with their golden messages; half of the time damaged further. */
async function hostileFile(rng: Rng): Promise<Uint8Array> {
  const names = readdirSync(goldenPath("P_checkpoints/bad")).sort();
  const bytes = golden(`P_checkpoints/bad/${names[Math.floor(rng() * names.length)]!}`);
  return rng() < 0.5 ? bytes : damaged(bytes, rng);
}

/** A file that would take much memory or time; half of the time damaged as well. */
async function costlyFile(rng: Rng): Promise<Uint8Array> {
  const generators = Object.values(hostileFiles);
  const bytes = await generators[Math.floor(rng() * generators.length)]!(rng);
  return rng() < 0.5 ? bytes : damaged(bytes, rng);
}

let frames: Promise<FlacFrame[]> | undefined;

/** Half of the files are damaged anyhow, half within one frame whose checksums are set right, so that the damage reaches the decoder. */
async function flacDamaged(bytes: Uint8Array, rng: Rng): Promise<Uint8Array> {
  if (rng() < 0.5) return damaged(bytes, rng);
  frames ??= flacFrames(bytes);
  const all = await frames;
  const { at, bytes: frame } = all[Math.floor(rng() * all.length)]!;
  const out = bytes.slice();
  const place = out.subarray(at, at + frame.length);
  for (let count = 1 + Math.floor(4 * rng()); count > 0; count--) {
    const near = rng() < 0.5 ? 12 : place.length - 2;
    place[2 + Math.floor(rng() * (near - 2))]! = Math.floor(256 * rng());
  }
  // The header is 6 to 16 bytes long; its own check is put wherever the good frame has it.
  for (let end = 5; end < 16; end++) if (crc8(frame, 0, end) === frame[end]) place[end] = crc8(place, 0, end);
  let crc = 0;
  for (let i = 0; i < place.length - 2; i++) crc = crc16Step(crc, place[i]!);
  place.set([crc >> 8, crc & 255], place.length - 2);
  return out;
}

async function flacFrames(bytes: Uint8Array): Promise<FlacFrame[]> {
  const source = memorySource(bytes);
  const info = await readFlacInfo(source, 0);
  const all: FlacFrame[] = [];
  for await (const some of walkFlac(source, info.firstFrame, info, { skippedBytes: 0, cutFrame: false })) all.push(...some);
  return all;
}
