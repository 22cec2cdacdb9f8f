// `ostinato download`: fetches a model into the cache, for container images and CI.
import { stat } from "node:fs/promises";
import { Command } from "commander";
import { licenceNotice } from "../hub/licence.ts";
import { megabytes } from "./models.ts";
import { type HubFlags, resolveOptions, withHubOptions } from "./open-model.ts";
import { interruptible, note, printJson } from "./outcome.ts";

interface DownloadFlags extends HubFlags {
  readonly json?: boolean;
}

export function downloadCommand(): Command {
  const command = new Command("download")
    .description("Fetch a model into the cache, so that later commands need no network.")
    .argument("<model>", "a registered name (see `ostinato models`), or a name on the hub");
  return withHubOptions(command)
    .option("--json", "print one JSON object: name, revision, licence and files")
    .addHelpText("after", "\nExample, in a Dockerfile:\n  RUN npx ostinato download MERT-v1-95M --cache-dir /models\n")
    .action((name: string, flags: DownloadFlags) => interruptible((signal) => run(name, flags, signal)));
}

async function run(name: string, flags: DownloadFlags, signal: AbortSignal): Promise<void> {
  const { resolveModel } = await import("../hub/resolve.node.ts");
  const { name: resolved, revision, licence, folder, files } = await resolveModel(name, resolveOptions(flags, signal));
  note(licenceNotice(resolved, licence));
  const paths = [files.config, files.preprocessor, files.index, ...files.weights].filter((path) => path !== undefined);
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (flags.json) printJson({ name: resolved, revision, licence, folder, files: paths, bytes });
  else process.stdout.write(`${folder}\n`);
  note(`${resolved}${revision ? ` (${revision.slice(0, 12)})` : ""}: ${paths.length} files, ${megabytes(bytes)}.`);
}
