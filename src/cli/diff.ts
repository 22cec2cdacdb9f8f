// `ostinato diff`: the first tap at which two engines, dtypes or checkpoints differ.
import { Command, Option } from "commander";
import { modelDtypes } from "../base/dtypes.ts";
import { ConfigError } from "../base/errors.ts";
import { table } from "./models.ts";
import { type HubFlags, openModel, withHubOptions } from "./open-model.ts";
import { exitCodes, interruptible, note, printJson } from "./outcome.ts";

interface DiffFlags extends HubFlags {
  readonly engine: string;
  readonly dtype: string;
  readonly seconds: string;
  readonly json?: boolean;
}

export function diffCommand(): Command {
  const command = new Command("diff")
    .description("Run one clip through two models and report the first tap at which they differ.")
    .argument("<modelA>", "a model's name, folder or checkpoint file")
    .argument("<modelB>", "another model, or the same with another engine or dtype")
    .argument("<audio>", "an audio file")
    .addOption(new Option("--engine <A,B>", "one engine for both, or one for each").default("auto"))
    .addOption(new Option("--dtype <A,B>", "one dtype for both, or one for each").default("fp32"))
    .option("--seconds <S>", "length of the excerpt", "5");
  return withHubOptions(command)
    .option("--json", "print one JSON object for each tap")
    .addHelpText(
      "after",
      "\nExit code 1: they differ.\n\nExamples:\n  $ ostinato diff MERT-v1-95M MERT-v1-95M song.mp3 --dtype fp32,q8\n  $ ostinato diff ./mine ./converted song.mp3 --engine onnx,torch\n",
    )
    .action((a: string, b: string, audio: string, flags: DiffFlags) => interruptible((signal) => run([a, b], audio, flags, signal)));
}

async function run(names: [string, string], audio: string, flags: DiffFlags, signal: AbortSignal): Promise<void> {
  const { loadAudio } = await import("../audio/load.node.ts");
  const { compareTaps, firstParting } = await import("../inference/diff.ts");
  const engines = pair(flags.engine, "engine", ["auto", "onnx", "torch"] as const);
  const dtypes = pair(flags.dtype, "dtype", modelDtypes);
  const seconds = Number(flags.seconds);
  if (!(seconds > 0)) throw new ConfigError(`--seconds is ${flags.seconds}: give a length such as 5.`);
  const opened = (i: 0 | 1) => openModel(names[i], { ...flags, engine: engines[i], dtype: dtypes[i], inputNorm: "auto" }, signal);
  const [a, b] = [await opened(0), await opened(1)];
  try {
    const { samples } = await loadAudio(audio, { sampleRateHz: a.model.sampleRateHz, seconds, signal });
    const differences = await compareTaps(a, b, samples);
    const first = firstParting(differences);
    if (flags.json) for (const difference of differences) printJson({ ...difference, parts: difference === first });
    else {
      const rows = differences.map((d) => [
        d.tap,
        d.maxError.toExponential(2),
        d.maxErrorOverRms.toExponential(2),
        d.cosine.toFixed(7),
        d === first ? "differs first" : "",
      ]);
      process.stdout.write(table(["tap", "max error", "of rms", "cosine", ""], rows));
    }
    note(
      first
        ? `They first differ at ${first.tap}.`
        : "They are equal: every tap has a cosine of 0.9999 or more and a relative error below 0.1 %.",
    );
    if (first) process.exitCode = exitCodes.someFailed;
  } finally {
    await a.dispose();
    await b.dispose();
  }
}

/** "x" for both or "x,y" for one each. */
function pair<const T extends string>(text: string, option: string, allowed: readonly T[]): [T, T] {
  const parts = text.split(",");
  if (parts.length > 2 || !parts.every((part) => (allowed as readonly string[]).includes(part))) {
    throw new ConfigError(`--${option} is ${text}: give one of ${allowed.join(", ")}, or two separated by a comma.`);
  }
  return [parts[0] as T, (parts[1] ?? parts[0]) as T];
}
