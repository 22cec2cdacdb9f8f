import { expect, test } from "vitest";
import { goldenArray, maxDifference } from "../../test/fixtures/golden.ts";
import { ConfigError } from "../base/errors.ts";
import { seeded } from "../base/random.ts";
import { type ResampleOptions, resample, resampler } from "./resample.ts";
import { concatSamples, downmix } from "./waveform.ts";

// Golden G comes from torchaudio 0.13.1; its float32 and float64 kernels differ by up to 7e-6, hence the tolerance of 2e-5.
const tolerance = 2e-5;
const golden = (name: string) => goldenArray(`G_resample/${name}.npy`).data;

test.each([
  [16_000, 24_000],
  [22_050, 24_000],
  [24_000, 16_000],
  [32_000, 24_000],
  [44_100, 16_000],
  [44_100, 24_000],
  [48_000, 16_000],
  [48_000, 24_000],
])("%i to %i Hz equals torchaudio's output", (from, to) => {
  for (const length of [1999, 2205]) {
    const expected = golden(`${from}_to_${to}/output_${length}`);
    expect(maxDifference(resample(golden(`${from}_to_${to}/input_${length}`), { from, to }), expected)).toBeLessThan(tolerance);
  }
});

test("inputs shorter than the filter equal torchaudio's output", () => {
  const rates = { from: 44_100, to: 24_000 };
  expect(maxDifference(resample(golden("short/input_1"), rates), golden("short/output1_44100_24000"))).toBeLessThan(tolerance);
  expect(maxDifference(resample(golden("short/input_37"), rates), golden("short/output_44100_24000"))).toBeLessThan(tolerance);
});

test("the mean of two channels, resampled, equals torchaudio's output", () => {
  const both = golden("stereo/input");
  const mono = downmix({ channels: [both.slice(0, both.length / 2), both.slice(both.length / 2)] });
  expect(maxDifference(resample(mono, { from: 44_100, to: 24_000 }), golden("stereo/mono_24000"))).toBeLessThan(tolerance);
});

test.each<[string, ResampleOptions]>([
  ["kaiser_16_0.85_beta8.555", { lowpassFilterWidth: 16, rolloff: 0.85, window: "kaiser", beta: 8.555504641634386 }],
  ["width64_rolloff0.9475", { lowpassFilterWidth: 64, rolloff: 0.9475937167399596 }],
])("other settings equal torchaudio's output: %s", (name, options) => {
  const out = resample(golden("other_settings/input"), { from: 48_000, to: 24_000, ...options });
  expect(maxDifference(out, golden(`other_settings/${name}`))).toBeLessThan(tolerance);
});

test("the output holds ceil(to * samples / from) samples", () => {
  for (const length of [0, 1, 2, 146, 147, 148, 44_100]) {
    expect(resample(new Float32Array(length), { from: 44_100, to: 24_000 })).toHaveLength(Math.ceil((24_000 * length) / 44_100));
  }
});

test("a stream of pieces of any size gives exactly the samples of the whole", () => {
  const rng = seeded(3);
  const whole = Float32Array.from({ length: 5000 }, () => 2 * rng() - 1);
  for (const [from, to] of [[44_100, 24_000] as const, [16_000, 24_000] as const, [48_000, 16_000] as const, [24_000, 24_000] as const]) {
    const stream = resampler({ from, to });
    const parts: Float32Array[] = [];
    for (let at = 0; at < whole.length; ) {
      const size = Math.floor(rng() * 300);
      parts.push(stream.push(whole.slice(at, at + size)));
      at += size;
    }
    parts.push(stream.flush());
    expect(maxDifference(concatSamples(parts), resample(whole, { from, to }))).toBe(0);
  }
});

test("a tone keeps its pitch and loudness", () => {
  const tone = (rate: number) => Float32Array.from({ length: rate }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / rate));
  const [out, expected] = [resample(tone(44_100), { from: 44_100, to: 24_000 }), tone(24_000)];
  expect(maxDifference(out.subarray(100, -100), expected.subarray(100, -100))).toBeLessThan(1e-3);
});

test("a rate that is not a whole number of hertz is refused", () => {
  expect(() => resample(new Float32Array(1), { from: 44_100.5, to: 24_000 })).toThrow(ConfigError);
  expect(() => resampler({ from: 0, to: 24_000 })).toThrow("from is 0");
});
