// Mixdown: each part is rendered on its own, scaled to its level, panned and sent to the reverb; the sum is compressed.
import type { Rng } from "../base/random.ts";
import { between } from "./dice.ts";
import { drumKit, type Kit } from "./drums.ts";
import { clamp, cosTurns, exp2, fromDecibels, log2, midiHertz, sinTurns, softClip } from "./exact-math.ts";
import { type InstrumentName, voiceOf } from "./instruments.ts";
import type { PlayedHit, PlayedNote } from "./performance.ts";
import { addReverb, type Room } from "./reverb.ts";
import type { Part } from "./score.ts";
import { sweepLowPass } from "./voice.ts";

/** The channels being mixed: [samples] each. */
export interface Bus {
  readonly sampleRateHz: number;
  readonly left: Float32Array;
  readonly right: Float32Array;
  /** Input of the reverb. */
  readonly send: Float32Array;
}

export function makeBus(samples: number, sampleRateHz: number): Bus {
  return { sampleRateHz, left: new Float32Array(samples), right: new Float32Array(samples), send: new Float32Array(samples) };
}

/** The longest note, release included. */
const scratchSeconds = 14;
let scratch = new Float32Array(0);

/** Root mean square that a part has at 0 dB. */
const reference = 0.1;

/** Adds a part to the mix. Notes are in seconds from the bus's first sample; what lies outside the bus is cut off. */
export function mixPart(
  bus: Bus,
  part: Pick<Part, "instrument" | "patch" | "decibels" | "pan" | "role">,
  notes: readonly PlayedNote[],
  rng: Rng,
): void {
  const { sampleRateHz } = bus;
  const line = new Float32Array(bus.left.length);
  const voice = voiceOf(part.instrument, part.patch);
  const room = Math.round(scratchSeconds * sampleRateHz);
  if (scratch.length !== room) scratch = new Float32Array(room);
  for (const { startSeconds, seconds, midi, velocity } of notes) {
    const first = Math.round(startSeconds * sampleRateHz);
    const length = voice(scratch, { hertz: midiHertz(midi), seconds: Math.min(seconds, scratchSeconds - 2), velocity, rng }, sampleRateHz);
    const gain = 0.2 + 0.8 * velocity * velocity;
    const end = Math.min(length, line.length - first);
    for (let i = Math.max(0, -first); i < end; i++) line[first + i] = line[first + i]! + gain * scratch[i]!;
  }
  if (part.instrument === "distorted guitar") distort(line, between(rng, 3, 9), between(rng, 3200, 5200), sampleRateHz);
  const level = loudnessOf(line);
  if (level === 0) return;
  const gain = (reference * fromDecibels(part.decibels)) / level;
  const wide = wideInstruments.has(part.instrument);
  addLine(bus, line, {
    gain,
    pan: part.pan,
    send: part.role === "bass" ? 0.1 : wide ? 0.8 : 0.6,
    lagSamples: wide ? Math.round(between(rng, 0.006, 0.014) * sampleRateHz) : 0,
  });
}

const wideInstruments: ReadonlySet<InstrumentName> = new Set<InstrumentName>(["strings", "synth pad", "electric piano", "organ", "piano"]);

function addLine(
  { left, right, send }: Bus,
  line: Float32Array,
  how: { gain: number; pan: number; send: number; lagSamples: number },
): void {
  const angle = (how.pan + 1) / 8; // turns: constant power
  const toLeft = how.gain * cosTurns(angle);
  const toRight = how.gain * sinTurns(angle);
  const toRoom = how.gain * how.send;
  const lag = how.lagSamples;
  for (let i = 0; i < line.length; i++) {
    const value = line[i]!;
    left[i] = left[i]! + toLeft * value;
    right[i] = right[i]! + toRight * (lag > 0 && i >= lag ? 0.7 * value + 0.5 * line[i - lag]! : value);
    send[i] = send[i]! + toRoom * value;
  }
}

/** Distortion of a whole part (soft clipping, so chords intermodulate), then the low-pass of a loudspeaker cabinet. */
function distort(line: Float32Array, drive: number, cutoff: number, sampleRateHz: number): void {
  const level = loudnessOf(line);
  if (level === 0) return;
  const gain = drive / level / 3;
  for (let i = 0; i < line.length; i++) line[i] = softClip(gain * line[i]!);
  sweepLowPass(line, line.length, () => cutoff, 0.3, sampleRateHz);
}

