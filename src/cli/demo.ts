// `ostinato demo`: from audio to a picture without any download, with synthesised music and a model of random weights.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { fileSource, writeAtomic } from "../base/files.node.ts";
import { toFloat32 } from "../base/host-tensor.ts";
import type { FileResult } from "../embed/report.ts";
import { readNpy } from "../formats/npy.ts";
import { DrawingPackagesError } from "../plot/peers.ts";
import { embedAll } from "./embed.ts";
import { openModel } from "./open-model.ts";
import { parseCount } from "./options.ts";
import { interruptible, note } from "./outcome.ts";

interface DemoFlags {
  readonly out: string;
  readonly seconds: number;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description("Synthesise music, embed it with a model of random weights, and draw similarities in each layer.")
    .option("--out <DIR>", "output folder", "demo")
    .option("--seconds <S>", "length of the music", parseCount, 12)
    .addHelpText("after", "\nExample:\n  $ ostinato demo\n")
    .action((flags: DemoFlags) => interruptible((signal) => run(flags, signal)));
}

async function run({ out, seconds }: DemoFlags, signal: AbortSignal): Promise<void> {
  const [song, model, embeddings, picture] = ["song.wav", "model", "embeddings", "similarity.png"].map((name) => join(out, name)) as [
    string,
    string,
    string,
    string,
  ];
  const times: string[] = [];
  const timed = async <T>(phase: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const began = performance.now();
    const result = await work();
    times.push(`${phase} ${((performance.now() - began) / 1000).toFixed(1)} s`);
    return result;
  };

  note(`1. Music: ${seconds} s in the form A A B A, from a small synthesiser`);
  await timed("music", () => writeSong(song, seconds));
  note(`   ${song}`);

  const made = await isFile(join(model, "model.safetensors"));
  note(`2. A model in the shape of MERT-v1-95M with random weights${made ? ", from an earlier run" : ""}`);
  if (!made) await timed("weights", () => writeModel(model));
  note("   It is untrained: its embeddings show what a random network computes from audio, and nothing about music beyond that.");

  note("3. Embedding, as `ostinato embed` does");
  const loaded = await timed("loading", () =>
    openModel(model, { engine: "auto", device: "cpu", dtype: "fp32", inputNorm: "auto", localFilesOnly: true }, signal),
  );
  const results: FileResult[] = [];
  await timed("embedding", () =>
    embedAll(loaded, [{ file: song, name: "song" }], { out: embeddings, overwrite: true }, signal, (result) => void results.push(result)),
  );
  const [result] = results;
  await loaded.dispose();
  if (result?.error) throw result.error;
  signal.throwIfAborted();
  const { shape, output, provenance } = result!;

  note("4. A picture of similarities in each layer");
  try {
    await timed("picture", () =>
      drawPicture(picture, output!, { frameRateHz: provenance!.model.frameRateHz, openingSeconds: seconds / 4 }),
    );
    note(`   ${picture}`);
  } catch (error) {
    if (!(error instanceof DrawingPackagesError)) throw error;
    note(`   left out: ${error.message}`);
  }
  note(`\n${output}: float32 [${shape!.join(", ")}] = [layers + 1, frames, width], with its provenance in the .json beside it`);
  note(`Times: ${times.join(", ")}.`);
  note("Next, with trained weights (380 MB, CC BY-NC 4.0) and your own music:");
  note("  npx ostinato embed song.mp3 --model MERT-v1-95M --out embeddings");
}

async function writeSong(path: string, seconds: number): Promise<void> {
  const { shortSong } = await import("../synth/short-song.ts");
  const { encodeWav } = await import("../audio/wav.ts");
  await writeAtomic(path, encodeWav(shortSong({ seconds, seed: 1 })));
}

/** A model folder as on the hub, 380 MB. The weights are written last, so that a folder with weights is complete. */
async function writeModel(folder: string): Promise<void> {
  const { hfPreprocessor } = await import("../checkpoint/convert.node.ts");
  const { randomTensors } = await import("../checkpoint/random.ts");
  const { safetensorsChunks } = await import("../formats/safetensors.ts");
  const { architectureFromHf } = await import("../models/index.ts");
  const { model, hfConfig } = architectureFromHf({ model_type: "mert_model", sample_rate: 24_000 });
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
  await writeAtomic(join(folder, "README.md"), card);
  await writeAtomic(join(folder, "config.json"), json(hfConfig));
  await writeAtomic(join(folder, "preprocessor_config.json"), json(hfPreprocessor(model.sampleRateHz, false)));
  await writeAtomic(join(folder, "model.safetensors"), safetensorsChunks(randomTensors(model, 1), { format: "pt" }));
}

const card = `---
license: cc0-1.0
---
Random weights in the shape of MERT-v1-95M, made by \`ostinato demo\` from seed 1. It is untrained and only serves to try the software.
`;

async function drawPicture(path: string, array: string, piece: { frameRateHz: number; openingSeconds: number }): Promise<void> {
  const { writePng } = await import("../plot/png.node.ts");
  const { similarityPicture } = await import("./demo-picture.ts");
  const source = await fileSource(array);
  const tensor = await readNpy(source);
  await source.close();
  const [layers, frames, width] = tensor.shape as [number, number, number];
  const states = { values: toFloat32(tensor), layers, frames, width, frameRateHz: piece.frameRateHz };
  const chart = similarityPicture(states, { openingSeconds: piece.openingSeconds });
  await writePng(path, chart, { width: 1320, height: 860 });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
