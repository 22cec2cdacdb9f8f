// The browser's front door: the part of the library that needs no Node, and the loaders that take addresses and files.

// Audio. Decoding keeps its thread busy: call it in a worker where the page must stay awake.
export { type CropOptions, type DecodedAudio, decodeInThisThread as decodeBytes } from "./audio/decode.ts";
export { type AudioFault, UnreadableAudioError } from "./audio/faults.ts";
export { type LoadedAudio, type LoadReaderOptions, loadInThisThread as loadAudio } from "./audio/load.ts";
export { type ResampleOptions, resample } from "./audio/resample.ts";
export { encodeWav } from "./audio/wav.ts";
export { downmix, type Waveform } from "./audio/waveform.ts";
export { type ByteSource, blobSource, memorySource } from "./base/byte-source.ts";
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
export { type HttpSourceOptions, httpSource } from "./base/http-source.ts";
export { openCheckpoint } from "./checkpoint/read.ts";
// Engines.
export { threadsAllowed, type WebBackend, type WebEngine, type WebEngineOptions, webEngine } from "./engines/onnx/engine.web.ts";
export type { Precision } from "./engines/onnx/weight-forms.ts";
// Arrays, and the plain values that go in and out.
export { npyBytes, parseNpy } from "./formats/npy.ts";
export type { TensorFile, TensorInfo } from "./formats/tensor-file.ts";
// Models: an address or files become something that embeds.
export { type Licence, lookup as lookupModel, type RegistryEntry, registry } from "./hub/registry.ts";
export type { Comparison } from "./inference/compare.ts";
export type { Encoder, LayerChoice, Padding, StreamOptions } from "./inference/encoder.ts";
export { loadModelFromFiles, loadModelFromUrl, type WebLoadOptions, type WebModel } from "./inference/load.web.ts";
export { type FrameRun, type LongClip, longClip } from "./inference/long.ts";
// Pooling of hidden states by hand.
export {
  averageLayers,
  type HiddenStates,
  type LayerAverage,
  l2Normalise,
  type SoftmaxAverage,
  timeMean,
  type UnconstrainedAverage,
} from "./inference/pooling.ts";
export type { Architecture, FamilyName } from "./models/index.ts";
export type { Model } from "./models/model.ts";
export type { Engine } from "./ops/program.ts";
