// Registry: facts of the published models that their files do not contain. Models that are not listed work as well.
import { nearestNames } from "../base/nearest.ts";

/** The facts of one published model. Layers and width are those of its transformer. */
export interface RegistryEntry {
  readonly family: "music2vec" | "mert";
  /** The training objective, in the words of its paper. */
  readonly paradigm: string;
  /** Hours of training audio. */
  readonly hours: number;
  /** Length of the training excerpts, in seconds. */
  readonly contextSeconds: number;
  readonly parameters: number;
  readonly layers: number;
  readonly width: number;
  readonly frameRateHz: number;
  readonly sampleRateHz: number;
  readonly licence: Licence;
  /** Whether the waveform is normalised to zero mean and unit variance (`do_normalize`). Used only if the
   *  model has no preprocessor_config.json; absent if nothing published states it. */
  readonly inputNormalisation?: boolean;
  /** The hidden state that serves best as one vector for a clip, and the measurement that says so; absent where there is none. */
  readonly recommendedLayer?: { readonly layer: number; readonly source: string };
}

/** Terms under which weights may be used. */
export interface Licence {
  readonly name: string;
  /** True where the licence forbids commercial use. */
  readonly nonCommercial: boolean;
}

const byNc: Licence = { name: "CC BY-NC 4.0", nonCommercial: true };
const base = { parameters: 95e6, layers: 12, width: 768, licence: byNc } as const;
const at16k = { ...base, frameRateHz: 50, sampleRateHz: 16_000 } as const;

/** The m-a-p family, from the table of the MERT-v1 model cards (MERT, arXiv:2306.00107; music2vec, arXiv:2212.02508). */
export const registry = {
  "m-a-p/music2vec-v1": {
    ...at16k,
    family: "music2vec",
    paradigm: "BYOL (data2vec)",
    hours: 1_000,
    // The table's value; the released checkpoint was trained on crops of 5 s.
    contextSeconds: 30,
    // It has no preprocessor_config.json: its card uses the processor of facebook/data2vec-audio-base-960h, which normalises.
    inputNormalisation: true,
  },
  "m-a-p/MERT-v0": { ...at16k, family: "mert", paradigm: "MLM (k-means + CQT)", hours: 1_000, contextSeconds: 5 },
  "m-a-p/MERT-v0-public": { ...at16k, family: "mert", paradigm: "MLM (k-means + CQT)", hours: 900, contextSeconds: 5 },
  "m-a-p/MERT-v1-95M": {
    ...base,
    family: "mert",
    paradigm: "MLM (RVQ-VAE + CQT)",
    hours: 20_000,
    contextSeconds: 5,
    frameRateHz: 75,
    sampleRateHz: 24_000,
    inputNormalisation: false,
  },
  "m-a-p/MERT-v1-330M": {
    family: "mert",
    paradigm: "MLM (RVQ-VAE + CQT)",
    hours: 160_000,
    contextSeconds: 5,
    parameters: 330e6,
    layers: 24,
    width: 1024,
    frameRateHz: 75,
    sampleRateHz: 24_000,
    licence: byNc,
  },
} as const satisfies Record<string, RegistryEntry>;

export type RegisteredName = keyof typeof registry;

const registeredNames = Object.keys(registry) as RegisteredName[];

/** The part of a hub name after its organisation: "MERT-v1-95M" of "m-a-p/MERT-v1-95M". */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The hub name of a registered model, from that name or its short form, in any case; undefined for any other. */
export function canonicalName(name: string): RegisteredName | undefined {
  const wanted = name.toLowerCase();
  return registeredNames.find((known) => [known, shortName(known)].some((form) => form.toLowerCase() === wanted));
}

/** What the registry holds on a model, by the names `canonicalName` takes. */
export function lookup(name: string): RegistryEntry | undefined {
  const known = canonicalName(name);
  return known && registry[known];
}

/** Registered models whose short names are spelt similarly to `name`, nearest first. */
export function nearNames(name: string): RegisteredName[] {
  const byShortName = new Map(registeredNames.map((known) => [shortName(known), known]));
  return nearestNames(shortName(name), [...byShortName.keys()]).map((short) => byShortName.get(short)!);
}
