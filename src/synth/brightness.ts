// Brightness: a tilt filter whose gain is found by bisection, so that a clip has the mean spectral centroid drawn for it.
import { exp2 } from "./exact-math.ts";
import { hann, transform } from "./spectrum.ts";

/** Frames that are analysed, evenly spaced over the clip. */
const analysedFrames = 96;
const frameSize = 1024;
/** The largest tilt either way, in factors of two of amplitude (6 dB each). */
const maxTilt = 4;

/** Tilts the spectrum about 900 Hz until the mean of the frames' centroids is `centroidHz`, or as near as `maxTilt` allows. */
export function matchBrightness(left: Float32Array, right: Float32Array, centroidHz: number, sampleRateHz: number): void {
  const open = 1 - exp2((-9.0647 * 900) / sampleRateHz);
  const spectra = bandSpectra(left, right, open);
  const hertzPerBin = sampleRateHz / frameSize;
  let [low, high] = [-maxTilt, maxTilt];
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

/** Complex spectra of the signal below and above the tilt's pivot: [frames, bins, 2] each. */
interface BandSpectra {
  readonly frames: number;
  readonly below: Float64Array;
  readonly above: Float64Array;
}

function bandSpectra(left: Float32Array, right: Float32Array, open: number): BandSpectra {
  const bins = frameSize / 2;
  const span = Math.max(1, left.length - frameSize - 256);
  const frames = Math.min(analysedFrames, Math.max(1, Math.floor(span / 256)));
  const below = new Float64Array(frames * bins * 2);
  const above = new Float64Array(frames * bins * 2);
  const window = hann(frameSize);
  const [real, imaginary] = [new Float64Array(frameSize), new Float64Array(frameSize)];
  for (let frame = 0; frame < frames; frame++) {
    const start = Math.floor((frame * span) / frames);
    let low = 0;
    for (let i = -256; i < frameSize; i++) {
      const at = start + 256 + i;
      const value = at < left.length ? 0.5 * (left[at]! + right[at]!) : 0;
      low += open * (value - low);
      if (i < 0) continue;
      real[i] = low * window[i]!;
      imaginary[i] = (value - low) * window[i]!;
    }
    transform(real, imaginary); // two real signals in one complex transform
    for (let k = 1; k < bins; k++) {
      const [a, b, c, d] = [real[k]!, imaginary[k]!, real[frameSize - k]!, imaginary[frameSize - k]!];
      const at = 2 * (frame * bins + k);
      below[at] = 0.5 * (a + c);
      below[at + 1] = 0.5 * (b - d);
      above[at] = 0.5 * (b + d);
      above[at + 1] = 0.5 * (c - a);
    }
  }
  return { frames, below, above };
}

/** The mean over frames of the magnitude-weighted centroid (librosa's definition), in bins. */
function meanCentroid({ frames, below, above }: BandSpectra, lowGain: number, highGain: number): number {
  const bins = frameSize / 2;
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
