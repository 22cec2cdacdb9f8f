// A corpus run in a process of its own, to be killed: embeds as its first argument says and prints each file that is done or failed.
import { embedFiles, loadModel } from "../dist/index.js";

const { model: folder, inputs, options } = JSON.parse(process.argv[2]);
const model = await loadModel(folder, { threads: 1, localFilesOnly: true });
for await (const { file, status } of embedFiles(model, inputs, options)) {
  if (status !== "skipped") process.stdout.write(`${status} ${file}\n`);
}
await model.dispose();
