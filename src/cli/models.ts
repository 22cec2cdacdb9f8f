// `ostinato models`: the registered models, their licences, and which models are cached.
import { Command } from "commander";
import { type CachedModel, listCached } from "../hub/cached.node.ts";
import { type RegistryEntry, registry } from "../hub/registry.ts";
import { printJson } from "./outcome.ts";

export function modelsCommand(): Command {
  return new Command("models")
    .description("List the registered models, their licences, and what is cached.")
    .option("--cache-dir <D>", "cache of downloaded models (default: HF_HUB_CACHE)")
    .option("--json", "print one JSON object for each model")
    .addHelpText("after", "\nExample:\n  $ ostinato models\n")
    .action(async (flags: { cacheDir?: string; json?: boolean }) => {
      const cached = await listCached({ cacheDir: flags.cacheDir });
      if (flags.json) return printAsJson(cached);
      const known = Object.entries(registry) as [string, RegistryEntry][];
      const rows = known.map(([name, entry]) => tableRow(name, entry, cached));
      process.stdout.write(table(["name", "parameters", "layers", "frames/s", "rate", "hours", "context", "licence", "cached"], rows));
      const others = cached.filter(({ name }) => !(name in registry));
      if (others.length > 0) {
        const list = others.map(({ name, commit, bytes }) => [name, commit.slice(0, 12), megabytes(bytes)]);
        process.stdout.write(
          `\nAlso cached (\`ostinato inspect\` shows whether they are of a known family):\n${table(["name", "commit", "size"], list)}`,
        );
      }
    });
}

function tableRow(name: string, entry: RegistryEntry, cached: readonly CachedModel[]): string[] {
  const mine = cached.filter((model) => model.name === name);
  return [
    name,
    `${entry.parameters / 1e6}M`,
    `${entry.layers} of ${entry.width}`,
    String(entry.frameRateHz),
    `${entry.sampleRateHz / 1000} kHz`,
    entry.hours.toLocaleString("en").replaceAll(",", " "),
    `${entry.contextSeconds} s`,
    `${entry.licence.name}${entry.licence.nonCommercial ? " (non-commercial)" : ""}`,
    mine.length > 0 ? mine.map(({ commit, bytes }) => `${commit.slice(0, 12)}, ${megabytes(bytes)}`).join("; ") : "no",
  ];
}

function printAsJson(cached: readonly CachedModel[]): void {
  const names = new Set([...Object.keys(registry), ...cached.map(({ name }) => name)]);
  for (const name of names) {
    const copies = cached.filter((model) => model.name === name).map(({ name: _, ...copy }) => copy);
    printJson({ name, ...((registry as Record<string, RegistryEntry>)[name] ?? {}), cached: copies });
  }
}

/** Columns as wide as their widest cell, two spaces apart. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    `${row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd()}\n`;
  return [head, ...rows].map(line).join("");
}

export function megabytes(bytes: number): string {
  if (bytes < 1e3) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
