// Weight names of MERT and HuBERT: fairseq's names to transformers' and back.
import { encoderFromFairseq, encoderToFairseq, type KeyMap } from "../keys.ts";

const positional: readonly [ours: string, fairseq: string] = ["encoder.pos_conv_embed.conv.", "encoder.pos_conv.0."];

/** HuBERT's names in fairseq. The norms of convolution layers are named `.2.` for `norm` "group" and `.2.1.` for "layer". */
export function mertKeys(norm: "group" | "layer"): KeyMap {
  return {
    fromFairseq: (name) => (name.startsWith(positional[1]) ? positional[0] + name.slice(positional[1].length) : encoderFromFairseq(name)),
    toFairseq: (name) => (name.startsWith(positional[0]) ? positional[1] + name.slice(positional[0].length) : encoderToFairseq(name, norm)),
  };
}
