// Compiles the libtorch addon, which the engine otherwise does at its first use: `node native/build.mjs` after `npm run build`.
import { buildAddon } from "../dist/engines/torch/build.js";

console.log(await buildAddon({ onStart: console.log }));
