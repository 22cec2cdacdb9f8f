// Runs TypeScript snippets one after the other in one process, each in the folder it lies in, and answers with what it printed.
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

process.on("message", async ({ path, env }) => {
  const lines = [];
  console.log = (...values) => lines.push(format(...values));
  try {
    process.chdir(dirname(path));
    Object.assign(process.env, env);
    await import(pathToFileURL(path).href);
    process.send({ output: lines.join("\n") });
  } catch (error) {
    process.send({ output: lines.join("\n"), error: error instanceof Error ? error.stack : String(error) });
  }
});
