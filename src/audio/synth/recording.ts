// Recording: what stands between the mix and the file: colours of equipment, noise, and a brightness and loudness drawn by lot. The lot
// falls for every clip alike, whatever its style or mood: neither may be read from how loud or bright a file is.
import type { Rng } from "../../base/random.ts";
import { between, betweenLog, chance, weighted } from "./dice.ts";
import { exp2, fromDecibels, softClip } from "./exact-math.ts";
import type { Bus } from "./mixdown.ts";
import { hann, transform } from "./spectrum.ts";
import { noiseMask, sweepLowPass, whiteNoise } from "./voice.ts";

export const media = ["studio", "tape", "vinyl", "radio", "room"] as const;
export type Medium = (typeof media)[number];

export interface Recording {
  readonly medium: Medium;
  readonly lowCutHz: number;
  readonly highCutHz: number;
  readonly drive: number;
  /** Decibels below the music. */
  readonly noiseDecibels: number;
  /** Share of the stereo width that is left. */
  readonly width: number;
  /** Where the mean spectral centroid is brought. */
  readonly centroidHz: number;
  /** Root mean square of the file, decibels below full scale. */
  readonly loudnessDecibels: number;
}

export function drawRecording(rng: Rng): Recording {
  const medium = weighted<Medium>(rng, { studio: 4, tape: 2, vinyl: 1.5, radio: 1, room: 1.5 });
  const by = {
    studio: [25, 11000, 0.3, -84],
    tape: [35, 8500, 1.1, -58],
    vinyl: [45, 8000, 0.6, -56],
    radio: [180, 4800, 1.4, -50],
    room: [50, 9500, 0.4, -60],
  }[medium];
  return {
    medium,
    lowCutHz: by[0]! * betweenLog(rng, 0.75, 1.35),
    highCutHz: by[1]! * betweenLog(rng, 0.8, 1.25),
    drive: by[2]! * between(rng, 0.5, 1.3),
    noiseDecibels: by[3]! + between(rng, -8, 8),
    width: medium === "radio" ? 0 : medium === "vinyl" ? between(rng, 0.3, 0.8) : chance(rng, 0.15) ? 0 : between(rng, 0.6, 1),
    centroidHz: betweenLog(rng, 1200, 2300),
    loudnessDecibels: between(rng, -26, -17),
  };
}

/** Puts a mix on its medium. */
export function record(rng: Rng, bus: Bus, recording: Recording): void {
  const { left, right, sampleRateHz } = bus;
  const { width, drive, medium } = recording;
  scaleTo(left, right, 0.2);
  for (let i = 0; i < left.length; i++) {
    const middle = 0.5 * (left[i]! + right[i]!);
    const side = 0.5 * width * (left[i]! - right[i]!);
    left[i] = middle + side;
    right[i] = middle - side;
  }
  for (const channel of [left, right]) {
    lowCut(channel, recording.lowCutHz, sampleRateHz);
    if (drive > 0.2) for (let i = 0; i < channel.length; i++) channel[i] = softClip(drive * 1.6 * channel[i]!) / (drive * 1.6);
    if (recording.highCutHz < 0.4 * sampleRateHz) sweepLowPass(channel, channel.length, () => recording.highCutHz, 0.2, sampleRateHz);
  }
  addNoise(rng, bus, medium, 0.2 * fromDecibels(recording.noiseDecibels));
  matchBrightness(left, right, recording.centroidHz, sampleRateHz);
  scaleTo(left, right, fromDecibels(recording.loudnessDecibels));
  limit(left);
  limit(right);
}

/** Hiss on tape and radio, crackle on vinyl, hum in rooms; a little hiss everywhere. */
function addNoise(rng: Rng, { left, right, sampleRateHz }: Bus, medium: Medium, level: number): void {
  const [offsetLeft, offsetRight] = [Math.floor(rng() * noiseMask), Math.floor(rng() * noiseMask)];
  let [lowLeft, lowRight] = [0, 0];
  for (let i = 0; i < left.length; i++) {
    const [a, b] = [whiteNoise[(offsetLeft + i) & noiseMask]!, whiteNoise[(offsetRight + 3 * i) & noiseMask]!];
    lowLeft += 0.15 * (a - lowLeft);
    lowRight += 0.15 * (b - lowRight);
    left[i] = left[i]! + level * (0.5 * a + 2 * lowLeft);
    right[i] = right[i]! + level * (0.5 * b + 2 * lowRight);
  }
  if (medium === "room" || medium === "radio") {
    const step = (chance(rng, 0.5) ? 50 : 60) / sampleRateHz;
    let phase = rng();
    for (let i = 0; i < left.length; i++) {
      phase += step;
      if (phase >= 1) phase -= 1;
      const hum = level * (phase < 0.5 ? 16 * phase * (0.5 - phase) : -16 * (phase - 0.5) * (1 - phase));
      left[i] = left[i]! + hum;
      right[i] = right[i]! + hum;
    }
  }
  if (medium !== "vinyl") return;
  const clicks = Math.round((left.length / sampleRateHz) * betweenLog(rng, 2, 20));
  for (let n = 0; n < clicks; n++) {
    const at = Math.floor(rng() * (left.length - 40));
    const size = level * betweenLog(rng, 4, 60) * (chance(rng, 0.5) ? 1 : -1);
    const toLeft = rng();
    for (let i = 0; i < 12; i++) {
      const value = size * exp2(-i / 1.5) * (i % 3 === 1 ? -0.6 : 1);
      left[at + i] = left[at + i]! + value * toLeft;
      right[at + i] = right[at + i]! + value * (1 - toLeft);
    }
  }
}

