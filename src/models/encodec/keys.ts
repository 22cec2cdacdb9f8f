// EnCodec's weights from transformers' and facebook's files, as the programs need them: under transformers' names, with weight norm applied
// and codebooks stacked.

import { NotFoundError } from "../../base/errors.ts";
import { hostTensor, toFloat32 } from "../../base/host-tensor.ts";
import type { TensorFile } from "../../formats/tensor-file.ts";
import type { WeightReader } from "../../ops/program.ts";

/** transformers' name for a tensor of either file, with weight norm under its older name. */
export function encodecName(name: string): string {
  return name
    .replace(/^(best_state\.)?(model\.|module\.)?/, "")
    .replace(/^encoder\.model\./, "encoder.layers.")
    .replace(".conv.conv.", ".conv.")
    .replace(/^quantizer\.vq\.layers\.(\d+)\._codebook\./, "quantizer.layers.$1.codebook.")
    .replace(/parametrizations\.weight\.original0$/, "weight_g")
    .replace(/parametrizations\.weight\.original1$/, "weight_v");
}

/** The name of the stacked codebooks [codebooks, size, width]. With three axes, no engine takes them for a matrix to convert to half precision. */
export const codebooksName = "quantizer.codebooks";

/** Reads the weights of the EnCodec programs with the first `codebooks` codebooks. */
export function encodecWeights(file: Pick<TensorFile, "name" | "tensors" | "read">, codebooks: number): WeightReader {
  const names = new Map(Array.from(file.tensors.keys(), (name) => [encodecName(name), name]));
  const read = (name: string) => {
    const sourceName = names.get(name);
    if (sourceName === undefined) throw new NotFoundError(`${file.name} has no ${name}, which EnCodec's encoder needs.`);
    return file.read(sourceName);
  };
  return {
    async read(name) {
      if (name === codebooksName) {
        const books = await Promise.all(Array.from({ length: codebooks }, (_, i) => read(`quantizer.layers.${i}.codebook.embed`)));
        const [size, width] = books[0]!.shape as [number, number];
        const all = new Float32Array(codebooks * size * width);
        for (const [i, book] of books.entries()) all.set(toFloat32(book), i * size * width);
        return hostTensor(all, [codebooks, size, width]);
      }
      if (names.has(name) || !name.endsWith(".weight")) return read(name);
      const [v, g] = await Promise.all([read(`${name}_v`), read(`${name}_g`)]);
      return hostTensor(withNorm(toFloat32(v), toFloat32(g)), v.shape);
    },
  };
}

/** g · v / |v| with one norm per output channel (weight norm over dim 0). */
function withNorm(v: Float32Array, g: Float32Array): Float32Array {
  const size = v.length / g.length;
  const out = new Float32Array(v.length);
  for (const [channel, gain] of g.entries()) {
    const row = v.subarray(channel * size, (channel + 1) * size);
    const scale = gain / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let i = 0; i < size; i++) out[channel * size + i] = scale * row[i]!;
  }
  return out;
}
