// The version of this library, for provenance. A constant, so that it survives bundling; a test compares it with package.json.

export const ostinatoVersion = "0.1.0";
