// Crop worker: reads and decodes the crops of a job one after another in a thread. A crop that fails becomes a reason; the others continue.

import { loadReader } from "../../audio/load.ts";
import { withAudio } from "../../audio/open.node.ts";
import { type ByteSource, chunkedSource, sectionSource } from "../../base/byte-source.ts";
import { FormatError, messageOf } from "../../base/errors.ts";
import { fileSource } from "../../base/files.node.ts";
import { httpSource } from "../../base/http-source.ts";
import { recent } from "../../base/recent.ts";
import { serveJobs } from "../../base/worker-pool.node.ts";
import { parseNpy } from "../../formats/npy.ts";
import type { CropAnswer, CropJob, CropRequest, LabelFrames } from "./crop-job.ts";

// The WASM decoders log faults that are reported as mends.
console.error = () => {};

/** A crop that is shorter by at most this is padded with silence: the exact length of resampled audio and of mp3 is known only after decoding. */
const toleranceSeconds = 0.01;
/** Bytes of one http request for a part of a shard. */
const chunkBytes = 1 << 22;
const openShards = 4;

let headers: Readonly<Record<string, string>> = {};

/** Most crops of a job lie in the same shard. */
const shards = recent<ByteSource>({ kept: openShards, dispose: (shard) => shard.close() });

async function openShard(file: string): Promise<ByteSource> {
  return /^https?:/.test(file) ? chunkedSource(await httpSource(file, { headers }), chunkBytes) : fileSource(file);
}

serveJobs<CropJob, CropAnswer[]>(async ({ crops, sampleRateHz, headers: sent = {} }, cx) => {
  headers = sent;
  const answers: CropAnswer[] = [];
  for (const crop of crops) {
    answers.push(await readCrop(crop, sampleRateHz, cx.alive).catch((error: unknown) => ({ reason: messageOf(error) })));
    cx.alive();
  }
  const buffers = answers.flatMap((answer) => ("reason" in answer ? [] : [answer.samples.buffer as ArrayBuffer]));
  return { value: answers, transfer: [...new Set(buffers)] };
});

async function readCrop(crop: CropRequest, sampleRateHz: number, alive: () => void): Promise<CropAnswer> {
  const { file, at, name } = crop;
  if (at === undefined) {
    const source = await fileSource(file);
    try {
      return { samples: await decodeCrop(source, file, crop, sampleRateHz, alive) };
    } finally {
      await source.close();
    }
  }
  const read = async (shard: ByteSource) => {
    const samples = await decodeCrop(sectionSource(shard, at.offset, at.bytes, name), undefined, crop, sampleRateHz, alive);
    return crop.labels === undefined ? { samples } : { samples, labels: await readLabels(shard, crop.labels, name) };
  };
  return shards.use(file, () => openShard(file), read);
}

async function decodeCrop(
  source: ByteSource,
  path: string | undefined,
  { name, start, samples }: CropRequest,
  sampleRateHz: number,
  alive: () => void,
): Promise<Float32Array> {
  const crop = { startSeconds: start / sampleRateHz, seconds: samples / sampleRateHz, sampleRateHz };
  const loaded = (await withAudio(source, path, (reader) => loadReader(reader, name, crop, alive))).samples;
  if (loaded.length < samples - toleranceSeconds * sampleRateHz) {
    throw new FormatError(
      `${name} ends ${samples - loaded.length} samples before its crop of ${samples} from ${start} on does: it is shorter than its manifest says. Prepare the manifest again.`,
    );
  }
  const exact = new Float32Array(samples);
  exact.set(loaded.subarray(0, samples));
  return exact;
}

async function readLabels(shard: ByteSource, at: NonNullable<CropRequest["labels"]>, name: string): Promise<LabelFrames> {
  const { dtype, shape, bytes } = parseNpy(await shard.read(at.offset, at.bytes), `${name}'s labels`);
  const [codebooks = 0, frames = 0] = shape;
  const width = dtype === "int32" ? 4 : 2;
  if (shape.length !== 2 || (dtype !== "int32" && dtype !== "int16")) {
    throw new FormatError(
      `${name}'s labels are ${dtype} [${shape}] instead of int16 or int32 [codebooks, frames]. Write the shards again.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.max(0, Math.min(at.count, frames - at.start));
  const codes = new Int32Array(codebooks * count);
  for (let k = 0; k < codebooks; k++) {
    for (let t = 0; t < count; t++) {
      const from = (k * frames + at.start + t) * width;
      codes[k * count + t] = width === 4 ? view.getInt32(from, true) : view.getInt16(from, true);
    }
  }
  return { codes, codebooks, frames, start: at.start };
}
