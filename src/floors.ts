// The map of the library as data: which room stands on which floor. A room imports lower floors only; rooms of one floor never meet.
// `test/architecture.test.ts` holds it.

/** Rooms by floor, from the ground up. A folder within a room may be a room of its own (`engines/onnx`). */
export const floors: readonly (readonly string[])[] = [
  ["base"],
  ["formats", "ops", "plot"],
  ["audio", "dsp", "engines/onnx", "engines/torch", "hub"],
  ["models", "data"],
  ["checkpoint"],
  ["inference"],
  ["embed", "labels"],
  [],
  [],
  ["cli"],
];
