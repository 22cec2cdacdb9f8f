// `ostinato prepare`: from a folder of recordings to what pre-training reads.
import { Command } from "commander";
import { allCommand } from "./prepare-all.ts";
import { checkCommand, storeCommand } from "./prepare-check.ts";
import { joinCommand, labelsCommand } from "./prepare-labels.ts";
import { manifestCommand } from "./prepare-manifest.ts";
import { shardsCommand } from "./prepare-shards.ts";

export function prepareCommand(): Command {
  const command = new Command("prepare").description("Prepare recordings for pre-training: manifests, labels, and a check of both.");
  for (const step of [manifestCommand(), labelsCommand(), joinCommand(), allCommand(), checkCommand(), storeCommand(), shardsCommand()])
    command.addCommand(step);
  return command.addHelpText("after", examples);
}

const examples = `
Every step resumes where it was stopped, and does nothing twice.

Examples:
  $ ostinato prepare all music --out data --labels codec
      data/manifest: what the folder holds; data: labels, and manifests of the clips that have them
  $ ostinato prepare manifest music --out data/manifest
  $ ostinato prepare labels data/manifest --out data --labels kmeans --features logmel
  $ ostinato prepare check data
  $ ostinato prepare shards data --out shards
`;
