// Input: every form in which a program may hold audio, as a path, the bytes of a file, or samples.
import { fileURLToPath } from "node:url";
import { AudioError, ConfigError } from "../base/errors.ts";
import { shown } from "../base/shown.ts";

/** Decoded samples: mono, -1…1, at any rate. NaN and infinities count as 0, as they do in files. */
export interface Samples {
  readonly samples: Float32Array;
  readonly sampleRateHz: number;
}

/** The bytes of an audio file in memory; `name` is used in messages and provenance. */
export interface AudioBytes {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** Audio in any form: a path, a file URL, the bytes of a file (a Buffer, Uint8Array, ArrayBuffer or Blob, or a stream of them), or samples. */
export type AudioSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | AudioBytes
  | Samples;

/** Audio by path, as bytes, or as samples. */
export type OpenedSource = { readonly path: string } | AudioBytes | Samples;

/** Most bytes that are read from a stream. */
const longestStreamBytes = 2 ** 31;

/** Rates of samples, as of files: see `openAudio`. */
const rates = { lowestHz: 1000, highestHz: 1_600_000 };

const accepted =
  "Give a path, a file URL, the bytes of an audio file (Buffer, Uint8Array, ArrayBuffer, Blob or a ReadableStream of bytes), " +
  "or { samples, sampleRateHz } with a Float32Array of mono samples.";

/** Reads Blobs and streams into memory; leaves files to the decoder.
 *  @throws ConfigError for anything that is no audio, with what is accepted; AudioError for a stream of over 2 GiB. */
export async function openSource(input: AudioSource): Promise<OpenedSource> {
  if (typeof input === "string") return { path: pathOf(input) };
  if (input instanceof URL) return { path: pathOf(input.href) };
  if (input instanceof Uint8Array) return { bytes: input, name: "the audio given as bytes" };
  if (input instanceof ArrayBuffer) return { bytes: new Uint8Array(input), name: "the audio given as bytes" };
  if (input instanceof Blob) {
    return { bytes: new Uint8Array(await input.arrayBuffer()), name: (input as Partial<File>).name ?? "the Blob" };
  }
  if (typeof input === "object" && input !== null) {
    if ("samples" in input || "sampleRateHz" in input) return checkedSamples(input as Partial<Samples>);
    if ("bytes" in input && input.bytes instanceof Uint8Array && typeof input.name === "string") return input;
    if (Symbol.asyncIterator in input) return { bytes: await readStream(input), name: "the stream" };
  }
  throw new ConfigError(`The audio is ${describe(input)}. ${accepted}`);
}

/** @throws ConfigError for an address of the network, with the line that fetches it. */
function pathOf(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  if (text === "") throw new ConfigError(`The audio is an empty path. ${accepted}`);
  if (scheme === "file") return fileURLToPath(text);
  if (scheme === "http" || scheme === "https") {
    throw new ConfigError(
      `Audio is not fetched from an address. Fetch ${shown(text)} first and give the Blob: await (await fetch(${JSON.stringify(text)})).blob().`,
    );
  }
  if (scheme === "blob" || scheme === "data" || /^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw new ConfigError(`The audio is the address ${shown(text)}, which this library can't open. ${accepted}`);
  }
  return text;
}

function checkedSamples({ samples, sampleRateHz }: Partial<Samples>): Samples {
  const given: unknown = samples;
  if (!(samples instanceof Float32Array)) {
    const remedy = given instanceof Int16Array ? " Convert them: Float32Array.from(samples, (sample) => sample / 32768)." : "";
    throw new ConfigError(`samples is ${describe(given)}. Give a Float32Array of mono samples from -1 to 1.${remedy}`);
  }
  if (typeof sampleRateHz !== "number" || !(sampleRateHz >= rates.lowestHz && sampleRateHz <= rates.highestHz)) {
    throw new ConfigError(
      `sampleRateHz is ${shown(sampleRateHz)}. Give the rate of the samples in hertz, from ${rates.lowestHz} to ${rates.highestHz}.`,
    );
  }
  if (samples.length === 0) throw new ConfigError("The waveform has no samples. Give at least one frame of audio.");
  return { samples, sampleRateHz };
}

async function readStream(stream: AsyncIterable<unknown>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array))
      throw new ConfigError(`The stream gives ${describe(chunk)}. Give a stream of the bytes of an audio file.`);
    length += chunk.length;
    if (length > longestStreamBytes) throw new AudioError("The stream has over 2 GiB. Write it to a file and give the path.");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks, length));
}

/** What somebody gave instead of audio, and the remedy where it is a usual mistake. */
function describe(value: unknown): string {
  if (value instanceof Float32Array) return "a Float32Array without a sample rate; write { samples, sampleRateHz }";
  if (Array.isArray(value)) return `an array of ${value.length}; embedMany takes several inputs`;
  if (value instanceof Promise) return "a Promise; await it first";
  if (value instanceof Response) return "a Response; give await response.blob()";
  if (typeof value === "object" && value !== null && "channels" in value)
    return "an object with channels; mix them down: downmix(waveform)";
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`.replace(/^a (?=[AEIOU])/, "an ");
  return shown(value);
}
