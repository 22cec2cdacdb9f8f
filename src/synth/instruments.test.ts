import { expect, test } from "vitest";
import { seeded } from "../base/random.ts";
import { splits } from "./harmony.ts";
import { instrumentNames, patchesOf, voiceOf } from "./instruments.ts";
import { hann, transform } from "./spectrum.ts";

const sampleRateHz = 24_000;
const bassy = new Set(["electric bass", "upright bass", "synth bass", "sub bass", "cello"]);

/** How many cents the strongest of the first four harmonics is off. */
function centsOff(samples: Float32Array, hertz: number): number {
  const size = 8192;
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < size; i++) real[i] = samples[i + 1200]! * hann(size)[i]!;
  transform(real, imaginary);
  const power = (k: number) => Math.log(real[k]! ** 2 + imaginary[k]! ** 2 + 1e-12);
  let best = { power: Number.NEGATIVE_INFINITY, cents: 0 };
  for (let n = 1; n <= 4; n++) {
    const centre = (n * hertz * size) / sampleRateHz;
    let top = Math.round(centre * 0.97);
    for (let k = top; k <= Math.ceil(centre * 1.03); k++) if (power(k) > power(top)) top = k;
    const [a, b, c] = [power(top - 1), power(top), power(top + 1)];
    const exact = top + (a - c) / (2 * (a - 2 * b + c));
    if (b > best.power) best = { power: b, cents: 1200 * Math.log2(exact / centre) };
  }
  return best.cents;
}

test("every instrument sounds, and within 20 cents of its note", () => {
  const out = new Float32Array(3 * sampleRateHz);
  for (const name of instrumentNames) {
    for (const patch of [0, 5, 11, 14]) {
      const hertz = bassy.has(name) ? 98 : 330;
      const length = voiceOf(name, patch)(out, { hertz, seconds: 0.8, velocity: 0.8, rng: seeded(patch) }, sampleRateHz);
      const sound = out.subarray(0, length);
      expect(sound.every(Number.isFinite), `${name} ${patch}`).toBe(true);
      expect(Math.max(...sound.map(Math.abs)), `${name} ${patch}`).toBeGreaterThan(0.05);
      expect(Math.abs(sound.at(-1)!), `${name} ${patch} ends`).toBeLessThan(0.01);
      expect(Math.abs(centsOff(out, hertz)), `${name} ${patch}`).toBeLessThan(20);
    }
  }
});

test("no patch belongs to two parts of the corpus", () => {
  const all = splits.flatMap((split) => patchesOf(split));
  expect(new Set(all).size).toBe(all.length);
  expect(patchesOf("test").length).toBeGreaterThan(2);
});
