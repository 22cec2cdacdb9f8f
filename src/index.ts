// The front door in Node: `import … from "ostinato"`. Everything else is inside. Headings group the API reference.

export * from "./shared.ts";

// ## Models

export { onnxEngine } from "./engines/onnx/engine.node.ts";
export { type LoadedModel, loadModel } from "./inference/load.node.ts";
export type { LoadOptions } from "./inference/load-options.ts";

// ## Embedding

export { embed, embedFrames, vector } from "./embed/embed.ts";
export { type CorpusFile, embedFiles } from "./embed/embed-files.ts";
export { embedMany } from "./embed/embed-many.ts";
export type { Embedding, EmbeddingFacts, PooledShape } from "./embed/embedding.ts";
export type { AudioBytes, AudioSource, Samples } from "./embed/input.ts";
export type { EmbedFilesOptions, EmbedManyOptions, EmbedOptions } from "./embed/options.ts";
export { type RecommendedLayers, recommendedLayers } from "./embed/recommend.ts";
export type { FileResult } from "./embed/report.ts";
export type { StoreFormat } from "./embed/stores/index.ts";
export type { Provenance, Settings, Source, Windowing } from "./inference/provenance.ts";

// ## Audio

export { loadAudio } from "./audio/load.node.ts";
export { shortSong } from "./synth/short-song.ts";

// ## Arrays and checkpoints on disk

export type { ByteSource } from "./base/byte-source.ts";
export type { DType, ModelDtype } from "./base/dtypes.ts";
export { fileSource } from "./base/files.node.ts";
export { type HostTensor, toFloat32 } from "./base/host-tensor.ts";
export { openCheckpointPath } from "./checkpoint/read.node.ts";
export { npyInfo, readNpy, readNpyRows } from "./formats/npy.ts";
export { readNpz } from "./formats/npz.ts";
export type { LazyTensor, TensorFile, TensorInfo } from "./formats/tensor-file.ts";

// ## The hub

export { type CachedModel, listCached } from "./hub/cached.node.ts";
export type { LocalModel } from "./hub/local.node.ts";
export { type ResolveOptions, resolveModel } from "./hub/resolve.node.ts";

// ## Preparing data for pre-training

export type { LabelSet, LabelStamp, OpenLabels } from "./data/labels/label-set.ts";
export type { Problem } from "./data/labels/preflight.ts";
export { preflightFolder } from "./data/labels/preflight-folder.ts";
export { type LabelForm, openLabels } from "./data/labels/sets.ts";
export { type NamedManifest, readManifest, readManifests } from "./data/manifest/files.ts";
export type { Clip, Manifest } from "./data/manifest/manifest.ts";
export { type PrepareManifestOptions, prepareManifest } from "./data/manifest/prepare.ts";
export type { ManifestReport } from "./data/manifest/report.ts";
export type { Codes, Encodec } from "./inference/encodec.ts";
export { loadEncodec } from "./inference/load-encodec.node.ts";
export type { TeacherChoice } from "./teachers/choice.ts";
export { type PrepareLabelsOptions, prepareLabels } from "./teachers/run/prepare.ts";
export type { LabelReport } from "./teachers/run/report.ts";

// ## Training batches

export type { BadClip, Batch } from "./data/batches/batch.ts";
export { type LoaderOptions, loadBatches } from "./data/batches/loader.ts";
export { joinLabels, joinManifests, planParts } from "./data/batches/parts.ts";
export { type Plan, type PlanRules, planBatches } from "./data/batches/plan.ts";
export { loadShardBatches, openShards, type ShardSet } from "./data/shards/loader.ts";
export type { ShardRules } from "./data/shards/plan.ts";

// ## Errors

export { TooLongError } from "./embed/memory.ts";
export { LicenceError } from "./hub/licence.ts";
export { DisposedError } from "./inference/disposal.ts";
