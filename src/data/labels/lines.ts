// Lines of codes in files that may exceed memory: a scan keeps the offset of each line, and lines are read on demand.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { FormatError } from "../../base/errors.ts";
import { codeDigest } from "./facts.ts";

/** A scanned text of codes. */
export interface Lines {
  readonly lines: number;
  /** Number of codes in each line. */
  readonly frames: Uint32Array;
  /** Occurrences of each known code, by its index. */
  readonly counts: Float64Array;
  /** Number of tokens that are no known code, and the first with its line. */
  readonly unknown: number;
  readonly example: string | undefined;
  /** Digest of all codes in order. */
  readonly digest: string;
  /** The bytes of a line. */
  line(index: number): Uint8Array;
  close(): void;
}

const readAtOnce = 1 << 22;
const [newline, blank, tab, carriageReturn, zero, nine] = [10, 32, 9, 13, 48, 57];

/** Opens consecutive files as one text and scans it.
 *  @param known code → index, or the number of codes; undefined: any code up to 65535 is known. */
export function openLines(paths: readonly string[], known: ReadonlyMap<number, number> | number | undefined): Lines {
  const files = paths.map((path) => {
    const file = openSync(path, "r");
    return { path, file, bytes: fstatSync(file).size };
  });
  const close = () => {
    for (const { file } of files) closeSync(file);
  };
  const size = typeof known === "number" ? known : (known?.size ?? 65_536);
  const indexOf = lookUp(known);
  const digest = codeDigest();
  const counts = new Float64Array(size);
  const ends = new Growing(Float64Array);
  const frames = new Growing(Uint32Array);
  let [unknown, at, tokens, value, digits] = [0, 0, 0, 0, 0];
  let example: string | undefined;
  const endToken = () => {
    if (digits === 0) return;
    tokens++;
    const index = digits > 0 && digits < 10 ? indexOf(value) : -1;
    digest.add(index);
    if (index >= 0) counts[index]!++;
    else {
      unknown++;
      example ??= `${digits > 0 ? value : "a word"} in line ${ends.length + 1}`;
    }
    [value, digits] = [0, 0];
  };
  const endLine = () => {
    endToken();
    ends.push(at);
    frames.push(tokens);
    tokens = 0;
  };
  const buffer = new Uint8Array(readAtOnce);
  for (const { file, bytes } of files) {
    for (let done = 0; done < bytes; ) {
      const count = readSync(file, buffer, 0, Math.min(readAtOnce, bytes - done), done);
      if (count === 0) break;
      for (let i = 0; i < count; i++) {
        const byte = buffer[i]!;
        at++;
        if (byte >= zero && byte <= nine) {
          if (digits >= 0) [value, digits] = [value * 10 + byte - zero, digits + 1];
        } else if (byte === newline) endLine();
        else if (byte === blank || byte === tab || byte === carriageReturn) endToken();
        else digits = -1; // not a number: ignored up to the next blank
      }
      done += count;
    }
  }
  if (at > (ends.at(ends.length - 1) ?? 0)) endLine(); // the last line may lack a line break
  const [starts, lengths] = [ends.values(), frames.values()];
  return {
    lines: lengths.length,
    frames: lengths,
    counts,
    unknown,
    example,
    digest: digest.value(),
    line(index) {
      const from = index === 0 ? 0 : starts[index - 1]!;
      return readAcross(files, from, starts[index]! - from);
    },
    close,
  };
}

function lookUp(known: ReadonlyMap<number, number> | number | undefined): (code: number) => number {
  if (typeof known !== "object") return (code) => (code < (known ?? 65_536) ? code : -1);
  const table = new Int32Array(Math.max(-1, ...known.keys()) + 1).fill(-1);
  for (const [code, index] of known) table[code] = index;
  return (code) => table[code] ?? -1;
}

/** Reads bytes of a text that spans several files. */
function readAcross(files: readonly { path: string; file: number; bytes: number }[], from: number, count: number): Uint8Array {
  const out = new Uint8Array(count);
  let [done, before] = [0, 0];
  for (const { path, file, bytes } of files) {
    while (done < count && from + done >= before && from + done < before + bytes) {
      const taken = readSync(file, out, done, Math.min(count - done, before + bytes - from - done), from + done - before);
      if (taken === 0) throw new FormatError(`${path} has become shorter since it was opened. Open it again.`);
      done += taken;
    }
    before += bytes;
  }
  return out;
}

/** Writes the indices of codes `start` to `start + count` of a line into `out`, beginning at `at`. */
export function parseCodes(
  line: Uint8Array,
  start: number,
  count: number,
  index: ReadonlyMap<number, number> | undefined,
  out: Int32Array,
  at: number,
): void {
  let [token, value, inside] = [0, 0, false];
  for (let i = 0; i <= line.length && token < start + count; i++) {
    const byte = line[i] ?? newline;
    if (byte >= zero && byte <= nine) [value, inside] = [value * 10 + byte - zero, true];
    else if (inside) {
      if (token >= start) out[at + token - start] = index ? index.get(value)! : value;
      token++;
      [value, inside] = [0, false];
    }
  }
}

/** A typed array that grows by doubling. */
class Growing<A extends Float64Array | Uint32Array> {
  private held: A;
  length = 0;
  private readonly Kind: new (
    length: number,
  ) => A;
  constructor(Kind: new (length: number) => A) {
    this.Kind = Kind;
    this.held = new Kind(1024);
  }
  push(value: number): void {
    if (this.length === this.held.length) {
      const larger = new this.Kind(2 * this.length);
      larger.set(this.held);
      this.held = larger;
    }
    this.held[this.length++] = value;
  }
  at(index: number): number | undefined {
    return index < 0 || index >= this.length ? undefined : this.held[index];
  }
  values(): A {
    return this.held.slice(0, this.length) as A;
  }
}
