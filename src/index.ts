// The front door: what users of the library call. Everything else is inside.

// Audio.
export { type AudioStream, type DecodeOptions, decodeBytes, decodeFile, decodeStream } from "./audio/decode.node.ts";
export type { DecodedAudio } from "./audio/decode.ts";
export { type AudioFault, UnreadableAudioError } from "./audio/faults.ts";
export { type AudioFacts, type LoadedAudio, loadAudio, probeAudio } from "./audio/load.node.ts";
export { type ResampleOptions, resample } from "./audio/resample.ts";
export { encodeWav } from "./audio/wav.ts";
export { downmix, type Waveform } from "./audio/waveform.ts";
export { type ByteSource, memorySource } from "./base/byte-source.ts";
export { type DType, type HostTensor, hostTensor, toFloat32 } from "./base/dtypes.ts";
// Errors, each of which says what was found and what to do.
export {
  AudioError,
  ConfigError,
  FormatError,
  HubError,
  NotFoundError,
  OstinatoError,
  ShapeError,
  TooShortError,
  UnsafeFileError,
} from "./base/errors.ts";
export { fileSource, writeAtomic } from "./base/files.node.ts";
// Checkpoints: read without being loaded, converted, exported.
export { type Converted, type ConvertOptions, convertCheckpoint } from "./checkpoint/convert.node.ts";
export { type ExportOptions, exportOnnx } from "./checkpoint/export.node.ts";
export { type ExportFolderOptions, exportFolder } from "./checkpoint/export-folder.node.ts";
export { openCheckpointFile, openCheckpointFolder, openCheckpointPath } from "./checkpoint/read.node.ts";
// Training data: crops with their labels, in batches, from files or from shards.
export type { BadClip, Batch } from "./data/batches/batch.ts";
export { type LoaderOptions, loadBatches } from "./data/batches/loader.ts";
export { joinLabels, joinManifests, planParts } from "./data/batches/parts.ts";
export { type Plan, type PlanRules, planBatches } from "./data/batches/plan.ts";
export type { Clip, LabelSet, LabelStamp, Manifest } from "./data/corpus.ts";
export type { OpenLabels } from "./data/labels/facts.ts";
export type { Problem } from "./data/labels/preflight.ts";
export { preflightFolder, requirePreflight } from "./data/labels/preflight-folder.ts";
// Manifests and label sets on disk.
export { convertLabels, findLabels, type LabelForm, openLabels } from "./data/labels/sets.ts";
export { type NamedManifest, readManifest, readManifests, writeManifests } from "./data/manifest/files.ts";
export { type PrepareManifestOptions, prepareManifest } from "./data/manifest/prepare.ts";
export type { ManifestReport } from "./data/manifest/report.ts";
export { loadShardBatches, openShards, type ShardSet } from "./data/shards/loader.ts";
export type { ShardRules } from "./data/shards/plan.ts";
export { type WriteShardsOptions, type WrittenShards, writeShards } from "./data/shards/writer.ts";
export type { AudioBytes, AudioSource, Samples } from "./embed/clip.ts";
// Embeddings of a clip and of a corpus.
export { type EmbedOptions, embed, embedFrames } from "./embed/embed.ts";
export { type EmbedFilesOptions, embedFiles, planCorpus } from "./embed/embed-files.ts";
export type { Embedding } from "./embed/embedding.ts";
export { TooLongError } from "./embed/memory.ts";
export type { FileResult } from "./embed/report.ts";
export type { StoreFormat } from "./embed/stores/index.ts";
export { onnxEngine } from "./engines/onnx/engine.node.ts";
export type { FairseqFile } from "./formats/fairseq.ts";
// Arrays on disk, and the plain values that go in and out.
export { npyBytes, npyInfo, readNpy, readNpyRows } from "./formats/npy.ts";
export { npzChunks, readNpz } from "./formats/npz.ts";
export { safetensorsChunks } from "./formats/safetensors.ts";
export { type LazyTensor, namedTensors, type TensorFile, type TensorInfo } from "./formats/tensor-file.ts";
export { type TorchTree, torchZipChunks } from "./formats/torch/write.ts";
// The hub: which models there are, and where their files lie.
export { type CachedModel, listCached } from "./hub/cached.node.ts";
export type { LocalModel } from "./hub/local.node.ts";
export { type Licence, lookup as lookupModel, type RegistryEntry, registry } from "./hub/registry.ts";
export { type ResolveOptions, resolveModel } from "./hub/resolve.node.ts";
export type { Codes, Encodec } from "./inference/encodec.ts";
export type { Encoder, LayerChoice, Padding, StreamOptions } from "./inference/encoder.ts";
// Models: a name or a folder becomes something that embeds.
export { type InputNormalisation, type LoadedModel, type LoadOptions, loadModel } from "./inference/load.node.ts";
export { loadEncodec } from "./inference/load-encodec.node.ts";
export { type FrameRun, type LongClip, longClip } from "./inference/long.ts";
// Pooling of hidden states by hand.
export {
  averageLayers,
  type HiddenStates,
  type LayerAverage,
  l2Normalise,
  type Pooling,
  type SoftmaxAverage,
  timeMean,
  type UnconstrainedAverage,
} from "./inference/pooling.ts";
export type { Provenance, Settings, Source, Windowing } from "./inference/provenance.ts";
export type { Architecture, FamilyName } from "./models/index.ts";
export type { Model } from "./models/model.ts";
export type { Engine } from "./ops/program.ts";
export { shortSong } from "./synth/short-song.ts";
// Teachers: what turns sound into the codes that pre-training predicts, and label sets made by them.
export { trainKMeansTo, trainRvqTo } from "./teachers/codebook-file.ts";
export { dspFeatures, type FrameFeatures } from "./teachers/features/features.ts";
export { clipFrames, type FrameSource } from "./teachers/features/frame-source.ts";
export { convolutionFeatures, layerFeatures } from "./teachers/features/layer-features.ts";
export { kmeansTeacher, rvqTeacher } from "./teachers/frame-teachers.ts";
export { type OpenTeacherOptions, openTeacher, type TeacherChoice } from "./teachers/open-teacher.ts";
export { type PrepareLabelsOptions, prepareLabels } from "./teachers/run/prepare.ts";
export type { LabelReport } from "./teachers/run/report.ts";
export type { Teacher } from "./teachers/teacher.ts";
