import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { encodeWav } from "../audio/wav.ts";
import { downmix, peak, type Waveform } from "../audio/waveform.ts";
import { patchesOf } from "./instruments.ts";
import { clipSpans, emotionSeconds, planSong, songSeconds, splitOf, styleOf, synthVersion } from "./song.ts";
import { spectrogram } from "./spectrum.ts";
import { styleNames } from "./styles.ts";

const sampleRateHz = 16_000;
const clipSeconds = 8;
const songs = Array.from({ length: 16 }, (_, song) => {
  const planned = planSong({ seed: 11, song, clipSeconds, sampleRateHz });
  return { planned, waveform: planned.render() };
});
const clips = songs.flatMap(({ planned, waveform }) =>
  planned.clips(0).map((label) => {
    const [from, to] = [label.startSeconds, label.startSeconds + label.seconds].map((time) => Math.round(time * sampleRateHz));
    return { planned, label, waveform: { sampleRateHz, channels: waveform.channels.map((channel) => channel.subarray(from, to)) } };
  }),
);

/** Of version 2. A change of it is a change of the generator: raise the version, and say so in the changelog. */
const frozen = "1adacc1d189f2a4807aebbc39be012b8fd1f1f9a756e8aed15cd09ef5dffdf99";

test("the same version, seed, number, clip length and rate give the same bytes", () => {
  const hash = createHash("sha256");
  for (const song of [9, 0, 3, 5, 6, 7, 1, 2, 4, 8]) {
    const planned = planSong({ seed: 7, song, clipSeconds: 2, sampleRateHz });
    hash.update(JSON.stringify([planned.clips(5), planned.emotion()])).update(encodeWav(planned.render()));
  }
  expect(synthVersion).toBe(2);
  expect(hash.digest("hex")).toBe(frozen);
});

test("a song does not depend on those made before it", () => {
  const again = planSong({ seed: 11, song: 4, clipSeconds, sampleRateHz }).render();
  expect(maxDifference(again.channels[0]!, songs[4]!.waveform.channels[0]!)).toBe(0);
  const [length, other] = [again.channels[0]!.length, songs[5]!.waveform.channels[0]!];
  const shared = Math.min(length, other.length);
  expect(maxDifference(again.channels[0]!.subarray(0, shared), other.subarray(0, shared))).toBeGreaterThan(0.01);
});

test("every split has all styles equally often within eighty songs", () => {
  const seen = new Map<string, number>();
  for (let song = 0; song < 80; song++) {
    const key = `${splitOf(song)} ${styleOf(song)}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  for (const style of styleNames) {
    expect(["train", "valid", "test"].map((split) => seen.get(`${split} ${style}`))).toEqual([6, 1, 1]);
  }
});

test("songs last 36 to 150 s and have one to five clips, of which only the last may be shorter than 30 s", () => {
  const counts = new Set<number>();
  for (let song = 0; song < 200; song++) {
    const seconds = songSeconds({ seed: 3, song, clipSeconds: 30 });
    expect(seconds).toBeGreaterThanOrEqual(36);
    expect(seconds).toBeLessThanOrEqual(150);
    const spans = clipSpans(seconds, 30);
    counts.add(spans.length);
    spans.forEach((span, i) => {
      expect(span.startSeconds).toBe(30 * i);
      if (i < spans.length - 1) expect(span.seconds).toBe(30);
      else expect(span.seconds).toBeGreaterThanOrEqual(10);
    });
    expect(seconds - spans.at(-1)!.startSeconds - spans.at(-1)!.seconds).toBeLessThan(10);
  }
  expect([...counts].sort()).toEqual([1, 2, 3, 4, 5]);
  expect([emotionSeconds(36, 30), emotionSeconds(120, 30)]).toEqual([36, 45]);
});

test("the clips of a song have its key, tempo and artists, and moods of their own", () => {
  const several = songs.map(({ planned }) => planned.clips(0)).filter((labels) => labels.length > 2);
  expect(several.length).toBeGreaterThan(4);
  for (const labels of several) {
    expect(
      new Set(labels.map(({ key, beatsPerMinute, artists, title, song }) => JSON.stringify([key, beatsPerMinute, artists, title, song])))
        .size,
    ).toBe(1);
    expect(new Set(labels.map(({ mood }) => mood.arousal)).size).toBeGreaterThan(1);
  }
});

test("every patch of a clip belongs to its split", () => {
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
      expect(spans.at(-1)!.endSeconds).toBe(label.seconds);
      spans.slice(1).forEach((span, i) => {
        expect(span.startSeconds).toBe(spans[i]!.endSeconds);
      });
    }
  }
});

test("a clip, the last one with the rest of the song, has the loudness drawn for it, stays below full scale, and is never silent for a second", () => {
  for (const { planned, label, waveform: clip } of clips) {
    const last = label.clip === planned.clips(0).length - 1;
    const from = Math.round(label.startSeconds * sampleRateHz);
    const whole = songs[Number(label.song)]!.waveform.channels;
    const waveform: Waveform = last ? { sampleRateHz, channels: whole.map((channel) => channel.subarray(from)) } : clip;
    const mono = downmix(waveform);
    const rms = Math.sqrt(mono.reduce((sum, value) => sum + value * value, 0) / mono.length);
    expect(Math.abs(20 * Math.log10(rms) - planned.take.recording.loudnessDecibels)).toBeLessThan(0.5);
    expect(peak(waveform)).toBeLessThan(1);
    for (let at = 0; at + sampleRateHz <= mono.length; at += sampleRateHz) {
      expect(peak({ channels: [mono.subarray(at, at + sampleRateHz)] })).toBeGreaterThan(0.003);
    }
  }
});

test("sound begins on the labelled beats far more than between them", () => {
  const ratios = clips.slice(0, 24).map(({ label, waveform }) => {
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
