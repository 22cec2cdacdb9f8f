// Licence: under which terms a model's weights come, read from its card.
import { parse } from "yaml";
import type { Licence } from "./registry.ts";

/** A licence from the metadata of a model card: `license`, or `license_name` where that only says "other". */
export function licenceFromCard(card: unknown): Licence | undefined {
  if (typeof card !== "object" || card === null) return undefined;
  const { license, license_name } = card as Record<string, unknown>;
  const listed = Array.isArray(license) ? license.join(", ") : license;
  const name = listed === "other" && license_name ? license_name : listed;
  if (typeof name !== "string" || name === "") return undefined;
  return { name, nonCommercial: /(^|[^a-z])(nc|non-?commercial|research)([^a-z]|$)/i.test(name) };
}

/** The licence in the YAML front matter of a README.md, where there is one. */
export function licenceFromReadme(readme: string): Licence | undefined {
  const frontMatter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(readme)?.[1];
  if (frontMatter === undefined) return undefined;
  try {
    return licenceFromCard(parse(frontMatter));
  } catch {
    // A card with broken YAML says nothing about its licence; the model itself may be whole.
    return undefined;
  }
}
