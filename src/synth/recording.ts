// Recording: what happens between the mix and the file: the colour and noise of a medium, and a long-term spectrum and a loudness that are
// drawn independently of style and mood, so that neither can be read from them.
import type { Rng } from "../base/random.ts";
import { bell, between, betweenLog, chance, weighted } from "./dice.ts";
import { matchSpectrum, type SpectrumTarget } from "./equaliser.ts";
import { clamp, exp2, fromDecibels, log2, softClip } from "./exact-math.ts";
import type { Bus } from "./mixdown.ts";
import { noiseMask, whiteNoise } from "./voice.ts";

export const media = ["studio", "tape", "vinyl", "radio", "room"] as const;
export type Medium = (typeof media)[number];

export interface Recording {
  readonly medium: Medium;
  readonly lowCutHz: number;
  readonly highCutHz: number;
  readonly drive: number;
  /** Level of the noise relative to the music. */
  readonly noiseDecibels: number;
  /** Stereo width: 0 mono, 1 as mixed. */
  readonly width: number;
  /** The long-term spectrum: its slope above 100 Hz in decibels an octave, and deviations at 62.5 Hz and each octave above. */
  readonly slopeDecibels: number;
  readonly bumpsDecibels: readonly number[];
  /** Root mean square of the recording, decibels relative to full scale. */
  readonly loudnessDecibels: number;
}

/** @param force dynamics, 0 soft … 1 loud: louder playing drives the medium further. */
export function drawRecording(rng: Rng, force: number): Recording {
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
    drive: by[2]! * between(rng, 0.6, 1.2) * exp2(2 * force - 1),
    noiseDecibels: by[3]! + between(rng, -8, 8),
    width: medium === "radio" ? 0 : medium === "vinyl" ? between(rng, 0.3, 0.8) : chance(rng, 0.15) ? 0 : between(rng, 0.6, 1),
    slopeDecibels: between(rng, -8.2, -5.8),
    bumpsDecibels: Array.from({ length: 9 }, () => bell(rng, 2)),
    loudnessDecibels: between(rng, -26, -17),
  };
}

/** Records a mix: [left, right]. Each piece, given by the samples at which it ends, gets the recording's spectrum and loudness on its own, as a
 *  clip is one piece. */
export function record(rng: Rng, bus: Bus, recording: Recording, ends: readonly number[]): [Float32Array, Float32Array] {
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
  }
  addNoise(rng, bus, medium, 0.2 * fromDecibels(recording.noiseDecibels));
  const channels: [Float32Array, Float32Array] = [new Float32Array(left.length), new Float32Array(left.length)];
  let from = 0;
  for (const to of ends) {
    const piece = matchSpectrum(bus, from, to, spectrumOf(recording), sampleRateHz);
    scaleTo(piece.left, piece.right, fromDecibels(recording.loudnessDecibels));
    channels[0].set(piece.left, from);
    channels[1].set(piece.right, from);
    from = to;
  }
  channels.forEach(limit);
  return channels;
}

/** The long-term spectrum of a recording: flat up to 100 Hz, then falling, with the medium's band limits (6 dB an octave below, 12 above). */
function spectrumOf({ slopeDecibels, bumpsDecibels, lowCutHz, highCutHz }: Recording): SpectrumTarget {
  return (hertz) => {
    const octave = clamp(log2(hertz / 62.5), 0, bumpsDecibels.length - 1.001);
    const knot = Math.floor(octave);
    const bump = bumpsDecibels[knot]! + (octave - knot) * (bumpsDecibels[knot + 1]! - bumpsDecibels[knot]!);
    const low = 6 * Math.max(0, log2(lowCutHz / hertz));
    const high = 12 * Math.max(0, log2(hertz / highCutHz));
    return slopeDecibels * Math.max(0, log2(hertz / 100)) + bump - low - high;
  };
}

/** Adds hiss, and by medium mains hum (room, radio) or crackle (vinyl). */
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

/** Scales both channels so that the root mean square of their mean is `level`. */
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

/** Soft-limits samples above 0.75, so that none reaches 1. */
function limit(channel: Float32Array): void {
  const knee = 0.75;
  for (let i = 0; i < channel.length; i++) {
    const value = channel[i]!;
    if (value > knee) channel[i] = knee + 0.24 * softClip((value - knee) / 0.24);
    else if (value < -knee) channel[i] = -knee - 0.24 * softClip((-knee - value) / 0.24);
  }
}
