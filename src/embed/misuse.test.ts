// Misuse of the library: each mistake is refused with what was given and what to do, never with a TypeError of the runtime.
import { afterAll, beforeAll, expect, test } from "vitest";
import { goldenPath } from "../../test/fixtures/golden.ts";
import { OstinatoError } from "../base/errors.ts";
import { type LoadedModel, loadModel } from "../inference/load.node.ts";
import { embed, embedFrames, vector } from "./embed.ts";
import { embedFiles } from "./embed-files.ts";
import { embedMany } from "./embed-many.ts";

const folder = goldenPath("A_models/mert_95m_24k");
let model: LoadedModel;
beforeAll(async () => {
  model = await loadModel(folder, { threads: 1, onNotice: () => {} });
});
afterAll(() => model.dispose());

const samples = new Float32Array(24_000);
const sound = { samples, sampleRateHz: 24_000 };
// biome-ignore lint/suspicious/noExplicitAny: what the compiler would refuse is what is tested
const wrong = (value: unknown): any => value;
const first = async (iterable: AsyncIterable<unknown>) => {
  for await (const each of iterable) return each;
};
const disposed = async () => {
  const other = await loadModel(folder, { threads: 1, onNotice: () => {} });
  await other.dispose();
  return { ...other, name: "mine" };
};

const accepted =
  "Give a path, a file URL, the bytes of an audio file (Buffer, Uint8Array, ArrayBuffer, Blob or a ReadableStream of bytes), or { samples, sampleRateHz } with a Float32Array of mono samples.";

