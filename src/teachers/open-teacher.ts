// Opening a teacher as it is asked for: EnCodec from a folder or by its hub name, k-means and residual quantisers from a file, or trained on the
// manifest first. Training goes on where a killed run stopped.
import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { loadAudio } from "../audio/load.node.ts";
import { ConfigError, OstinatoError } from "../base/errors.ts";
import { sha256File } from "../base/hash.node.ts";
import type { Manifest } from "../data/manifest/manifest.ts";
import { type ResolveOptions, resolveModel } from "../hub/resolve.node.ts";
import { chooseEngine, type EngineOptions } from "../inference/choose-engine.node.ts";
import { loadModel } from "../inference/load.node.ts";
import { loadEncodec } from "../inference/load-encodec.node.ts";
import type { Engine } from "../ops/program.ts";
import { loadKMeans, loadRvq, trainKMeansTo, trainRvqTo } from "./codebook-file.ts";
import { type DspKind, dspFeatures, type FrameFeatures } from "./features/features.ts";
import { clipFrames, type FrameSource } from "./features/frame-source.ts";
import { layerFeatures } from "./features/layer-features.ts";
import { kmeansTeacher, rvqTeacher } from "./frame-teachers.ts";
import type { StampedTeacher } from "./run/corpus.ts";

export const teacherKinds = ["codec", "kmeans", "rvq"] as const;
export type TeacherKind = (typeof teacherKinds)[number];

/** Which teacher, with the settings of its kind. */
export interface TeacherChoice {
  readonly kind: TeacherKind;
  /** codec: a checkpoint, its folder or its hub name; layer features: the model. Default of codec: facebook/encodec_24khz. */
  readonly model?: string | undefined;
  /** codec: codebooks; default 8. */
  readonly codebooks?: number | undefined;
  /** kmeans, rvq: what the frames are; default mfcc for kmeans, logmel for rvq. */
  readonly features?: DspKind | "layer" | undefined;
  /** Layer features: entry of hidden_states. */
  readonly layer?: number | undefined;
  /** kmeans, rvq: a trained quantiser's file. Without it one is trained to `trainTo`. */
  readonly codebook?: string | undefined;
  /** kmeans: default 100 for MFCC, 300 for log-mel, 200 for chroma, 500 for a layer. */
  readonly clusters?: number | undefined;
  /** rvq: default 8 stages of 1024. */
  readonly stages?: number | undefined;
  readonly size?: number | undefined;
  readonly seed?: number | undefined;
  /** Starts tried, and passes at most; default HuBERT's 20 and 100, of rvq 3 and 100. */
  readonly starts?: number | undefined;
  readonly maxPasses?: number | undefined;
}

/** What a teacher that must be fetched or trained needs. */
export interface OpenTeacherOptions extends ResolveOptions, Omit<EngineOptions, "onNotice"> {
  /** The manifests' rate. */
  readonly sampleRateHz: number;
  /** What is trained on. */
  readonly train: readonly Manifest[];
  /** Where a trained quantiser goes. */
  readonly trainTo: string;
  readonly batchSize?: number;
  /** Told how training goes, in a line. */
  readonly onTraining?: (line: string) => void;
}

/** What labels of a teacher are called where nobody names them: codec, rvq, mfcc, logmel, chroma, layer6. */
export function defaultLabel({ kind, features, layer }: TeacherChoice): string {
  if (kind !== "kmeans") return kind;
  return features === "layer" ? `layer${layer}` : (features ?? "mfcc");
}

/** Opens a teacher: fetches its weights, or trains its quantiser where none is given.
 *  @throws ConfigError for settings that don't go together, and what opening and training throw. */
