// Label sets in a folder: which there are, opened in whichever form is there, and turned from one form into the other.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { NotFoundError } from "../../base/errors.ts";
import { writeAtomic } from "../../base/files.node.ts";
import { inspectCompact, openCompactLabels, writeCompactLabels } from "./compact.ts";
import { countCodes, type LabelFacts } from "./facts.ts";
import type { LabelSet, OpenLabels } from "./label-set.ts";
import { type GivenStamp, inspectText, openTextLabels, stampFile, writeDictionaries, writeTextLabels } from "./text.ts";

/** How labels lie on disk: as fairseq's text, or in the compact form of ranged reads. */
export type LabelForm = "text" | "compact";
export const labelForms = ["text", "compact"] as const;

/** Labels of a manifest in a folder, and the forms they are in, by name: "codec" → text, compact. */
export async function findLabels(folder: string, name: string): Promise<Map<string, LabelForm[]>> {
  const formsByLabel = new Map<string, Set<LabelForm>>();
  const add = (label: string, form: LabelForm) => formsByLabel.set(label, (formsByLabel.get(label) ?? new Set()).add(form));
  for (const file of await readdir(folder)) {
    if (!file.startsWith(`${name}.`)) continue;
    const rest = file.slice(name.length + 1).replace(/\.\d+$/, "");
    const compact = /^([\w-]+)\.codes$/.exec(rest)?.[1];
    if (compact) add(compact, "compact");
    else if (/^[\w-]+$/.test(rest) && !["tsv", "json", "codes"].includes(rest)) add(rest.replace(/_\d+$/, ""), "text");
  }
  return new Map([...formsByLabel].sort(([a], [b]) => (a < b ? -1 : 1)).map(([label, forms]) => [label, [...forms].sort().reverse()]));
}

/** Opens the labels of a manifest: the compact form where it is there, else the text. "codec" also finds MERT's "encodec" and the other way
 *  round. Without `label` the only set there is.
 *  @throws NotFoundError where there is none, or several and none is named; FormatError as the forms' own do. */
export async function openLabels(folder: string, name: string, label?: string, given: GivenStamp = {}): Promise<OpenLabels> {
  const chosen = await chooseLabel(folder, name, label);
  return chosen.forms.includes("compact")
    ? openCompactLabels(folder, name, chosen.label)
    : openTextLabels(folder, name, chosen.label, given);
}

export async function chooseLabel(folder: string, name: string, label?: string): Promise<{ label: string; forms: LabelForm[] }> {
  const formsByLabel = await findLabels(folder, name);
  const aliases = label === "codec" ? [label, "encodec"] : label === "encodec" ? [label, "codec"] : [label];
  const wanted =
    label === undefined
      ? formsByLabel.size === 1
        ? [...formsByLabel.keys()][0]
        : undefined
      : aliases.find((each) => formsByLabel.has(each!));
  if (wanted !== undefined) return { label: wanted, forms: formsByLabel.get(wanted)! };
  const there = [...formsByLabel.keys()].join(", ");
  if (label === undefined && formsByLabel.size > 1)
    throw new NotFoundError(`${folder} holds several sets of labels for ${name}: ${there}. Name one.`);
  throw new NotFoundError(
    `${folder} holds no labels ${label ?? ""} for ${name}${there && ` (it holds ${there})`}. Make them: ostinato prepare labels.`,
  );
}

/** Looks through the labels of a manifest, each form that is there. */
export async function inspectLabels(folder: string, name: string, label: string): Promise<LabelFacts[]> {
  const { forms, label: own } = await chooseLabel(folder, name, label);
  const facts: LabelFacts[] = [];
  for (const form of forms) {
    if (form === "compact") facts.push(inspectCompact(folder, name, own));
    else {
      const { close, ...rest } = await inspectText(folder, name, own);
      close();
      facts.push(rest);
    }
  }
  return facts;
}

/** Converts the labels of manifests to the other form, keeping the one they are in.
 *  @param names the manifests that share the dictionary: all of the folder. */
export async function convertLabels(
  folder: string,
  names: readonly string[],
  label: string,
  to: LabelForm,
  given: GivenStamp = {},
): Promise<void> {
  const sets: OpenLabels[] = [];
  try {
    for (const name of names) {
      sets.push(to === "compact" ? await openTextLabels(folder, name, label, given) : openCompactLabels(folder, name, label));
    }
    for (const [i, name] of names.entries()) await writeLabels(folder, name, label, sets[i]!, [to]);
    if (to === "text") await writeDictionaries(folder, label, countCodes(sets));
  } finally {
    for (const set of sets) set.close();
  }
}

/** Writes a manifest's labels in the forms asked for, and the stamp last: once it exists, the set is complete. */
export async function writeLabels(
  folder: string,
  name: string,
  label: string,
  set: LabelSet,
  forms: readonly LabelForm[],
  more: object = {},
): Promise<void> {
  if (forms.includes("text")) await writeTextLabels(folder, name, label, set);
  if (forms.includes("compact")) await writeCompactLabels(folder, name, label, set);
  await writeAtomic(join(folder, stampFile(name, label)), `${JSON.stringify({ ...set.stamp, ...more }, null, 2)}\n`);
}
