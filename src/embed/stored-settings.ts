// Stored settings: whether an existing output is the one a run would write, and the difference in words.
import { shown } from "../base/shown.ts";
import { type Settings, settingsThatDiffer } from "../inference/provenance.ts";
import type { StoredProvenance } from "./stores/store.ts";

/** The settings of a stored output that differ from those of this run, with both values; undefined where none does. */
export function differenceInWords(stored: StoredProvenance, settings: Settings, model: string): string | undefined {
  const differ = settingsThatDiffer(stored.settings, settings) as (keyof Settings)[];
  if (differ.length === 0) return undefined;
  return differ
    .map((key) => {
      if (key === "weightsSha256") return modelsInWords(stored.model, model);
      const [there, here] = [inWords(key, stored.settings), inWords(key, settings)];
      return there === here ? `another ${names[key]}` : `${names[key]} ${there} there and ${here} here`;
    })
    .join("; ");
}

const names: Readonly<Record<keyof Settings, string>> = {
  weightsSha256: "model",
  layers: "layers",
  pooling: "pooling",
  average: "layer average",
  l2: "scaling to length 1",
  inputNormalisation: "input normalisation",
  padding: "padding",
  dtype: "dtype",
  windowSeconds: "window",
  overlapSeconds: "overlap",
};

function modelsInWords(there: string | undefined, here: string): string {
  if (there === undefined) return `another model there and ${here} here`;
  return there === here ? `other weights of ${here}` : `model ${there} there and ${here} here`;
}

function inWords(key: keyof Settings, settings: Settings): string {
  const value = settings[key];
  if (key === "layers") return layersInWords(settings.layers);
  if (key === "inputNormalisation") return settings.inputNormalisation?.on ? "on" : "off";
  if (value === undefined) return "none";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number") return `${value} s`;
  return typeof value === "string" ? value : shown(value);
}

/** "0 to 12" for a run of layers, else "3, 6". */
function layersInWords(layers: readonly number[]): string {
  const consecutive = layers.length > 2 && layers.every((layer, i) => layer === layers[0]! + i);
  return consecutive ? `${layers[0]} to ${layers.at(-1)}` : layers.join(", ");
}