function lowCut(channel: Float32Array, hertz: number, sampleRateHz: number): void {
  const open = 1 - exp2((-9.0647 * hertz) / sampleRateHz); // 2π / ln 2
  let low = 0;
  for (let i = 0; i < channel.length; i++) {
    low += open * (channel[i]! - low);
    channel[i] = channel[i]! - low;
  }
}

/** Frames looked at for the brightness of a clip. */
const looks = 96;
const lookSize = 1024;
/** The tone control turns by at most so many octaves of gain either way (6 dB each). */
const mostTilt = 4;

/** Tilts the spectrum about 900 Hz until the mean of the frames' centroids is `centroidHz`, or the control is at its end. */
function matchBrightness(left: Float32Array, right: Float32Array, centroidHz: number, sampleRateHz: number): void {
  const open = 1 - exp2((-9.0647 * 900) / sampleRateHz);
  const spectra = bandSpectra(left, right, open);
  const hertzPerBin = sampleRateHz / lookSize;
  let [low, high] = [-mostTilt, mostTilt];
  for (let step = 0; step < 14; step++) {
    const middle = (low + high) / 2;
    if (meanCentroid(spectra, exp2(-middle / 2), exp2(middle / 2)) * hertzPerBin < centroidHz) low = middle;
    else high = middle;
  }
  const [lowGain, highGain] = [exp2(-(low + high) / 4), exp2((low + high) / 4)];
  for (const channel of [left, right]) {
    let below = 0;
    for (let i = 0; i < channel.length; i++) {
      const value = channel[i]!;
      below += open * (value - below);
      channel[i] = lowGain * below + highGain * (value - below);
    }
  }
}

/** Spectra of the halves of the sound below and above the tilt's middle, frame by frame: [frames, bins] each, complex. */
interface BandSpectra {
  readonly frames: number;
  readonly below: Float64Array;
  readonly above: Float64Array;
}

function bandSpectra(left: Float32Array, right: Float32Array, open: number): BandSpectra {
  const bins = lookSize / 2;
  const span = Math.max(1, left.length - lookSize - 256);
  const frames = Math.min(looks, Math.max(1, Math.floor(span / 256)));
  const below = new Float64Array(frames * bins * 2);
  const above = new Float64Array(frames * bins * 2);
  const window = hann(lookSize);
  const [real, imaginary] = [new Float64Array(lookSize), new Float64Array(lookSize)];
  for (let frame = 0; frame < frames; frame++) {
    const start = Math.floor((frame * span) / frames);
    let dull = 0;
    for (let i = -256; i < lookSize; i++) {
      const at = start + 256 + i;
      const value = at < left.length ? 0.5 * (left[at]! + right[at]!) : 0;
      dull += open * (value - dull);
      if (i < 0) continue;
      real[i] = dull * window[i]!;
      imaginary[i] = (value - dull) * window[i]!;
    }
    transform(real, imaginary); // two real signals in one complex transform
    for (let k = 1; k < bins; k++) {
      const [a, b, c, d] = [real[k]!, imaginary[k]!, real[lookSize - k]!, imaginary[lookSize - k]!];
      const at = 2 * (frame * bins + k);
      below[at] = 0.5 * (a + c);
      below[at + 1] = 0.5 * (b - d);
      above[at] = 0.5 * (b + d);
      above[at + 1] = 0.5 * (c - a);
    }
  }
  return { frames, below, above };
}

/** In bins, magnitudes as weights: what librosa and its like call the spectral centroid. */
function meanCentroid({ frames, below, above }: BandSpectra, lowGain: number, highGain: number): number {
  const bins = lookSize / 2;
  let total = 0;
  for (let frame = 0; frame < frames; frame++) {
    let [weights, moment] = [1e-9, 0];
    for (let k = 1; k < bins; k++) {
      const at = 2 * (frame * bins + k);
      const r = lowGain * below[at]! + highGain * above[at]!;
      const m = lowGain * below[at + 1]! + highGain * above[at + 1]!;
      const magnitude = Math.sqrt(r * r + m * m);
      weights += magnitude;
      moment += k * magnitude;
    }
    total += moment / weights;
  }
  return total / frames;
}

/** Brings the root mean square of the two channels' mean to `level`. */
function scaleTo(left: Float32Array, right: Float32Array, level: number): void {
  let energy = 0;
  for (let i = 0; i < left.length; i++) {
    const middle = 0.5 * (left[i]! + right[i]!);
    energy += middle * middle;
  }
  const scale = level / (Math.sqrt(energy / left.length) || 1);
  for (let i = 0; i < left.length; i++) {
    left[i] = left[i]! * scale;
    right[i] = right[i]! * scale;
  }
}

/** Rounds off what is louder than 0.75, so that nothing reaches 1. */
function limit(channel: Float32Array): void {
  const knee = 0.75;
  for (let i = 0; i < channel.length; i++) {
    const value = channel[i]!;
    if (value > knee) channel[i] = knee + 0.24 * softClip((value - knee) / 0.24);
    else if (value < -knee) channel[i] = -knee - 0.24 * softClip((-knee - value) / 0.24);
  }
}
