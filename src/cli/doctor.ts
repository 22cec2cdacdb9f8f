// `ostinato doctor` and `ostinato setup torch`: which engines this machine can run, what is missing, and how to install it.
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { Command } from "commander";
import { cpuFeatures } from "../base/cpu.node.ts";
import { ConfigError } from "../base/errors.ts";
import { note, printJson } from "./outcome.ts";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Report engines, CPU features and GPUs, and what is missing for which purpose.")
    .option("--json", "print one JSON object")
    .addHelpText("after", "\nExample:\n  $ ostinato doctor\n")
    .action(async (flags: { json?: boolean }) => {
      const { ostinatoVersion } = await import("../base/version.ts");
      const { chooseEngine } = await import("../inference/choose-engine.node.ts");
      const { answeringGpus } = await import("../engines/torch/gpus.ts");
      const { advice, diagnoseTorch } = await import("../engines/torch/setup.ts");
      const torch = diagnoseTorch();
      const [cpu] = cpus();
      const machine = {
        ostinato: ostinatoVersion,
        node: process.version,
        cpu: { model: cpu?.model ?? "unknown", cores: cpus().length, features: cpuFeatures() },
        memoryGB: Math.round(totalmem() / 1e9),
        gpus: answeringGpus(),
        onnx: (await chooseEngine({ engine: "onnx" })).version,
        torch: { ready: torch.ready, built: torch.built, version: torch.libtorch?.version, cuda: torch.libtorch?.cuda ?? false },
        ffmpeg: versionOf("ffmpeg", ["-version"]),
      };
      if (flags.json) return printJson({ ...machine, findings: torch.findings, commands: torch.commands });
      const lines = [
        `ostinato ${machine.ostinato} on Node ${machine.node}`,
        `CPU: ${machine.cpu.model}, ${machine.cpu.cores} cores, ${machine.memoryGB} GB; ${machine.cpu.features.join(", ") || "no vector extensions found"}`,
        `GPUs: ${machine.gpus.join("; ") || "none found (nvidia-smi lists none)"}`,
        `engine onnx: ready (onnxruntime-node ${machine.onnx}): fp32, fp16, q8, q4`,
        torch.ready
          ? `engine torch: ready (libtorch ${machine.torch.version}${machine.torch.cuda ? " with CUDA" : ""}${torch.built ? "" : "; compiled at first use"}): fp32, bf16, training`
          : `engine torch: not ready\n${indent(advice(torch))}\n  or run: ostinato setup torch`,
        `ffmpeg: ${machine.ffmpeg ?? "not found: m4a and other containers can't be decoded (apt-get install ffmpeg)"}`,
      ];
      for (const finding of torch.findings.filter(({ found }) => found)) lines.push(`  ${finding.what}: ${finding.detail}`);
      process.stdout.write(`${lines.join("\n")}\n`);
    });
}

export function setupCommand(): Command {
  return new Command("setup")
    .description("Install what an engine needs: with apt-get as root on Debian, elsewhere print the commands.")
    .argument("<engine>", "torch")
    .addHelpText("after", "\nExample:\n  $ ostinato setup torch\n")
    .action(async (engine: string) => {
      if (engine !== "torch") throw new ConfigError(`There is no setup for "${engine}". The only engine with one is torch.`);
      const { setupTorch } = await import("../engines/torch/setup.ts");
      const { buildAddon } = await import("../engines/torch/build.ts");
      const { libtorch } = await setupTorch(note);
      const addon = await buildAddon({ onStart: note });
      note(`The engine torch is ready: libtorch ${libtorch?.version}, addon ${addon}.`);
    });
}

function versionOf(program: string, args: string[]): string | undefined {
  return run(program, args)?.split("\n")[0];
}

function run(program: string, args: string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
