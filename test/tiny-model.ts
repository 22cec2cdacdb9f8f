// A tiny model with seeded random weights, as a folder such as the hub has them: for tests that need a model and not its answers.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { synthesise } from "../src/audio/synth.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { writeAtomic } from "../src/base/files.node.ts";
import { hfPreprocessor } from "../src/checkpoint/convert.node.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { architectureFromHf } from "../src/models/index.ts";

const config = {
  model_type: "mert_model",
  sample_rate: 24_000,
  hidden_size: 16,
  num_hidden_layers: 3,
  num_attention_heads: 2,
  intermediate_size: 32,
  conv_dim: [8, 8, 8, 8, 8, 8, 8],
  num_conv_pos_embeddings: 8,
  num_conv_pos_embedding_groups: 4,
};

/** 3 layers of 16 at 24 kHz, input normalised; its card says CC BY-NC 4.0. */
export async function writeTinyModel(folder: string): Promise<string> {
  const { model } = architectureFromHf(config);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "README.md"), "---\nlicense: cc-by-nc-4.0\n---\n");
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(hfPreprocessor(24_000, true)));
  await writeAtomic(join(folder, "model.safetensors"), safetensorsChunks(randomTensors(model, 1)));
  return folder;
}

/** A little synthesised music as a wav file. */
export async function writeSong(path: string, { seconds = 1, seed = 1, sampleRateHz = 44_100 } = {}): Promise<string> {
  await writeAtomic(path, encodeWav(synthesise({ seconds, seed, sampleRateHz })));
  return path;
}
