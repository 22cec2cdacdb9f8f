// The map of the library as data: which room stands on which floor, and on which platforms it runs. A room imports lower floors only; rooms of
// one floor never import each other. `test/architecture.test.ts` checks it.

/** Where a room runs. "node": in Node alone, so its files may import `node:` modules and carry no suffix. "any": in Node and in browsers, so what
 *  needs Node is in files ending `.node.ts`, and what needs a browser in files ending `.web.ts`. */
export type Platform = "any" | "node";

/** A folder of `src/`, or a folder within such a folder (`engines/onnx`). */
export interface Room {
  readonly platform: Platform;
}

const any: Room = { platform: "any" };
const node: Room = { platform: "node" };

/** Rooms by floor, from the ground up. */
export const floors: readonly Readonly<Record<string, Room>>[] = [
  { base: any },
  { formats: any, ops: any, plot: any },
  { audio: any, dsp: any, "engines/onnx": any, "engines/torch": node, hub: any },
  { models: any, synth: node, data: node },
  { checkpoint: any },
  { inference: any },
  { embed: node, teachers: node },
  {},
  {},
  { cli: node },
];

/** The npm packages that may reach a browser: each is known to run there. */
export const browserPackages: readonly string[] = [
  "@bufbuild/protobuf",
  "@wasm-audio-decoders/flac",
  "@wasm-audio-decoders/ogg-vorbis",
  "fflate",
  "mpg123-decoder",
  "ogg-opus-decoder",
  "onnxruntime-common",
  "onnxruntime-web",
  "pure-rand",
  "zod",
];
