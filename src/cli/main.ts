// The command line: registers the commands and turns errors into exit codes. A command sets process.exitCode itself when some items failed.
import { Command, CommanderError } from "commander";
import { ostinatoVersion } from "../base/version.ts";
import { convertCommand } from "./convert.ts";
import { demoCommand } from "./demo.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand, setupCommand } from "./doctor.ts";
import { downloadCommand } from "./download.ts";
import { embedCommand } from "./embed.ts";
import { exportCommand } from "./export.ts";
import { inspectCommand } from "./inspect.ts";
import { modelsCommand } from "./models.ts";
import { exitCodes, reportError } from "./outcome.ts";
import { prepareCommand } from "./prepare.ts";
import { synthCommand } from "./synth.ts";
import { verifyCommand } from "./verify.ts";

/** Runs the command given by `args` (without node and the script) and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command("ostinato")
    .description("Self-supervised music-audio models: embeddings, checkpoints, and data for pre-training.")
    .version(ostinatoVersion, "-V, --version")
    .addHelpText("after", "\nExample:\n  $ ostinato embed song.mp3 --model MERT-v1-95M --out embeddings\n");
  const commands = [
    embedCommand(),
    modelsCommand(),
    downloadCommand(),
    inspectCommand(),
    convertCommand(),
    exportCommand(),
    diffCommand(),
    verifyCommand(),
    doctorCommand(),
    setupCommand(),
    demoCommand(),
    synthCommand(),
    prepareCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap((each) => each.commands)]) {
    const name = [command.parent?.parent, command.parent, command].flatMap((each) => each?.name() ?? []).join(" ");
    command.exitOverride().showSuggestionAfterError().showHelpAfterError(`Run \`${name} --help\` for usage.`);
  }
  exitOnClosedPipe();
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    // Commander has printed its message.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    else process.exitCode = reportError(error);
  }
}

/** A closed pipe (`ostinato models | head -1`) is no failure. */
function exitOnClosedPipe(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitCodes.done);
  });
}
