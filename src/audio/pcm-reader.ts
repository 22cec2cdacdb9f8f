// PCM reader: any range of samples of an uncompressed file, by seeking.
import type { ByteSource } from "../base/byte-source.ts";
import type { AudioFormat, AudioReader } from "./audio-reader.ts";
import { inSeconds, UnreadableAudioError } from "./faults.ts";
import { decodePcm, type PcmEncoding, pcmBytes } from "./pcm.ts";

/** Where the samples of an uncompressed file lie. */
export interface PcmLayout {
  readonly format: AudioFormat;
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly encoding: PcmEncoding;
  readonly littleEndian: boolean;
  readonly dataOffset: number;
  /** Bytes of samples according to the header; undefined when it does not state them. */
  readonly dataBytes: number | undefined;
}

const framesAtOnce = 65_536;

/** @throws UnreadableAudioError for a rate or a number of channels that no recording has. */
export function pcmReader(source: ByteSource, layout: PcmLayout): AudioReader {
  const { format, sampleRateHz, channels, encoding, dataOffset } = layout;
  if (!(sampleRateHz > 0) || !(channels > 0) || channels > 1024) {
    throw new UnreadableAudioError(
      "corrupt",
      `${source.name} is ${format} with ${channels} channels at ${sampleRateHz} Hz: its header is corrupt.`,
    );
  }
  const frameBytes = channels * pcmBytes[encoding];
  const present = Math.max(0, source.size - dataOffset);
  const promised = layout.dataBytes ?? present;
  const samples = Math.floor(Math.min(present, promised) / frameBytes);
  const mends: string[] = [];
  if (promised > present) {
    mends.push(
      `truncated after ${inSeconds(samples, sampleRateHz)}: the header promises ${inSeconds(promised / frameBytes, sampleRateHz)}`,
    );
  }
  return {
    format,
    sampleRateHz,
    channels,
    samples,
    mends,
    async *read({ start, end }) {
      const last = Math.min(end, samples);
      for (let at = start; at < last; at += framesAtOnce) {
        const count = Math.min(framesAtOnce, last - at);
        yield decodePcm(await source.read(dataOffset + at * frameBytes, count * frameBytes), layout);
      }
    },
  };
}
