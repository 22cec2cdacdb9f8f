// The legacy form of torch checkpoints (before 1.6): pickles one after another, then the storages' bytes.
// Order: a magic number, the protocol's version, system information, the values, the storages' keys; then for each
// storage its number of elements (int64) and its elements. Source: torch/serialization.py, _legacy_save.
import { type ByteSource, chunkedSource } from "../../base/byte-source.ts";
import { FormatError } from "../../base/errors.ts";
import { printable, shown } from "../../base/shown.ts";
import { PickleEndError, type PickleRules } from "../pickle/machine.ts";
import { maxPickleBytes, readPickle } from "../pickle/read.ts";
import type { PickleValue } from "../pickle/values.ts";
import { storageOf, torchRules } from "./rules.ts";
import { storageItemBytes, type TorchContents } from "./tensors.ts";

const magic = 0x1950a86a20f9469cfc6cn;

/** @throws FormatError when the file is not such a stream or is cut short; UnsafeFileError as `openTorch` says. */
export async function openLegacy(source: ByteSource): Promise<TorchContents> {
  const { values, keys, end, itemBytes } = await readPickles(source);
  const places = new Map<string, { offset: number; bytes: number }>();
  // Small storages are read from one chunk, so that a million of them don't cost a million reads.
  const chunked = chunkedSource(source, 2 ** 16);
  let at = end;
  for (const key of keys) {
    const size = itemBytes.get(key);
    if (size === undefined) throw new FormatError(`${source.name} has a storage ${printable(key)} that no tensor uses: it is corrupt.`);
    if (at + 8 > source.size) throw cutShort(source, key);
    const count = await chunked.read(at, 8);
    const bytes = Number(new DataView(count.buffer, count.byteOffset).getBigInt64(0, true)) * size;
    if (bytes < 0 || at + 8 + bytes > source.size) throw cutShort(source, key);
    places.set(key, { offset: at + 8, bytes });
    at += 8 + bytes;
  }
  return {
    values,
    storageBytes: (key) => places.get(key)?.bytes,
    storageOffset: async (key) => places.get(key)!.offset,
  };
}

interface Pickles {
  readonly values: PickleValue;
  readonly keys: readonly string[];
  /** Byte after the last pickle. */
  readonly end: number;
  /** Bytes per element of each storage, from its class, which is named only in the values. */
  readonly itemBytes: ReadonlyMap<string, number>;
}

/** Reads the pickles from the start of the file. Their length is not known in advance, so more is read until they end. */
async function readPickles(source: ByteSource): Promise<Pickles> {
  for (let length = 2 ** 20; ; length *= 8) {
    const whole = length >= source.size;
    const bytes = await source.read(0, Math.min(length, source.size));
    try {
      return parsePickles(bytes, source.name);
    } catch (error) {
      if (whole || length > maxPickleBytes || !(error instanceof PickleEndError)) throw error;
    }
  }
}

function parsePickles(bytes: Uint8Array, name: string): Pickles {
  const itemBytes = new Map<string, number>();
  const rules: PickleRules = {
    ...torchRules,
    persistent: (id, fail) => {
      const storage = storageOf(id, fail);
      itemBytes.set(storage.key, storageItemBytes(storage));
      return storage;
    },
  };
  const first = readPickle(bytes, rules, name);
  if (first.value !== magic) throw new FormatError(`${name} is a pickle but not a torch checkpoint: torch's magic number is missing.`);
  const version = readPickle(bytes, rules, name, first.end);
  if (version.value !== 1001)
    throw new FormatError(`${name} has version ${shown(version.value)} of torch's legacy form; 1001 can be read.`);
  const machine = readPickle(bytes, rules, name, version.end);
  if (machine.value instanceof Map && machine.value.get("little_endian") === false) {
    throw new FormatError(`${name} was written on a big-endian machine. Save it anew on a little-endian one.`);
  }
  const values = readPickle(bytes, rules, name, machine.end);
  const keys = readPickle(bytes, rules, name, values.end);
  if (!Array.isArray(keys.value) || keys.value.some((key) => typeof key !== "string")) {
    throw new FormatError(`${name} has no list of storages after its values: it is corrupt.`);
  }
  return { values: values.value, keys: keys.value as string[], end: keys.end, itemBytes };
}

function cutShort(source: ByteSource, key: string): FormatError {
  return new FormatError(`${source.name} ends within storage ${printable(key)}: it was cut short. Download it again.`);
}
