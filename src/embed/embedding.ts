// The result of embedding a clip: whole in memory, or in chunks where it is larger than memory.
import { elementCount } from "../base/dtypes.ts";
import type { Pooling } from "../inference/pooling.ts";
import type { Provenance } from "../inference/provenance.ts";

/** Shape, layers and provenance of an embedding. */
export interface EmbeddingFacts<P extends Pooling = Pooling> {
  readonly shape: PooledShape<P>;
  /** Entries of transformers' `hidden_states` that were used: 0 is the embedding before the first layer. */
  readonly layers: readonly number[];
  readonly provenance: Provenance;
}

/** The shape that each pooling gives. Layers "recommended" count as one layer. */
export type PooledShape<P extends Pooling = Pooling> = P extends "none"
  ? readonly [layers: number, frames: number, width: number]
  : P extends "mean"
    ? readonly [layers: number, width: number]
    : readonly [width: number];

/** The embedding of a clip, whole in memory. */
export interface Embedding<P extends Pooling = Pooling> extends EmbeddingFacts<P> {
  /** Row-major, of `shape`. */
  readonly values: Float32Array;
}

/** Consecutive values of an embedding, from element `offset` in row-major order. */
export interface Chunk {
  readonly offset: number;
  readonly values: Float32Array;
}

/** An embedding that is computed while it is read. The chunks come in any order, fill the shape exactly, and can be read once. */
export interface EmbeddingStream extends EmbeddingFacts {
  readonly chunks: AsyncIterable<Chunk>;
}

/** Reads a stream into memory. */
export async function collect({ chunks, ...facts }: EmbeddingStream): Promise<Embedding> {
  const values = new Float32Array(elementCount(facts.shape));
  for await (const chunk of chunks) values.set(chunk.values, chunk.offset);
  return { ...facts, values };
}
