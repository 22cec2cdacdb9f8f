// The browser's front door: `import … from "ostinato/browser"`. It reaches nothing that needs Node. Headings group the API reference.

export * from "./shared.ts";

// ## Models

export type { HttpSourceOptions } from "./base/http-source.ts";
export type { WebBackend, WebEngineOptions } from "./engines/onnx/engine.web.ts";
export type { OnnxDtype } from "./engines/onnx/weight-forms.ts";
export type { Comparison } from "./inference/compare.ts";
export { loadModelFromFiles, loadModelFromUrl, type WebLoadOptions, type WebModel } from "./inference/load.web.ts";

// ## Audio

export { type LoadReaderOptions, loadInThisThread as loadAudio } from "./audio/load.ts";
