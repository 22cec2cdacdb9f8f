// Frames of a corpus for training a quantiser: read clip by clip in a seeded order and yielded in shuffled pools, from any position on.
import { ConfigError } from "../../base/errors.ts";
import { seeded, shuffle, shuffleBy } from "../../base/random.ts";
import type { FrameFeatures } from "./features.ts";

/** A corpus as frames. */
export interface FrameSource {
  /** The features' name: centroids trained on one source serve every source of the same name. */
  readonly name: string;
  readonly width: number;
  readonly clips: number;
  /** Total frames, computed from the clips' lengths. */
  readonly totalFrames: number;
  /** The frames of one clip, in pieces of [frames, width]; none where the clip can't be used. */
  clip(index: number): AsyncIterable<Float32Array>;
}

export interface CorpusClip {
  /** Samples at the features' rate. */
  readonly samples: number;
  load(): Promise<Float32Array>;
}

/** Features of a list of clips; a clip too short for a frame gives none. */
export function clipFrames(features: FrameFeatures, clips: readonly CorpusClip[]): FrameSource {
  return {
    name: features.name,
    width: features.width,
    clips: clips.length,
    totalFrames: clips.reduce((sum, { samples }) => sum + features.frameCount(samples), 0),
    async *clip(index) {
      const clip = clips[index]!;
      if (features.frameCount(clip.samples) > 0) yield* features.frames(await clip.load());
    },
  };
}

/** A position within the passes over a source: the next clip in the pass's order, and how many of its frames were used. */
export interface Position {
  readonly pass: number;
  readonly clip: number;
  readonly frame: number;
}

export interface Pool {
  /** [frames, width], shuffled; valid until the next pool is requested. */
  readonly frames: Float32Array;
  /** Where the next pool begins. */
  readonly next: Position;
}

/** A pool samples at least this many clips, where the corpus has them: initial centres from a few long clips would not represent the rest. */
const clipsOfPool = 100;

/** Pools of at most `poolFrames` frames, pass after pass, with the clips in a new order each pass. Where clips are long, a pass takes a random
 *  share of their frames, redrawn each pass, so that a pool covers many clips. The pools after a position depend on the seed and it alone. */
export async function* pools(
  source: FrameSource,
  { poolFrames, seed, from = { pass: 0, clip: 0, frame: 0 } }: { poolFrames: number; seed: number; from?: Position },
): AsyncGenerator<Pool> {
  const { width, clips, totalFrames } = source;
  const capacity = Math.min(poolFrames, totalFrames);
  if (!(capacity > 0)) throw new ConfigError(`${source.name}: there are no frames to train on. Give more audio.`);
  const buffer = new Float32Array(capacity * width);
  const share = Math.min(1, (capacity * clips) / (Math.min(clips, clipsOfPool) * totalFrames));
  for (let { pass, clip, frame } = from, hadFrames = true; hadFrames; pass++, [clip, frame] = [0, 0]) {
    hadFrames = clip > 0; // the rest of a pass may have no frames
    let filled = 0;
    for await (const piece of passFrom(source, { seed: mixSeed(seed, pass), share, firstClip: clip, firstFrame: frame })) {
      const frames = piece.frames.length;
      for (let used = 0; used < frames; ) {
        const taken = Math.min(frames - used, capacity - filled);
        buffer.set(piece.values.subarray(used * width, (used + taken) * width), filled * width);
        used += taken;
        filled += taken;
        hadFrames = true;
        if (filled < capacity) continue;
        const next = { pass, clip: piece.clip, frame: piece.frames[used - 1]! + 1 };
        shuffleRows(buffer, width, mixSeed(seed, pass, next.clip, next.frame));
        yield { frames: buffer, next };
        filled = 0;
      }
    }
    if (filled === 0) continue;
    const frames = buffer.subarray(0, filled * width);
    shuffleRows(frames, width, mixSeed(seed, pass, clips));
    yield { frames, next: { pass: pass + 1, clip: 0, frame: 0 } };
  }
  throw new ConfigError(`${source.name}: none of its ${clips} clips gave a frame.`);
}

interface Rest {
  readonly seed: number;
  /** Share of each clip's frames that is taken, 0 to 1. */
  readonly share: number;
  readonly firstClip: number;
  readonly firstFrame: number;
}

/** The rest of a pass in pieces, each with its clip's index in the pass's order and its frames' indices within the clip. */
async function* passFrom(source: FrameSource, { seed, share, firstClip, firstFrame }: Rest) {
  const { width, clips } = source;
  const order = shuffledIndices(clips, seed);
  for (let clip = firstClip; clip < clips; clip++) {
    const rng = seeded(mixSeed(seed, order[clip]!));
    const wanted = clip === firstClip ? firstFrame : 0;
    let passed = 0;
    for await (const values of source.clip(order[clip]!)) {
      const count = values.length / width;
      const frames: number[] = [];
      for (let i = 0; i < count; i++) if ((share === 1 || rng() < share) && passed + i >= wanted) frames.push(passed + i);
      if (frames.length === count) yield { clip, frames, values };
      else if (frames.length > 0) {
        const taken = new Float32Array(frames.length * width);
        for (const [row, frame] of frames.entries()) {
          taken.set(values.subarray((frame - passed) * width, (frame - passed + 1) * width), row * width);
        }
        yield { clip, frames, values: taken };
      }
      passed += count;
    }
  }
}

/** Shuffles the rows of `frames` in place. */
export function shuffleRows(frames: Float32Array, width: number, seed: number): void {
  const row = new Float32Array(width);
  shuffleBy(seeded(seed), frames.length / width, (i, j) => {
    if (i === j) return;
    row.set(frames.subarray(i * width, (i + 1) * width));
    frames.copyWithin(i * width, j * width, (j + 1) * width);
    frames.set(row, j * width);
  });
}

/** `count` different rows, drawn at random. */
export function drawRows(frames: Float32Array, width: number, count: number, seed: number): Float32Array {
  const order = shuffledIndices(frames.length / width, seed);
  const out = new Float32Array(count * width);
  for (let i = 0; i < count; i++) out.set(frames.subarray(order[i]! * width, (order[i]! + 1) * width), i * width);
  return out;
}

function shuffledIndices(count: number, seed: number): Uint32Array {
  return shuffle(
    seeded(seed),
    Uint32Array.from({ length: count }, (_, i) => i),
  );
}

/** One seed from several numbers: each combination gives a sequence of its own. */
export function mixSeed(...numbers: readonly number[]): number {
  let h = 0x811c9dc5;
  for (const number of numbers) {
    h = Math.imul(h ^ number, 0x01000193);
    h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  }
  return h | 0;
}
