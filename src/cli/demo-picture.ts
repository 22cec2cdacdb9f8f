// The demo's picture: similarity between moments of a piece in each layer of a model.
import { heatmap, type Panels, panels } from "../plot/chart.ts";

/** Hidden states of one piece, [layers, frames, width]. */
export interface PieceStates {
  readonly values: Float32Array;
  readonly layers: number;
  readonly frames: number;
  readonly width: number;
  readonly frameRateHz: number;
}

/** Moments of a layer as unit vectors, [moments, width], so that dot products are cosines. */
interface Moments {
  readonly vectors: Float32Array;
  readonly count: number;
  readonly width: number;
}

const momentSeconds = 0.2;

/** Six panels: moment × moment for four layers, layer × time as similarity with the opening, and layer × layer.
 *  @param openingSeconds the length of the first section. */
export function similarityPicture(states: PieceStates, { openingSeconds }: { openingSeconds: number }): Panels {
  const framesPerMoment = Math.max(1, Math.round(momentSeconds * states.frameRateHz));
  const layers = Array.from({ length: states.layers }, (_, layer) => moments(states, layer, framesPerMoment));
  const seconds = Array.from({ length: layers[0]!.count }, (_, i) => (i * framesPerMoment) / states.frameRateHz);
  const grams = layers.map(gram);
  const last = states.layers - 1;
  const shown = [0, 1, 2, 3].map((third) => Math.round((third * last) / 3));
  const similarity = (layer: number) =>
    heatmap({
      title: layer === 0 ? "Layer 0: before attention" : `Layer ${layer}`,
      subtitle: `cosine between moments of ${momentSeconds} s; untrained weights`,
      xLabel: "time (s)",
      yLabel: "time (s)",
      xValues: seconds,
      yValues: seconds,
      values: grams[layer]!,
      range: [-1, 1],
      colour: "diverging",
    });
  const names = Array.from({ length: states.layers }, (_, layer) => layer);
  const opening = Math.max(1, Math.round((openingSeconds * states.frameRateHz) / framesPerMoment));
  const acrossLayers = heatmap({
    title: "Layer × time",
    subtitle: `cosine with the opening section, 0 to ${openingSeconds} s; the form is A A B A`,
    xLabel: "time (s)",
    yLabel: "layer",
    xValues: seconds,
    yValues: names,
    values: Float32Array.from(layers.flatMap((layer) => [...withOpening(layer, opening)])),
    colour: "diverging",
  });
  const layerByLayer = heatmap({
    title: "Layer × layer",
    subtitle: "linear CKA: 1 where both layers have the same similarities",
    xLabel: "layer",
    yLabel: "layer",
    xValues: names,
    yValues: names,
    values: Float32Array.from(grams.flatMap((a) => grams.map((b) => alignment(a, b)))),
  });
  return panels({ columns: 3, charts: [...shown.slice(0, 3).map(similarity), similarity(shown[3]!), acrossLayers, layerByLayer] });
}

/** Means over `frames` frames, centred by the mean over the piece and scaled to length 1. */
function moments({ values, frames: total, width }: PieceStates, layer: number, frames: number): Moments {
  const count = Math.floor(total / frames);
  const vectors = new Float32Array(count * width);
  const mean = new Float64Array(width);
  for (let moment = 0; moment < count; moment++) {
    for (let frame = 0; frame < frames; frame++) {
      const from = (layer * total + moment * frames + frame) * width;
      for (let i = 0; i < width; i++) vectors[moment * width + i]! += values[from + i]! / frames;
    }
    for (let i = 0; i < width; i++) mean[i]! += vectors[moment * width + i]! / count;
  }
  for (let moment = 0; moment < count; moment++) {
    const vector = vectors.subarray(moment * width, (moment + 1) * width);
    for (let i = 0; i < width; i++) vector[i]! -= mean[i]!;
    const length = Math.hypot(...vector) || 1;
    for (let i = 0; i < width; i++) vector[i]! /= length;
  }
  return { vectors, count, width };
}

/** Cosines between all moments: [count, count]. */
function gram({ vectors, count, width }: Moments): Float32Array {
  const out = new Float32Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += vectors[a * width + i]! * vectors[b * width + i]!;
      out[a * count + b] = sum;
      out[b * count + a] = sum;
    }
  }
  return out;
}

/** Cosines between each moment and the mean of the first `opening` moments. */
function withOpening({ vectors, count, width }: Moments, opening: number): Float32Array {
  const mean = new Float64Array(width);
  for (let at = 0; at < opening * width; at++) mean[at % width]! += vectors[at]!;
  const length = Math.hypot(...mean) || 1;
  return Float32Array.from({ length: count }, (_, moment) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += (mean[i]! / length) * vectors[moment * width + i]!;
    return sum;
  });
}

/** Linear CKA of two Gram matrices of centred vectors (Kornblith et al., arXiv:1905.00414). */
function alignment(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}