test.each<[mistake: string, () => Promise<unknown>, message: string]>([
  [
    "an address",
    () => embed(model, "https://a.b/c.mp3"),
    'Audio is not fetched from an address. Fetch "https://a.b/c.mp3" first and give the Blob: await (await fetch("https://a.b/c.mp3")).blob().',
  ],
  [
    "an address as a URL",
    () => embed(model, new URL("http://a.b/c")),
    'Fetch "http://a.b/c" first and give the Blob: await (await fetch("http://a.b/c")).blob().',
  ],
  [
    "an address of a store",
    () => embed(model, "s3://bucket/song.mp3"),
    `The audio is the address "s3://bucket/song.mp3", which this library can't open. ${accepted}`,
  ],
  ["nothing", () => embed(model, wrong(undefined)), `The audio is undefined. ${accepted}`],
  ["a number", () => vector(model, wrong(7)), `The audio is 7. ${accepted}`],
  [
    "several inputs",
    () => embed(model, wrong(["a.wav", "b.wav"])),
    `The audio is an array of 2; embedMany takes several inputs. ${accepted}`,
  ],
  ["a Promise", () => embed(model, wrong(Promise.resolve("a.wav"))), `The audio is a Promise; await it first. ${accepted}`],
  ["a Response", () => embed(model, wrong(new Response("x"))), `The audio is a Response; give await response.blob(). ${accepted}`],
  [
    "samples without a rate",
    () => embed(model, wrong(samples)),
    `The audio is a Float32Array without a sample rate; write { samples, sampleRateHz }. ${accepted}`,
  ],
  ["bytes of integers", () => embed(model, wrong(new Int16Array(9))), `The audio is an Int16Array. ${accepted}`],
  [
    "integer samples",
    () => embed(model, wrong({ samples: new Int16Array(9), sampleRateHz: 24_000 })),
    "samples is an Int16Array. Give a Float32Array of mono samples from -1 to 1. Convert them: Float32Array.from(samples, (sample) => sample / 32768).",
  ],
  ["a list of samples", () => embed(model, wrong({ samples: [0, 0.1], sampleRateHz: 24_000 })), "samples is an array of 2"],
  [
    "a rate in kilohertz",
    () => embed(model, { samples, sampleRateHz: 24 }),
    "sampleRateHz is 24. Give the rate of the samples in hertz, from 1000 to 1600000.",
  ],
  [
    "no samples at all",
    () => embed(model, { samples: new Float32Array(0), sampleRateHz: 24_000 }),
    "The waveform has no samples. Give at least one frame of audio.",
  ],
  [
    "one layer as a number",
    () => embed(model, sound, { layers: wrong(2) }),
    'The option layers of embed is 2. Give "all", "last", "recommended" or a list of numbers such as [0, 6, 12].',
  ],
  ["layer in the singular", () => embed(model, sound, wrong({ layer: [1] })), 'embed has no option "layer". Did you mean layers?'],
  [
    "a pooling that does not exist",
    () => embed(model, sound, { pooling: wrong("max") }),
    'The option pooling of embed is "max". Give "none", "mean" or "weighted".',
  ],
  ["half a batch", () => embed(model, sound, { batchSize: 0.5 }), "The option batchSize of embed is 0.5. Give a whole number from 1."],
  [
    "weights as a list",
    () => embed(model, sound, { pooling: "weighted", weights: wrong([1, 2]) }),
    'The option weights of embed is [1, 2]. Give { kind: "softmax", logits: […] } or { kind: "unconstrained", weights: […], bias: 0 }.',
  ],
  ["pooling of a vector", () => vector(model, sound, wrong({ pooling: "mean" })), 'vector has no option "pooling".'],
  ["an option of corpora for a file", () => embed(model, sound, wrong({ overwrite: true })), 'embed has no option "overwrite".'],
  [
    "a text instead of options",
    () => embed(model, sound, wrong("mean")),
    'The options of embed are "mean". Give an object such as { layers: … }.',
  ],
  [
    "a signal that is a controller",
    () => embed(model, sound, { signal: wrong(new AbortController()) }),
    "Give an AbortSignal, such as AbortSignal.timeout(10_000).",
  ],
  [
    "a model's name instead of a model",
    () => embed(wrong("MERT-v1-95M"), sound),
    'The model given to embed is "MERT-v1-95M". Load it first: const model = await loadModel("MERT-v1-95M").',
  ],
  [
    "a model that is not awaited",
    () => first(embedFrames(wrong(Promise.resolve(model)), sound)),
    "The model given to embedFrames is a Promise. Load it first",
  ],
  [
    "one input for many",
    () => first(embedMany(model, wrong("a.wav"))),
    'The inputs of embedMany are "a.wav". Give a list: embedMany(model, [input]).',
  ],
  ["no output folder", () => first(embedFiles(model, ["a.wav"], wrong({}))), "embedFiles needs the option out, the folder of the outputs."],
  [
    "a format that does not exist",
    () => first(embedFiles(model, ["a.wav"], { out: "x", format: wrong("csv") })),
    'The option format of embedFiles is "csv". Give "npy", "npz", "parquet" or "jsonl".',
  ],
  ["use after dispose", async () => embed(await disposed(), sound), "was disposed. Load it again, or dispose it after the last call."],
  [
    "a stream after dispose",
    async () => first(embedFrames(await disposed(), sound)),
    "was disposed. Load it again, or dispose it after the last call.",
  ],
  [
    "precision instead of dtype",
    () => loadModel(folder, wrong({ precision: "q8" })),
    'loadModel has no option "precision". Did you mean dtype?',
  ],
  [
    "a dtype of torch",
    () => loadModel(folder, { dtype: wrong("float16") }),
    'The option dtype of loadModel is "float16". Give "fp32", "fp16", "bf16", "q8" or "q4".',
  ],
  [
    "threads as a text",
    () => loadModel(folder, { threads: wrong("2") }),
    'The option threads of loadModel is "2". Give a whole number from 1.',
  ],
  [
    "an engine that does not exist",
    () => loadModel(folder, { engine: wrong("tensorflow") }),
    'The option engine of loadModel is "tensorflow". Give "auto", "onnx", "torch" or an engine such as onnxEngine({ threads: 2 }).',
  ],
  [
    "no model",
    () => loadModel(wrong(undefined)),
    'The model is undefined. Give a name such as "MERT-v1-95M", or the path of a folder or checkpoint.',
  ],
  ["bytes as a model", () => loadModel(wrong(Buffer.from("x"))), "The model is Buffer of 1 bytes. Give a name"],
  [
    "an engine object for a worker",
    () => loadModel(folder, { worker: true, engine: { name: "mine", prepare: wrong(() => {}) } }),
    'An engine object can\'t be sent to a worker thread. Give engine: "onnx" or "torch" with worker: true.',
  ],
])("%s", async (_, misuse, message) => {
  const error = await misuse().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(OstinatoError);
  expect((error as OstinatoError).message).toContain(message);
  expect((error as OstinatoError).code).toMatch(/^OSTINATO_(CONFIG|DISPOSED)$/);
});

test("dispose twice is no mistake", async () => {
  const other = await loadModel(folder, { threads: 1, onNotice: () => {} });
  await Promise.all([other.dispose(), other.dispose()]);
  await other.dispose();
});