/** Root mean square over the blocks that lie within 30 dB of the loudest; 0 for silence. */
export function loudnessOf(line: Float32Array): number {
  const size = 1024;
  const energies: number[] = [];
  for (let at = 0; at < line.length; at += size) {
    const end = Math.min(line.length, at + size);
    let energy = 0;
    for (let i = at; i < end; i++) energy += line[i]! * line[i]!;
    energies.push(energy / (end - at));
  }
  let loudest = 0;
  for (const energy of energies) if (energy > loudest) loudest = energy;
  let sum = 0;
  let count = 0;
  for (const energy of energies) {
    if (energy > 0.001 * loudest) {
      sum += energy;
      count++;
    }
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

const kits = new Map<string, Kit>();

function kitOf(patch: number, sampleRateHz: number): Kit {
  const id = `${patch}/${sampleRateHz}`;
  const cached = kits.get(id) ?? drumKit(patch, sampleRateHz);
  kits.set(id, cached);
  return cached;
}

/** Adds the drums to the mix. Each sound is synthesised once and scaled by velocity. */
export function mixKit(bus: Bus, kit: { readonly patch: number; readonly decibels: number }, hits: readonly PlayedHit[]): void {
  const sounds = kitOf(kit.patch, bus.sampleRateHz);
  const { left, right, send } = bus;
  const level = 3.2 * reference * fromDecibels(kit.decibels);
  for (const { startSeconds, piece, velocity } of hits) {
    const { samples, pan } = sounds[piece];
    const first = Math.round(startSeconds * bus.sampleRateHz);
    const gain = level * (0.1 + 0.9 * velocity * velocity);
    const angle = (pan + 1) / 8;
    const [toLeft, toRight, toRoom] = [gain * cosTurns(angle), gain * sinTurns(angle), gain * (piece === "kick" ? 0.08 : 0.35)];
    const end = Math.min(samples.length, left.length - first);
    for (let i = Math.max(0, -first); i < end; i++) {
      const value = samples[i]!;
      left[first + i] = left[first + i]! + toLeft * value;
      right[first + i] = right[first + i]! + toRight * value;
      send[first + i] = send[first + i]! + toRoom * value;
    }
  }
}

export interface Compression {
  /** Threshold in decibels relative to the mix's own loudness. */
  readonly thresholdDecibels: number;
  readonly ratio: number;
  readonly attackSeconds: number;
  readonly releaseSeconds: number;
}

/** Applies reverb and compressor to the whole mix. */
export function finishMix(bus: Bus, room: Room, compression: Compression): void {
  addReverb(bus.left, bus.right, bus.send, room, bus.sampleRateHz);
  compress(bus, compression);
}

/** A feed-forward compressor whose gain is updated every 16 samples. */
function compress({ left, right, sampleRateHz }: Bus, { thresholdDecibels, ratio, attackSeconds, releaseSeconds }: Compression): void {
  const level = (loudnessOf(left) + loudnessOf(right)) / 2;
  if (level === 0) return;
  const threshold = log2(level * fromDecibels(thresholdDecibels));
  const rise = 1 - exp2((-16 * 1.44) / (attackSeconds * sampleRateHz));
  const fall = 1 - exp2((-16 * 1.44) / (releaseSeconds * sampleRateHz));
  const slope = 1 / ratio - 1;
  let envelope = 0;
  let gain = 1;
  for (let at = 0; at < left.length; at += 16) {
    const end = Math.min(left.length, at + 16);
    let energy = 0;
    for (let i = at; i < end; i++) energy += left[i]! * left[i]! + right[i]! * right[i]!;
    const now = energy / (2 * (end - at));
    envelope += (now > envelope ? rise : fall) * (now - envelope);
    const over = 0.5 * log2(envelope + 1e-12) - threshold;
    const next = over > 0 ? exp2(slope * over) : 1;
    const step = (next - gain) / 16;
    for (let i = at; i < end; i++) {
      gain += step;
      left[i] = left[i]! * gain;
      right[i] = right[i]! * gain;
    }
    gain = clamp(next, 0, 1);
  }
}
