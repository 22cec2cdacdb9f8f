// Weight names: the library uses transformers' names; all others are mapped to them here.

export interface KeyMap {
  /** Our name for a fairseq name; undefined for tensors that inference does not use (pre-training heads). */
  fromFairseq(name: string): string | undefined;
  toFairseq(name: string): string | undefined;
}

/** A name without the prefix of a task model, and with weight norm under its older name. */
export function canonicalName(name: string): string {
  return name
    .replace(/^(hubert|data2vec_audio|mert|model|module)\./, "")
    .replace(/parametrizations\.weight\.original0$/, "weight_g")
    .replace(/parametrizations\.weight\.original1$/, "weight_v");
}

/** Prefixes of names in fairseq and here, longer ones first. `*` stands for a layer's number. */
const pairs: readonly (readonly [fairseq: string, ours: string])[] = [
  ["feature_extractor.conv_layers.*.0.", "feature_extractor.conv_layers.*.conv."],
  ["feature_extractor.conv_layers.*.2.1.", "feature_extractor.conv_layers.*.layer_norm."],
  ["feature_extractor.conv_layers.*.2.", "feature_extractor.conv_layers.*.layer_norm."],
  ["post_extract_proj.", "feature_projection.projection."],
  ["layer_norm.", "feature_projection.layer_norm."],
  ["encoder.layer_norm.", "encoder.layer_norm."],
  ["encoder.layers.*.self_attn_layer_norm.", "encoder.layers.*.layer_norm."],
  ["encoder.layers.*.self_attn.", "encoder.layers.*.attention."],
  ["encoder.layers.*.fc1.", "encoder.layers.*.feed_forward.intermediate_dense."],
  ["encoder.layers.*.fc2.", "encoder.layers.*.feed_forward.output_dense."],
  ["encoder.layers.*.final_layer_norm.", "encoder.layers.*.final_layer_norm."],
];

function rename(name: string, from: string, to: string): string | undefined {
  const pattern = new RegExp(`^${from.replaceAll(".", "\\.").replace("*", "(\\d+)")}`);
  const match = pattern.exec(name);
  return match ? to.replace("*", match[1] ?? "") + name.slice(match[0].length) : undefined;
}

/** Our name for a fairseq name that all families share. */
export function encoderFromFairseq(name: string): string | undefined {
  if (name === "mask_emb") return "masked_spec_embed";
  for (const [fairseq, ours] of pairs) {
    const renamed = rename(name, fairseq, ours);
    if (renamed !== undefined) return renamed;
  }
  return undefined;
}

export function encoderToFairseq(name: string, norm: "group" | "layer"): string | undefined {
  if (name === "masked_spec_embed") return "mask_emb";
  const unwanted = norm === "group" ? ".2.1." : ".2.";
  for (const [fairseq, ours] of pairs) {
    if (fairseq.startsWith("feature_extractor") && fairseq.endsWith(`*${unwanted}`)) continue;
    const renamed = rename(name, ours, fairseq);
    if (renamed !== undefined) return renamed;
  }
  return undefined;
}
