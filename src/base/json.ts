// JSON of others: files and answers that may be hostile, parsed under bounds on their depth and number of values.
import { FormatError, messageOf } from "./errors.ts";

export interface JsonLimits {
  /** Levels of nesting; default 64. */
  readonly depth?: number;
  /** Values and keys in all; default 1,000,000. */
  readonly values?: number;
}

/** The value of a JSON text. `name`: what it is called in messages.
 *  @throws FormatError when it is not JSON, names a key twice in one object, or nests or grows beyond the limits. */
export function parseJson(text: string, name: string, limits: JsonLimits = {}): unknown {
  const fault = scan(text, limits);
  if (fault !== undefined) throw new FormatError(`${name} ${fault}.`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${name} is not JSON (${messageOf(error).slice(0, 200)}).`);
  }
}

/** What exceeds the limits, or is ambiguous. A text that is not JSON may pass: parsing it reports that. */
function scan(text: string, { depth = 64, values = 1_000_000 }: JsonLimits): string | undefined {
  const open: (Set<string> | undefined)[] = []; // the keys of each open object; undefined for a list
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x22) {
      const end = stringEnd(text, at);
      const keys = open.at(-1);
      if (keys && isKey(text, end)) {
        const key = unescaped(text.slice(at, end));
        if (keys.has(key)) return `names the key ${key.length > 80 ? `${key.slice(0, 80)}…` : key} twice`;
        keys.add(key);
        if (++count > values) return `holds more than ${values} values`;
      }
      at = end - 1;
    } else if (character === 0x7b || character === 0x5b) {
      open.push(character === 0x7b ? new Set() : undefined);
      if (open.length > depth) return `nests more than ${depth} levels deep`;
    } else if (character === 0x7d || character === 0x5d) open.pop();
    else if (character === 0x2c && ++count > values) return `holds more than ${values} values`;
  }
  return undefined;
}

/** The position after the quote that ends the string begun at `start`. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return at + 1;
  }
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++;
  return text.charCodeAt(at) === 0x3a;
}

function unescaped(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}
