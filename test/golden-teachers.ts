// Golden cases of what labels are made from: mel, MFCC and EnCodec. What the repository's own golden folder lacks is read from
// ../shared/golden where that is at hand.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hostTensor, toFloat32 } from "../src/base/dtypes.ts";
import { logMel, melSpectrogram, mertMel, standardise } from "../src/dsp/mel.ts";
import { mfcc39 } from "../src/dsp/mfcc.ts";
import { parseNpy } from "../src/formats/npy.ts";
import { type Engine, noWeights, type Program } from "../src/ops/program.ts";

/** Where a golden folder lies, if it does. */
export function goldenSource(folder: string): string | undefined {
  const places = [`./golden/${folder}`, `../../shared/golden/${folder}`];
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path));
}

/** An array of a golden folder. @throws where the folder is not at hand: ask `goldenSource` first. */
export function goldenFrom(folder: string, file: string): { shape: readonly number[]; data: Float32Array } {
  const tensor = parseNpy(new Uint8Array(readFileSync(`${goldenSource(folder)}/${file}`)), file);
  return { shape: tensor.shape, data: toFloat32(tensor) };
}

export interface FeatureCase {
  readonly name: string;
  readonly folder: string;
  readonly expected: string;
  /** Largest error allowed; relative to the largest value where `relative`. */
  readonly bar: number;
  readonly relative: boolean;
  readonly run: Program["run"];
}

const mel = (folder: string, sampleRateHz: number): FeatureCase[] => [
  {
    name: "mel energies",
    folder,
    expected: "mel.npy",
    bar: 1e-4,
    relative: true,
    run: (ops, _, { x }) => ({ y: melSpectrogram(ops, x!, mertMel({ sampleRateHz })) }),
  },
  {
    name: "standardised log-mel",
    folder,
    expected: "logmel_standardised.npy",
    bar: 1e-4,
    relative: true,
    run: (ops, _, { x }) => ({ y: standardise(ops, logMel(ops, x!, mertMel({ sampleRateHz }))) }),
  },
];

const mfcc = (samples: number): FeatureCase => ({
  name: "39 MFCC",
  folder: `F_kmeans/mfcc_sr16000_len${samples}`,
  expected: "features39.npy",
  bar: 2e-3,
  relative: false,
  run: (ops, _, { x }) => ({ y: mfcc39(ops, x!, 16_000) }),
});

export const featureCases: readonly FeatureCase[] = [
  ...mel("E_logmel/sr24000_84mels", 24_000),
  ...mel("E_logmel/sr16000_84mels", 16_000),
  ...[400, 879, 8013, 16_000].map(mfcc),
];

/** The largest error of a case on an engine, as its bar is meant; NaN where the shape differs. */
export async function featureError(engine: Engine, { folder, expected, relative, run }: FeatureCase): Promise<number> {
  const input = goldenFrom(folder, "input.npy");
  const right = goldenFrom(folder, expected);
  const samples = input.shape.at(-1)!;
  const program: Program = { name: "feature", params: {}, inputs: { x: { dtype: "float32", shape: ["batch", "samples"] } }, run };
  const session = await engine.prepare(program, noWeights);
  const { y } = await session.run({ x: hostTensor(input.data, [input.data.length / samples, samples]) });
  await session.dispose();
  const found = toFloat32(y!);
  if (y!.shape.slice(-2).join() !== right.shape.slice(-2).join() || found.length !== right.data.length) return Number.NaN;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < found.length; i++) {
    worst = Math.max(worst, Math.abs(found[i]! - right.data[i]!));
    largest = Math.max(largest, Math.abs(right.data[i]!));
  }
  return relative ? worst / largest : worst;
}

export const encodecLengths = [1, 100, 320, 321, 960, 4801, 12_345, 24_000] as const;

/** What EnCodec answered for a wave of a length. */
export function encodecCase(length: number) {
  const folder = `D_encodec/len_${length}`;
  if (goldenSource(folder) === undefined) return undefined;
  const read = (file: string) => goldenFrom(folder, `${file}.npy`);
  const { shape, data } = read("embeddings"); // [1, width, frames]
  const [width, frames] = [shape[1]!, shape[2]!];
  const embeddings = Float32Array.from(data, (_, i) => data[(i % width) * frames + Math.floor(i / width)]!); // [frames, width]
  return { wave: read("input").data, embeddings, codes: read("codes"), margins: read("code_margin").data };
}

/** The largest error of embeddings, and how many codes differ where the margin is clear; a code wrong once makes all behind it moot. */
export function encodecErrors(
  found: { values: Int32Array; embeddings?: Float32Array },
  right: NonNullable<ReturnType<typeof encodecCase>>,
) {
  let [worst, wrong, clear] = [found.embeddings?.length === right.embeddings.length ? 0 : Number.NaN, 0, 0];
  right.embeddings.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - found.embeddings![i]!));
  });
  right.margins.forEach((margin, i) => {
    if (margin <= 1e-3) return;
    clear++;
    if (found.values[i] !== right.codes.data[i]) wrong++;
  });
  return { worst, wrong, clear, codes: right.margins.length };
}