export async function openTeacher(choice: TeacherChoice, options: OpenTeacherOptions): Promise<StampedTeacher> {
  const engine = teacherEngine(options);
  if (choice.kind === "codec") return openCodec(choice, engine, options);
  const { features, dispose } = await openFeatures(choice, engine, options);
  try {
    const opened =
      choice.kind === "kmeans" ? await openKMeans(choice, features, engine, options) : await openRvq(choice, features, engine, options);
    const own = opened.teacher.dispose;
    return { ...opened, teacher: { ...namedByDtype(opened.teacher, options), dispose: () => own().then(dispose) } };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The engine; a signal ends training, too, at its next call. ONNX Runtime's waiting threads sleep, since several sessions take turns. */
function teacherEngine(options: OpenTeacherOptions): Engine {
  const { engine } = chooseEngine(options, { spin: false });
  return {
    ...engine,
    async prepare(program, weights) {
      const session = await engine.prepare(program, weights);
      const run: typeof session.run = async (...inputs) => {
        options.signal?.throwIfAborted();
        return session.run(...inputs);
      };
      return { run, dispose: () => session.dispose() };
    },
  };
}

async function openCodec(choice: TeacherChoice, engine: Engine, options: OpenTeacherOptions): Promise<StampedTeacher> {
  const given = choice.model ?? "facebook/encodec_24khz";
  const there = await stat(given).catch(() => undefined);
  const path = there ? given : (await resolveModel(given, options)).folder;
  const { codebooks } = choice;
  const teacher = await loadEncodec(path, engine, {
    ...(codebooks !== undefined && { codebooks }),
    ...(options.batchSize !== undefined && { batch: options.batchSize }),
  });
  return { teacher: namedByDtype(teacher, options), hash: await checkpointHash(path) };
}

/** A teacher's name says in which dtype it computed, where that is not the exact one. */
function namedByDtype<T extends StampedTeacher["teacher"]>(teacher: T, { dtype = "fp32" }: EngineOptions): T {
  return dtype === "fp32" ? teacher : { ...teacher, name: `${teacher.name}, ${dtype}` };
}

/** SHA-256 of a checkpoint's weights; of several files, of their hashes in order. */
async function checkpointHash(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return sha256File(path);
  const files = (await readdir(path)).filter((name) => /\.(safetensors|pt|pth|th|bin)$/.test(name)).sort();
  const hashes: string[] = [];
  for (const name of files) hashes.push(await sha256File(join(path, name)));
  return hashes.length === 1 ? hashes[0]! : createHash("sha256").update(hashes.join("\n")).digest("hex");
}

async function openFeatures(
  { kind, features = kind === "rvq" ? "logmel" : "mfcc", model, layer }: TeacherChoice,
  engine: Engine,
  options: OpenTeacherOptions,
): Promise<{ features: FrameFeatures; dispose(): Promise<void> }> {
  const { sampleRateHz } = options;
  if (features !== "layer") {
    const made = await dspFeatures(features, engine, { sampleRateHz });
    return { features: made, dispose: () => made.dispose() };
  }
  if (model === undefined || layer === undefined) {
    throw new ConfigError("Features of a layer need to know whose: give a model and a layer (--model m-a-p/MERT-v1-95M --layer 6).");
  }
  const loaded = await loadModel(model, options);
  const hashes = await loaded.weightsSha256();
  const name = `${model} (${hashes.map((hash) => hash.slice(0, 12)).join(", ")}${options.dtype && options.dtype !== "fp32" ? `, ${options.dtype}` : ""})`;
  return { features: layerFeatures(loaded, { model: name, layer }), dispose: () => loaded.dispose() };
}

const defaultClusters = { mfcc: 100, logmel: 300, chroma: 200, layer: 500 } as const;

async function openKMeans(choice: TeacherChoice, features: FrameFeatures, engine: Engine, options: OpenTeacherOptions) {
  const { codebook, clusters = defaultClusters[choice.features ?? "mfcc"] } = choice;
  if (codebook === undefined) {
    await trainKMeansTo(options.trainTo, await sourceOf(features, options), engine, { clusters, ...trainOptions(choice) }, (state) => {
      options.onTraining?.(
        `k-means of ${clusters}: pass ${state.position.pass}, ${state.steps} steps, inertia ${state.inertia.toPrecision(4)} a frame`,
      );
    });
  }
  const path = codebook ?? options.trainTo;
  return { teacher: await kmeansTeacher(features, await loadKMeans(path), engine), hash: await sha256File(path) };
}

async function openRvq(choice: TeacherChoice, features: FrameFeatures, engine: Engine, options: OpenTeacherOptions) {
  const { codebook, stages = 8, size = 1024 } = choice;
  if (codebook === undefined) {
    await trainRvqTo(
      options.trainTo,
      await sourceOf(features, options),
      engine,
      { stages, size, ...trainOptions({ ...choice, starts: choice.starts ?? 3 }) },
      ({ quantiser }) => {
        options.onTraining?.(
          `residual quantiser: stage ${quantiser.shape[0]} of ${stages}, inertia ${quantiser.inertias.at(-1)!.toPrecision(4)} a frame`,
        );
      },
    );
  }
  const path = codebook ?? options.trainTo;
  const quantiser = await loadRvq(path);
  const [asked, held] = [
    `${stages} x ${size}, seed ${choice.seed ?? 0}`,
    `${quantiser.shape[0]} x ${quantiser.shape[1]}, seed ${quantiser.seed}`,
  ];
  if (codebook === undefined && asked !== held) {
    throw new ConfigError(
      `${path} holds a quantiser of ${held}; asked for was ${asked}. Give it as the codebook, remove it, or label under another name.`,
    );
  }
  return { teacher: await rvqTeacher(features, quantiser, engine), hash: await sha256File(path) };
}

function trainOptions({ seed = 0, starts, maxPasses }: TeacherChoice) {
  return { seed, ...(starts !== undefined && { starts }), ...(maxPasses !== undefined && { maxPasses }) };
}

/** Frames of the training clips. One that can't be read gives none: labelling will name it. */
async function sourceOf(features: FrameFeatures, { train, sampleRateHz, onTraining, signal }: OpenTeacherOptions): Promise<FrameSource> {
  if (features.sampleRateHz !== sampleRateHz) {
    throw new ConfigError(
      `The manifest's lengths count at ${sampleRateHz} Hz, but ${features.name} hears ${features.sampleRateHz} Hz. Make the manifest with --sample-rate ${features.sampleRateHz}.`,
    );
  }
  const clips = train.flatMap(({ root, clips: own }) =>
    own.map(({ path, samples }) => ({
      samples,
      load: async () => (await loadAudio(join(root, path), { sampleRateHz, signal })).samples,
    })),
  );
  const source = clipFrames(features, clips);
  onTraining?.(`training on ${source.totalFrames} frames of ${clips.length} clips: ${features.name}`);
  return {
    ...source,
    async *clip(index) {
      try {
        yield* source.clip(index);
      } catch (error) {
        signal?.throwIfAborted();
        if (!(error instanceof OstinatoError)) throw error;
      }
    },
  };
}
