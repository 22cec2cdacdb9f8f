// Brightness: a tone control that finds its own setting, so that a clip has the mean spectral centroid that was drawn for it.
import { exp2 } from "./exact-math.ts";
import { hann, transform } from "./spectrum.ts";

/** Frames looked at for the brightness of a clip. */
const looks = 96;
const lookSize = 1024;
/** The tone control turns by at most so many octaves of gain either way (6 dB each). */
const mostTilt = 4;

/** Tilts the spectrum about 900 Hz until the mean of the frames' centroids is `centroidHz`, or the control is at its end. */
export function matchBrightness(left: Float32Array, right: Float32Array, centroidHz: number, sampleRateHz: number): void {
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
