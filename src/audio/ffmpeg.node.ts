// ffmpeg: decodes formats that this library does not decode itself, by the installed program.
import { spawn } from "node:child_process";
import { memorySource } from "../base/byte-source.ts";
import { type AudioFormat, type AudioReader, cutToRange } from "./audio-reader.ts";
import { UnreadableAudioError } from "./faults.ts";
import { decodePcm } from "./pcm.ts";
import type { PcmLayout } from "./pcm-reader.ts";
import { wavLayout } from "./wav.ts";

/** Opens a file with the `ffmpeg` on the PATH. Excerpts are decoded from the beginning, because ffmpeg's seeking is not exact to the
 *  sample.
 *  @throws `refusal` when there is no ffmpeg, UnreadableAudioError when it can't decode the file. */
export async function openFfmpeg(
  path: string,
  format: AudioFormat,
  { refusal, name = path }: { refusal: UnreadableAudioError; name?: string },
): Promise<AudioReader> {
  const mends: string[] = [];
  const file = { path, name, refusal, mends };
  const first = ffmpegPieces(file, ["-t", "0.1"]);
  const opened = await first.next();
  await first.return(undefined);
  if (opened.done) throw new UnreadableAudioError("corrupt", `${name} is ${format}, but ffmpeg finds no audio in it.`);
  const { sampleRateHz, channels } = opened.value;
  mends.length = 0; // the full decode reports them again
  return {
    format,
    sampleRateHz,
    channels: channels.length,
    mends,
    read: (range) => cutToRange(channelsOf(ffmpegPieces(file)), 0, range),
  };
}

interface FfmpegInput {
  readonly path: string;
  /** The name of the file in messages. */
  readonly name: string;
  /** The error to throw where there is no ffmpeg. */
  readonly refusal: UnreadableAudioError;
  readonly mends: string[];
}

interface Piece {
  readonly sampleRateHz: number;
  readonly channels: Float32Array[];
}

async function* channelsOf(pieces: AsyncIterable<Piece>): AsyncGenerator<Float32Array[]> {
  for await (const { channels } of pieces) yield channels;
}

/** Runs ffmpeg and reads the float WAV it writes; the WAV header gives rate and channels. */
async function* ffmpegPieces({ path, name, refusal, mends }: FfmpegInput, limit: string[] = []): AsyncGenerator<Piece> {
  // Only plain files: a playlist must not make ffmpeg fetch from elsewhere.
  const input = ["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i", `file:${path}`, ...limit];
  const output = ["-map", "0:a:0", "-map_metadata", "-1", "-c:a", "pcm_f32le", "-bitexact", "-f", "wav", "pipe:1"];
  const child = spawn("ffmpeg", [...input, ...output], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => reject(error.code === "ENOENT" ? withAdvice(refusal) : error));
    child.once("close", () => resolve());
  });
  ended.catch(() => {}); // awaited after the output has been read
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    if (complaints.length < 10_000) complaints += text;
  });

  let held = new Uint8Array(0);
  let layout: PcmLayout | undefined;
  const take = async (): Promise<Piece> => {
    if (layout === undefined) {
      layout = await wavLayout(memorySource(held, path));
      held = held.slice(layout.dataOffset);
    }
    const frameBytes = 4 * layout.channels;
    const whole = held.length - (held.length % frameBytes);
    const channels = decodePcm(held.subarray(0, whole), layout);
    held = held.slice(whole);
    return { sampleRateHz: layout.sampleRateHz, channels };
  };
  try {
    for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
      held = Uint8Array.from(Buffer.concat([held, chunk]));
      if (layout !== undefined || held.length >= headerRoom) yield await take();
    }
    if (layout === undefined && held.length > 0) yield await take();
    await ended;
  } catch (error) {
    await ended; // a missing ffmpeg is the error to report
    throw error;
  } finally {
    child.kill();
  }
  const lines = [
    ...new Set(
      complaints.split("\n").map((line) =>
        line
          .replace(/^\[.*?\] /, "")
          .replaceAll(`file:${path}`, name)
          .trim(),
      ),
    ),
  ].filter((line) => line !== "");
  if (layout === undefined) {
    throw new UnreadableAudioError("corrupt", `${name} can't be decoded by ffmpeg: ${lines.at(-1) ?? "it decodes no samples"}.`);
  }
  mends.push(...lines.slice(0, 5).map((line) => `ffmpeg: ${line}`));
}

/** The error of a file that only ffmpeg decodes, with how to install it. In a browser, where this does not apply, the error stays as it is. */
function withAdvice({ fault, message }: UnreadableAudioError): UnreadableAudioError {
  return new UnreadableAudioError(fault, `${message} Or install ffmpeg, which decodes it (apt-get install ffmpeg).`);
}

/** Enough bytes for the WAV header that ffmpeg writes. */
const headerRoom = 256;
