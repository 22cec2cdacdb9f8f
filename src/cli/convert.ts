import { Command } from "commander";
export function convertCommand(): Command {
  return new Command("convert");
}
