// What both front doors offer: what runs in Node and in browsers alike. Headings group the API reference.

// ## Models

export { type Licence, type RegistryEntry, registry } from "./hub/registry.ts";
export type { ClipStatistics } from "./inference/clip-statistics.ts";
export type { Encoder, EncoderOptions, LayerChoice, Padding, StreamOptions } from "./inference/encoder.ts";
export type { InputNormalisation } from "./inference/input-normalisation.ts";
export type { FrameRun, LongClip } from "./inference/long.ts";
export type { Architecture, FamilyName } from "./models/index.ts";
export type { Model } from "./models/model.ts";
export type { Engine } from "./ops/program.ts";

// ## Pooling hidden states

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

// ## Comparing vectors

export { cosine, type Neighbour, topK } from "./inference/similarity.ts";

// ## Audio

export type { CropOptions } from "./audio/decode.ts";
export type { LoadedAudio } from "./audio/load.ts";
export { type ResampleOptions, resample } from "./audio/resample.ts";
export { downmix, type Waveform } from "./audio/waveform.ts";

// ## Errors

export { type AudioFault, UnreadableAudioError } from "./audio/faults.ts";
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
