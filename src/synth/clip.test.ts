import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { encodeWav } from "../audio/wav.ts";
import { downmix, peak } from "../audio/waveform.ts";
import { planClip, splitOf, styleOf, synthVersion } from "./clip.ts";
import { patchesOf } from "./instruments.ts";
import { spectrogram } from "./spectrum.ts";
import { styleNames } from "./styles.ts";

const sampleRateHz = 16_000;
const clips = Array.from({ length: 24 }, (_, index) => {
  const clip = planClip({ seed: 11, index, seconds: 10, sampleRateHz });
  return { ...clip, waveform: clip.render() };
});

/** Of version 1. A change of it is a change of the generator: raise the version, and say so in the changelog. */
const frozen = "96495292c03d119911cfacb752cc49b12a614b3aa05e94391cd948294c860cdc";

test("the same version, seed, number and rate give the same bytes", () => {
  const hash = createHash("sha256");
  for (const index of [9, 0, 3, 5, 6, 7, 1, 2, 4, 8]) {
    const { label, render } = planClip({ seed: 7, index, seconds: 3, sampleRateHz });
    hash.update(JSON.stringify(label)).update(encodeWav(render()));
  }
  expect(synthVersion).toBe(1);
  expect(hash.digest("hex")).toBe(frozen);
});

test("a clip does not depend on those made before it", () => {
  const again = planClip({ seed: 11, index: 4, seconds: 10, sampleRateHz }).render();
  expect(maxDifference(again.channels[0]!, clips[4]!.waveform.channels[0]!)).toBe(0);
  expect(maxDifference(again.channels[0]!, clips[5]!.waveform.channels[0]!)).toBeGreaterThan(0.01);
});

test("every part of the corpus meets every style alike within eighty clips", () => {
  const seen = new Map<string, number>();
  for (let index = 0; index < 80; index++) {
    const key = `${splitOf(index)} ${styleOf(index)}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  for (const style of styleNames) {
    expect(["train", "valid", "test"].map((split) => seen.get(`${split} ${style}`))).toEqual([6, 1, 1]);
  }
});

test("every patch of a clip belongs to its part of the corpus", () => {
  for (const { label } of clips) {
    for (const { patch } of label.players) expect(patchesOf(label.split)).toContain(patch);
  }
});

test("labels agree with each other: beats keep the tempo, bars hold their beats, chords and sections fill the clip", () => {
  for (const { label } of clips) {
    const gaps = label.beats.slice(1).map((beat, i) => beat - label.beats[i]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    expect(60 / mean / label.beatsPerMinute).toBeCloseTo(1, 1);
    const first = label.beats.indexOf(label.downbeats[0]!);
    expect(label.downbeats).toEqual(label.beats.filter((_, i) => i >= first && (i - first) % label.beatsPerBar === 0));
    for (const spans of [label.chords, label.sections]) {
      expect(spans[0]!.startSeconds).toBe(0);
      expect(spans.at(-1)!.endSeconds).toBe(10);
      spans.slice(1).forEach((span, i) => {
        expect(span.startSeconds).toBe(spans[i]!.endSeconds);
      });
    }
  }
});

test("a clip has the loudness it drew, stays below full scale, and is never silent for a second", () => {
  for (const { take, waveform } of clips) {
    const mono = downmix(waveform);
    const rms = Math.sqrt(mono.reduce((sum, value) => sum + value * value, 0) / mono.length);
    expect(Math.abs(20 * Math.log10(rms) - take.recording.loudnessDecibels)).toBeLessThan(0.5);
    expect(peak(waveform)).toBeLessThan(1);
    for (let at = 0; at + sampleRateHz <= mono.length; at += sampleRateHz) {
      expect(peak({ channels: [mono.subarray(at, at + sampleRateHz)] })).toBeGreaterThan(0.003);
    }
  }
});

test("sound begins on the labelled beats far more than between them", () => {
  const ratios = clips.slice(0, 16).map(({ label, waveform }) => {
    const [size, hop] = [512, 256];
    const { frames, bins, values } = spectrogram(downmix(waveform), size, hop);
    const flux = new Float64Array(frames);
    for (let i = bins; i < values.length; i++) {
      const rise = Math.log1p(50 * values[i]!) - Math.log1p(50 * values[i - bins]!);
      if (rise > 0) flux[Math.floor(i / bins)]! += rise;
    }
    const around = (seconds: number) => {
      const frame = Math.round((seconds * sampleRateHz - size / 2) / hop);
      return Math.max(0, ...flux.subarray(Math.max(0, frame - 2), Math.max(0, frame + 3)));
    };
    const between = label.beats.slice(1).map((beat, i) => label.beats[i]! + 0.37 * (beat - label.beats[i]!));
    return label.beats.reduce((sum, beat) => sum + around(beat), 0) / between.reduce((sum, beat) => sum + around(beat), 1e-9);
  });
  expect(ratios.filter((ratio) => ratio > 2).length / ratios.length).toBeGreaterThan(0.75);
});

/** Krumhansl and Kessler's probe-tone profiles (1982). */
const profiles = {
  major: [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
  minor: [6.33, 2.68, 3.52, 5.38, 2.6, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17],
};

test("the key that plain chroma suggest is the labelled one far more often than chance, one in 24", () => {
  const right = clips.filter(({ label, waveform }) => {
    const { frames, bins, values } = spectrogram(downmix(waveform), 4096, 2048);
    const chroma = new Float64Array(12);
    for (let frame = 0; frame < frames; frame++) {
      for (let k = 14; k < 500; k++) {
        const at = frame * bins + k;
        const peaks = values[at]! > values[at - 1]! && values[at]! > values[at + 1]!;
        const pitch = Math.round(12 * Math.log2((k * sampleRateHz) / 4096 / 440) + 69) % 12;
        if (peaks) chroma[pitch]! += Math.sqrt(values[at]!);
      }
    }
    const fits = (["major", "minor"] as const).flatMap((mode) =>
      Array.from({ length: 12 }, (_, tonic) => ({
        mode,
        tonic,
        fit: correlation(
          Array.from({ length: 12 }, (_, i) => chroma[(i + tonic) % 12]!),
          profiles[mode],
        ),
      })),
    );
    const best = fits.reduce((a, b) => (b.fit > a.fit ? b : a));
    return best.mode === label.mode && best.tonic === label.tonic;
  });
  expect(right.length / clips.length).toBeGreaterThan(0.3);
});

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (x: readonly number[]) => x.reduce((sum, value) => sum + value, 0) / x.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const dot = (x: readonly number[], middleX: number, y: readonly number[], middleY: number) =>
    x.reduce((sum, value, i) => sum + (value - middleX) * (y[i]! - middleY), 0);
  return dot(a, meanA, b, meanB) / Math.sqrt(dot(a, meanA, a, meanA) * dot(b, meanB, b, meanB));
}
