// Licence: the terms of a model's weights, read from its card.
import { parse } from "yaml";
import { OstinatoError } from "../base/errors.ts";
import type { Licence } from "./registry.ts";

/** A licence from the metadata of a model card: `license`, or `license_name` where `license` is "other". */
export function licenceFromCard(card: unknown): Licence | undefined {
  if (typeof card !== "object" || card === null) return undefined;
  const { license, license_name } = card as Record<string, unknown>;
  const listed = Array.isArray(license) ? license.join(", ") : license;
  const name = listed === "other" && license_name ? license_name : listed;
  if (typeof name !== "string" || name === "") return undefined;
  return { name, nonCommercial: /(^|[^a-z])(nc|non-?commercial|research)([^a-z]|$)/i.test(name) };
}

/** The licence in the YAML front matter of a README.md, if it has one. */
export function licenceFromReadme(readme: string): Licence | undefined {
  const frontMatter = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---/.exec(readme)?.[1];
  if (frontMatter === undefined) return undefined;
  try {
    return licenceFromCard(parse(frontMatter));
  } catch {
    // A card with invalid YAML gives no licence; the model itself may be intact.
    return undefined;
  }
}

/** The licence of the weights does not allow commercial use, or is unknown. */
export class LicenceError extends OstinatoError {
  override readonly code: string = "OSTINATO_LICENCE";
}

/** One sentence that tells a user the terms of a model's weights. */
export function licenceNotice(name: string, licence: Licence | undefined): string {
  if (!isStated(licence)) return `The licence of the weights of ${name} is unknown: no model card beside them states it.`;
  return `The weights of ${name} are licensed under ${licence.name}${licence.nonCommercial ? ", which forbids commercial use" : ""}.`;
}

/** @throws LicenceError for weights whose licence forbids commercial use, or is not stated. */
export function requireCommercial(name: string, licence: Licence | undefined): void {
  if (isStated(licence) && !licence.nonCommercial) return;
  throw new LicenceError(`${licenceNotice(name, licence)} With commercial: true it is not loaded. Take another model, or ask its authors.`);
}

/** Cards write "other" and "unknown" where they state no licence. */
function isStated(licence: Licence | undefined): licence is Licence {
  return licence !== undefined && !/^(other|unknown)$/i.test(licence.name);
}
