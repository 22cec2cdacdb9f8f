// The shapes of the published models, as configurations. transformers takes the same names (`peers/hubert.py`).
export const shapes = {
  "95M": { model_type: "mert_model", sample_rate: 24000 },
  "330M": {
    model_type: "mert_model",
    sample_rate: 24000,
    hidden_size: 1024,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    intermediate_size: 4096,
    do_stable_layer_norm: true,
  },
} as const;

export type ShapeName = keyof typeof shapes;
