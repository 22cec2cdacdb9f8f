// Shown values: what a message quotes from a file, a server or a user: short, on one line, without control characters.

/** Characters that a message shows of one quoted value. */
export const shownCharacters = 80;

/** Control characters (ANSI codes among them), invisible and direction-changing format characters, line separators, lone surrogates. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** `text` on one line, cut to `limit` characters, with unprintable characters written as escapes (`\u001b`, `\n`). */
export function printable(text: string, limit = shownCharacters): string {
  const cut = text.length > limit;
  // Cut before escaping: the text may have a hundred million characters.
  const line = (cut ? text.slice(0, limit) : text).replace(unprintable, escaped);
  return line.length > limit || cut ? `${line.slice(0, limit)}…` : line;
}

/** A message of several lines, at most 20,000 characters: each line printable. */
export function printableLines(text: string): string {
  const limit = 20_000;
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return cut.replace(unprintable, (character) => (character === "\n" ? character : escaped(character)));
}

/** A value of any type in at most `limit` characters or so: strings in quotes, numbers as they are, flat lists of numbers and short
 *  strings in brackets, anything else by its type and size. Nothing is entered deeper than one level, so a value that
 *  contains itself, or that shares its parts forty levels deep, costs no more than others. */
export function shown(value: unknown, limit = shownCharacters): string {
  if (typeof value === "string") return `"${printable(value, limit)}"`;
  if (typeof value === "bigint") return bigintText(value, limit);
  if (value === null || typeof value !== "object") {
    return typeof value === "function" || typeof value === "symbol" ? `a ${typeof value}` : String(value);
  }
  if (Array.isArray(value)) return listText(value, limit);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  if (value instanceof Map || value instanceof Set) return `a ${value instanceof Map ? "dict" : "set"} of ${value.size}`;
  if ("kind" in value && typeof value.kind === "string") {
    const name = "name" in value ? value.name : "class" in value ? value.class : undefined;
    return `a ${printable(value.kind, 20)}${typeof name === "string" ? ` ${printable(name, limit)}` : ""}`;
  }
  return `an object of ${Object.keys(value).length} keys`;
}

function listText(list: readonly unknown[], limit: number): string {
  let text = "";
  for (const [i, each] of list.entries()) {
    const item = typeof each === "object" && each !== null ? (Array.isArray(each) ? "[…]" : "{…}") : shown(each, limit);
    text += i === 0 ? item : `, ${item}`;
    if (text.length > limit) return `[${text.slice(0, limit)}…] (${list.length} entries)`;
  }
  return `[${text}]`;
}

/** Decimal digits of a bigint take quadratic time: only short ones are written out. */
function bigintText(value: bigint, limit: number): string {
  return value >= -(10n ** 40n) && value <= 10n ** 40n ? printable(String(value), limit) : "an integer of more than 40 digits";
}

function escaped(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`;
}
