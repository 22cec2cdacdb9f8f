// A corpus run in a process of its own, to be killed: embeds as its first argument says, and prints each file that is done or failed, its
// resident memory now and then, and at the end how it went.
import { embedFiles, loadModel, planCorpus } from "../dist/index.js";

const { model: folder, inputs, options } = JSON.parse(process.argv[2]);
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`);
const memory = (count) => say("memory", count, Math.round(process.memoryUsage.rss() / 1e6));

const model = await loadModel(folder, { threads: 1, localFilesOnly: true });
const began = performance.now();
const corpus = await planCorpus(inputs);
say("planned", corpus.length, Math.round(performance.now() - began));
let count = 0;
for await (const { file, status } of embedFiles(model, corpus, options)) {
  if (status !== "skipped") say(status, file);
  if (++count % 5000 === 0) memory(count);
}
say("peak", Math.round(process.resourceUsage().maxRSS / 1e3));
await model.dispose();
