// Fetches a model in a process of its own: prints how far each file is, and the folder at the end. To be run many at once, killed and stopped.
import { resolveModel } from "../dist/hub/resolve.node.js";

const { name, options } = JSON.parse(process.argv[2]);
try {
  const found = await resolveModel(name, {
    ...options,
    onProgress: ({ file, receivedBytes }) => process.stdout.write(`${file} ${receivedBytes}\n`),
  });
  process.stdout.write(`folder ${found.folder}\n`);
} catch (error) {
  process.stdout.write(`error ${error.name}: ${error.message}\n`);
  process.exitCode = 1;
}
