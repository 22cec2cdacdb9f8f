// Fingerprints: copies are recognised however they were encoded, and different recordings are not.
import { describe, expect, test } from "vitest";
import { fixturePath } from "../../test/fixtures/audio.ts";
import { fillGaussian, seeded } from "../base/random.ts";
import { shortSong } from "../synth/short-song.ts";
import { fingerprint, fingerprintRateHz, indexFingerprints, matchFingerprints, sameRecording } from "./fingerprint.ts";
import { loadAudio } from "./load.node.ts";
import { powerSpectrum } from "./power-spectrum.ts";
import { downmix } from "./waveform.ts";

const rateHz = 24_000;
const song = (seed: number, seconds = 12) => downmix(shortSong({ seconds, seed, sampleRateHz: rateHz }));
const fixture = async (name: string, sampleRateHz: number) =>
  fingerprint((await loadAudio(fixturePath(name), { sampleRateHz })).samples, sampleRateHz);
const songs = Array.from({ length: 10 }, (_, seed) => song(seed));
const prints = songs.map((samples) => fingerprint(samples, rateHz));

test("the power spectrum equals the sum by definition", () => {
  const rng = seeded(1);
  const [a, b] = [Float64Array.from({ length: 16 }, rng), Float64Array.from({ length: 16 }, rng)];
  const power = [new Float64Array(9), new Float64Array(9)] as const;
  powerSpectrum(16).pair(a, b, power[0], power[1]);
  for (const [signal, values] of [
    [a, power[0]],
    [b, power[1]],
  ] as const) {
    for (let k = 0; k <= 8; k++) {
      const sum = (of: (angle: number) => number) => signal.reduce((total, x, i) => total + x * of((2 * Math.PI * i * k) / 16), 0);
      expect(values[k]).toBeCloseTo(sum(Math.cos) ** 2 + sum(Math.sin) ** 2, 10);
    }
  }
});

describe("one recording is recognised", () => {
  test.each(["music.mp3", "music.ogg", "music.opus"])("re-encoded, at other sample rates: %s", async (name) => {
    const original = await fixture("music.flac", 44_100);
    for (const sampleRateHz of [44_100, 24_000, 16_000]) {
      const match = matchFingerprints(original, await fixture(name, sampleRateHz));
      expect(match!.bitErrorRate).toBeLessThan(0.1);
      expect(Math.abs(match!.offsetSeconds)).toBeLessThan(0.03);
    }
  });

  test("louder, quieter, and with noise 20 dB below it", () => {
    const noise = fillGaussian(seeded(3), new Float32Array(songs[0]!.length));
    const rms = Math.sqrt(songs[0]!.reduce((sum, x) => sum + x * x, 0) / noise.length);
    for (const change of [(x: number) => 0.01 * x, (x: number) => 3 * x, (x: number, i: number) => x + 0.1 * rms * noise[i]!]) {
      expect(matchFingerprints(prints[0]!, fingerprint(songs[0]!.map(change), rateHz))!.bitErrorRate).toBeLessThan(sameRecording);
    }
  });

  test("trimmed at both ends, with the seconds that were cut", () => {
    const cut = songs[1]!.subarray(Math.round(2.345 * rateHz), 9 * rateHz);
    const match = matchFingerprints(prints[1]!, fingerprint(cut, rateHz))!;
    expect(match.bitErrorRate).toBeLessThan(0.1);
    expect(match.offsetSeconds).toBeCloseTo(2.345, 1);
  });

  test("in an index of many, from an excerpt of three seconds at another gain", () => {
    const index = indexFingerprints(prints);
    for (const [i, samples] of songs.entries()) {
      const excerpt = samples.subarray(4.01 * rateHz, 7.01 * rateHz).map((x) => 0.3 * x);
      expect(index.find(fingerprint(excerpt, rateHz))?.index).toBe(i);
    }
  });
});

describe("different recordings are not taken for one:", () => {
  test("songs of one generator, in pairs and in an index", () => {
    for (let i = 0; i < prints.length; i++) {
      for (let j = 0; j < i; j++) expect(matchFingerprints(prints[i]!, prints[j]!)!.bitErrorRate).toBeGreaterThan(1.5 * sameRecording);
    }
    const index = indexFingerprints(prints);
    for (let seed = 100; seed < 103; seed++) expect(index.find(fingerprint(song(seed), rateHz))).toBeUndefined();
  });

  test("noise, and clips that agree only in their silence", () => {
    const noises = [5, 6].map((seed) => fingerprint(fillGaussian(seeded(seed), new Float32Array(5 * rateHz)), rateHz));
    expect(matchFingerprints(noises[0]!, noises[1]!)!.bitErrorRate).toBeGreaterThan(0.4);
    const quiet = songs.slice(0, 2).map((samples) => samples.map((x, i) => (i < 8 * rateHz ? 0 : x)));
    const [a, b] = quiet.map((samples) => fingerprint(samples, rateHz));
    expect(matchFingerprints(a!, b!)!.bitErrorRate).toBeGreaterThan(1.5 * sameRecording);
    expect(indexFingerprints([a!]).find(b!)).toBeUndefined();
  });
});

test("silence and clips of less than a frame have no words to match", () => {
  expect(fingerprint(new Float32Array(1000), rateHz)).toHaveLength(0);
  const silent = fingerprint(new Float32Array(5 * rateHz), rateHz);
  expect(silent.every((word) => word === 0)).toBe(true);
  expect(silent.length / fingerprintRateHz).toBeCloseTo(5, 0);
  expect(matchFingerprints(silent, silent)).toBeUndefined();
  expect(matchFingerprints(prints[0]!, new Uint32Array(0))).toBeUndefined();
});
