// Options: checks the options object of a public function once, at the call. An unknown name or a wrong value is refused in words.
import { ConfigError } from "./errors.ts";
import { nearestNames } from "./nearest.ts";
import { shown } from "./shown.ts";

/** Which values an option takes: in words, after "Give", and as a test. */
export interface Rule {
  readonly accepts: string;
  readonly test: (value: unknown) => boolean;
}

/** A rule for every option of a function. */
export type Rules<Options> = Readonly<Record<keyof Required<Options>, Rule>>;

export const flag: Rule = { accepts: "true or false", test: (value) => typeof value === "boolean" };
export const count: Rule = { accepts: "a whole number from 1", test: (value) => Number.isSafeInteger(value) && (value as number) >= 1 };
export const seconds: Rule = { accepts: "a number of seconds from 0", test: (value) => Number.isFinite(value) && (value as number) >= 0 };
export const text: Rule = { accepts: "a text", test: (value) => typeof value === "string" && value !== "" };
export const callback: Rule = { accepts: "a function", test: (value) => typeof value === "function" };
export const abortSignal: Rule = {
  accepts: "an AbortSignal, such as AbortSignal.timeout(10_000)",
  test: (value) => typeof (value as Partial<AbortSignal> | null)?.throwIfAborted === "function",
};

/** One of a few texts. */
export function oneOf(...values: readonly string[]): Rule {
  return { accepts: listed(values.map((value) => `"${value}"`)), test: (value) => (values as readonly unknown[]).includes(value) };
}

/** Checks `given` against `rules`. Options that are undefined count as absent.
 *  @param caller the function's name, for messages.
 *  @param synonyms names that other libraries use for an option of this one.
 *  @throws ConfigError for a name without a rule, with the nearest name, and for a value that its rule refuses. */
export function checkOptions<Options>(
  given: Options,
  rules: Rules<Options>,
  caller: string,
  synonyms: Readonly<Record<string, keyof Options & string>> = {},
): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new ConfigError(`The options of ${caller} are ${shown(given)}. Give an object such as { ${Object.keys(rules)[0]}: … }.`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(rules, name)) throw new ConfigError(unknownOption(name, Object.keys(rules), caller, synonyms));
    const rule = rules[name as keyof Options];
    if (!rule.test(value)) throw new ConfigError(`The option ${name} of ${caller} is ${shown(value)}. Give ${rule.accepts}.`);
  }
}

function unknownOption(name: string, names: readonly string[], caller: string, synonyms: Readonly<Record<string, string>>): string {
  const [near] = Object.hasOwn(synonyms, name) ? [synonyms[name]!] : nearestNames(name, names);
  const advice = near === undefined ? `The options are ${names.join(", ")}.` : `Did you mean ${near}?`;
  return `${caller} has no option ${shown(name)}. ${advice}`;
}

/** "a, b or c". */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
