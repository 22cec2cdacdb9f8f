// A small corpus whose samples and codes tell where they stand: tests of loaders read off which crop they were given.
import { dirname } from "node:path";
import { encodeWav } from "../../src/audio/wav.ts";
import type { LabelSet, Manifest } from "../../src/data/corpus.ts";
import { temporaryFolder } from "../audio/fixtures.ts";

export const sampleRateHz = 8000;
const rateHz = 50;

/** Sample i of a clip. */
export const sampleOf = (clip: number, i: number) => Math.fround(clip / 64 + i / 2 ** 20);
/** The code of a frame. */
export const codeOf = (clip: number, codebook: number, frame: number) => 500 * clip + 250 * codebook + frame;

export interface TestCorpus {
  readonly root: string;
  readonly manifest: Manifest;
  readonly labels: LabelSet;
  /** Puts a file of other bytes in the place of a clip's, or a shorter one. */
  spoil(clip: number, bytes: Uint8Array | string): void;
  remove(): void;
}

/** Clips of the given lengths as 32-bit wav files in a temporary folder, with two codebooks at 50 frames a second. */
export function testCorpus(lengths: readonly number[]): TestCorpus {
  const folder = temporaryFolder();
  let root = "";
  for (const [clip, length] of lengths.entries()) root = dirname(folder.write(`${clip}.wav`, clipBytes(clip, length)));
  const manifest = { root, sampleRateHz, clips: lengths.map((samples, clip) => ({ path: `${clip}.wav`, samples })) };
  const labels: LabelSet = {
    stamp: { teacher: "test", teacherHash: "00", codebooks: 2, codebookSize: 2 ** 15, rateHz, sampleRateHz, manifestHash: "00" },
    clips: lengths.length,
    frames: (clip) => Math.floor((lengths[clip]! * rateHz) / sampleRateHz),
    read: (clip, start, count) =>
      Int32Array.from({ length: 2 * count }, (_, i) => codeOf(clip, Math.floor(i / count), start + (i % count))),
  };
  return { root, manifest, labels, spoil: (clip, bytes) => void folder.write(`${clip}.wav`, bytes), remove: folder.remove };
}

/** A clip's wav file. */
export function clipBytes(clip: number, length: number): Uint8Array {
  const channels = [Float32Array.from({ length }, (_, i) => sampleOf(clip, i))];
  return encodeWav({ sampleRateHz, channels }, { encoding: "f32" });
}
