// A corpus: one npy for each file, errors reported per file, and finished files skipped by a second run. Ctrl-C loses nothing.
//   npx tsx examples/embed-a-folder.ts [model] [folder] [out]
import { embedFiles, loadModel } from "ostinato";

const [name = "MERT-v1-95M", folder = "music", out = "embeddings"] = process.argv.slice(2);

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const model = await loadModel(name);
const corpus = embedFiles(model, [folder], { out, layers: "last", windowSeconds: 30, overlapSeconds: 2, signal: stop.signal });
for await (const { file, status, output, shape, error } of corpus) {
  if (status === "failed") console.log(`${file} failed: ${error?.message}`);
  else console.log(`${file} ${status}${shape ? `: ${output} [${shape.join(", ")}]` : ""}`);
}
await model.dispose();
