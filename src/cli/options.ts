// Options: parsers for values that several commands take. A wrong value is refused with what is allowed.
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { messageOf } from "../base/errors.ts";
import type { LayerChoice } from "../inference/encoder.ts";
import type { LayerAverage } from "../inference/pooling.ts";

/** all, last, or numbers separated by commas. */
export function parseLayers(text: string): LayerChoice {
  if (text === "all" || text === "last") return text;
  const parts = text.split(",").map((part) => part.trim());
  if (!parts.every((part) => /^-?\d+$/.test(part))) {
    throw new InvalidArgumentError(
      "Allowed are all, last, or numbers separated by commas such as 0,6,12 (0 is the embedding before layer 1).",
    );
  }
  return parts.map(Number);
}

/** recommended, or what `parseLayers` takes. */
export function parseEmbedLayers(text: string): LayerChoice | "recommended" {
  return text === "recommended" ? text : parseLayers(text);
}

export function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === "" || !(seconds >= 0) || !Number.isFinite(seconds))
    throw new InvalidArgumentError("Allowed are seconds, such as 30 or 2.5.");
  return seconds;
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Allowed are whole numbers from 1.");
  return Number(text);
}

/** Frames a second. */
export function parseRate(text: string): number {
  const rate = Number(text);
  if (text.trim() === "" || !(rate > 0) || !Number.isFinite(rate))
    throw new InvalidArgumentError("Allowed are frames a second, such as 75.");
  return rate;
}

/** A whole number from 0. */
export function parseIndex(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) throw new InvalidArgumentError("Allowed are whole numbers from 0.");
  return number;
}

/** A seed. */
export const parseSeed = parseIndex;

const averageSchema = z.union([
  z.object({ kind: z.literal("softmax"), logits: z.array(z.number()) }),
  z.object({ kind: z.literal("unconstrained"), weights: z.array(z.number()), bias: z.number().default(0) }),
]);

/** Weights of a layer average: numbers separated by commas, used unchanged, or a JSON file with either kind of average. */
export function parseLayerWeights(text: string): LayerAverage {
  const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (numbers.every(Number.isFinite)) return { kind: "unconstrained", weights: numbers, bias: 0 };
  const forms = '{"kind": "softmax", "logits": […]} (MARBLE) or {"kind": "unconstrained", "weights": […], "bias": 0} (the model cards)';
  try {
    return averageSchema.parse(JSON.parse(readFileSync(text, "utf8")));
  } catch (error) {
    const reason = error instanceof z.ZodError ? "the file has something else" : messageOf(error);
    throw new InvalidArgumentError(`Allowed are numbers separated by commas, or a JSON file with ${forms}; ${reason}.`);
  }
}
