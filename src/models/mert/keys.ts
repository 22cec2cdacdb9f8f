// MERT's and HuBERT's weight names: transformers' are ours; fairseq's are renamed here and nowhere else.
import { encoderFromFairseq, encoderToFairseq, type KeyMap } from "../keys.ts";

const positional: readonly [ours: string, fairseq: string] = ["encoder.pos_conv_embed.conv.", "encoder.pos_conv.0."];

/** HuBERT's names in fairseq. `norm` tells where convolution layers keep their norm: "group" `.2.`, "layer" `.2.1.`. */
export function mertKeys(norm: "group" | "layer"): KeyMap {
  return {
    fromFairseq: (name) => (name.startsWith(positional[1]) ? positional[0] + name.slice(positional[1].length) : encoderFromFairseq(name)),
    toFairseq: (name) => (name.startsWith(positional[0]) ? positional[1] + name.slice(positional[0].length) : encoderToFairseq(name, norm)),
  };
}
