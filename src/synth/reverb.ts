// Reverb: a feedback delay network (Jot 1991) of four delay lines, mixed by a Hadamard matrix, with a low-pass in each line.
import type { Rng } from "../base/random.ts";
import { between, betweenLog } from "./dice.ts";
import { exp2 } from "./exact-math.ts";

export interface Room {
  /** Reverberation time in seconds (to a thousandth of the amplitude). */
  readonly decaySeconds: number;
  /** Length of the longest delay line in seconds. */
  readonly sizeSeconds: number;
  readonly preDelaySeconds: number;
  /** Loss of high frequencies in each round, 0 … 1. */
  readonly damping: number;
  /** Level relative to the dry sound. */
  readonly level: number;
}

export function drawRoom(rng: Rng, decaySeconds: readonly [number, number]): Room {
  return {
    decaySeconds: betweenLog(rng, ...decaySeconds),
    sizeSeconds: betweenLog(rng, 0.025, 0.08),
    preDelaySeconds: between(rng, 0, 0.03),
    damping: between(rng, 0.15, 0.6),
    level: betweenLog(rng, 0.1, 0.55),
  };
}

/** Adds the reverberation of `send` to both channels. */
export function addReverb(left: Float32Array, right: Float32Array, send: Float32Array, room: Room, sampleRateHz: number): void {
  const shares = [1, 0.827, 0.691, 0.573];
  const lengths = shares.map((share) => Math.max(8, Math.round(share * room.sizeSeconds * sampleRateHz)) | 1);
  const lines = lengths.map((length) => new Float32Array(length));
  const gains = lengths.map((length) => exp2((-10 * length) / (room.decaySeconds * sampleRateHz)));
  const [lineA, lineB, lineC, lineD] = [lines[0]!, lines[1]!, lines[2]!, lines[3]!];
  const [lengthA, lengthB, lengthC, lengthD] = [lengths[0]!, lengths[1]!, lengths[2]!, lengths[3]!];
  const [gainA, gainB, gainC, gainD] = [gains[0]!, gains[1]!, gains[2]!, gains[3]!];
  const { damping, level } = room;
  const open = 1 - damping;
  const late = Math.round(room.preDelaySeconds * sampleRateHz);
  let [a, b, c, d] = [0, 0, 0, 0];
  let [dullA, dullB, dullC, dullD] = [0, 0, 0, 0];
  for (let i = 0; i < left.length; i++) {
    const x = i < late ? 0 : send[i - late]!;
    dullA = open * lineA[a]! + damping * dullA;
    dullB = open * lineB[b]! + damping * dullB;
    dullC = open * lineC[c]! + damping * dullC;
    dullD = open * lineD[d]! + damping * dullD;
    left[i] = left[i]! + level * (dullA + dullC);
    right[i] = right[i]! + level * (dullB + dullD);
    // Hadamard matrix: lossless, feeds each line into all four.
    const [sumAB, sumCD, differenceAB, differenceCD] = [dullA + dullB, dullC + dullD, dullA - dullB, dullC - dullD];
    lineA[a] = x + gainA * 0.5 * (sumAB + sumCD);
    lineB[b] = gainB * 0.5 * (differenceAB + differenceCD) - x;
    lineC[c] = x + gainC * 0.5 * (sumAB - sumCD);
    lineD[d] = gainD * 0.5 * (differenceAB - differenceCD) + x;
    if (++a === lengthA) a = 0;
    if (++b === lengthB) b = 0;
    if (++c === lengthC) c = 0;
    if (++d === lengthD) d = 0;
  }
}
