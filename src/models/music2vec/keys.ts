// Weight names of music2vec: fairseq's names to transformers' and back.
import { encoderFromFairseq, encoderToFairseq, type KeyMap } from "../keys.ts";

export const music2vecKeys: KeyMap = {
  fromFairseq(name) {
    const match = /^encoder\.pos_conv\.(\d+)\.0\.(weight|bias)$/.exec(name);
    return match ? `encoder.pos_conv_embed.layers.${match[1]}.conv.${match[2]}` : encoderFromFairseq(name);
  },
  toFairseq(name) {
    const match = /^encoder\.pos_conv_embed\.layers\.(\d+)\.conv\.(weight|bias)$/.exec(name);
    return match ? `encoder.pos_conv.${match[1]}.0.${match[2]}` : encoderToFairseq(name, "layer");
  },
};
