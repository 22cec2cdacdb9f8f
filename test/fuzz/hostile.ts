// Hostile files: small ones that would take much memory or time, or whose names hold control characters. Sizes come from a seed.
import { collectBytes, concatBytes } from "../../src/base/bytes.ts";
import type { Rng } from "../../src/base/random.ts";
import { zipChunks } from "../../src/formats/zip-write.ts";

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const utf8 = (text: string) => new TextEncoder().encode(text);

/** A torch checkpoint in the zip form around a pickle. */
export async function torchZip(pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>> = {}): Promise<Uint8Array> {
  const files = [["data.pkl", pickle] as const, ...Object.entries(storages).map(([key, bytes]) => [`data/${key}`, bytes] as const)];
  return collectBytes(zipChunks(files.map(([name, bytes]) => ({ name: `archive/${name}`, bytes: bytes.length, read: async () => bytes }))));
}

export function safetensors(header: string, data = new Uint8Array(0)): Uint8Array {
  const text = utf8(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return concatBytes([length, text, data]);
}

/** A tuple of twice the tuple below it, `depth` deep: 2 ** depth leaves in 2 * depth bytes. */
const shared = (depth: number) => `K\x01${"2\x86".repeat(depth)}`;
const storage = "(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x01tQ";
const tensor = (parts: string) => `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${parts}\x89ccollections\nOrderedDict\n)RtR`;
const legacyMagic = "\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.";
const text4 = (text: string) => {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length, true);
  return `X${String.fromCharCode(...length)}${text}`;
};

const below = (rng: Rng, low: number, high: number) => low + Math.floor(rng() * (high - low));
const nasty = (rng: Rng) =>
  ["\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\r\nerror: forged", "\u202egnp.exe", "\u009b2J", "\x00"][below(rng, 0, 6)]!;
const torch = (pickle: string) => torchZip(latin1(pickle), { 0: new Uint8Array(4) });

/** Generators by name. All files are refused, or open with few tensors. */
export const hostileFiles: Readonly<Record<string, (rng: Rng) => Uint8Array | Promise<Uint8Array>>> = {
  "shared tuples as a persistent id": (rng) => torch(`(${shared(below(rng, 30, 500))}tQ.`),
  "shared tuples as a storage's key": (rng) => torch(`(U\x07storagectorch\nFloatStorage\n${shared(below(rng, 30, 500))}U\x03cpuK\x01tQ.`),
  "shared tuples as a storage's size": (rng) => torch(`(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu${shared(below(rng, 30, 500))}tQ.`),
  "shared tuples as a tensor's offset": (rng) => torch(`${tensor(`${shared(below(rng, 30, 500))}K\x01\x85K\x01\x85`)}.`),
  "shared tuples as a tensor's shape": (rng) => torch(`${tensor(`K\x00${shared(below(rng, 30, 500))}K\x01\x85`)}.`),
  "shared tuples as a legacy version": (rng) => latin1(`${legacyMagic}${shared(below(rng, 30, 500))}.`),
  "shared tuples in a path of a configuration": (rng) =>
    torch(`}(U\x05model}U\x04argscpathlib\nPosixPath\n(${shared(below(rng, 30, 500))}tRu.`),
  "shared dicts under a long key": (rng) => {
    const key = text4("k".repeat(below(rng, 5_000, 50_000)));
    return torch(`${key}q\x000}${`q\x01h\x00h\x01s0}(h\x00h\x01U\x01bh\x01u`.repeat(below(rng, 12, 20))}.`);
  },
  "numbers of a thousand bytes": (rng) => {
    const number = `\x8b\xe8\x03\x00\x00${"\xff".repeat(999)}\x7f0`;
    return torch(`${number.repeat(below(rng, 1_000, 6_000))}N.`);
  },
  "a class with control characters in its name": (rng) => torch(`cos\n${nasty(rng).replace(/\n/g, "")}\n.`),
  "a class of a long name": (rng) => torch(`c${"m".repeat(below(rng, 1e4, 1e5))}\nx\n.`),
  "tensors with control characters in their names": (rng) =>
    torch(`}${text4(utf8Latin(nasty(rng)))}${tensor("K\x05K\x01\x85K\x01\x85")}s.`),
  "a safetensors name with control characters": (rng) =>
    safetensors(JSON.stringify({ [nasty(rng)]: { dtype: nasty(rng), shape: [1], data_offsets: [0, 4] } }), new Uint8Array(4)),
  "a safetensors key that stands twice": (rng) => {
    const entry = '"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}';
    return safetensors(
      rng() < 0.5 ? `{${entry},${entry}}` : `{${entry.replace('"shape":[1]', '"shape":[1],"shape":[2]')}}`,
      new Uint8Array(4),
    );
  },
  "a million empty tensors": (rng) => {
    const entries = Array.from(
      { length: below(rng, 201_000, 230_000) },
      (_, i) => `"${i}":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`,
    );
    return safetensors(`{${entries.join(",")}}`);
  },
  "a safetensors header nested deep": (rng) => safetensors(`{"w":${"[".repeat(below(rng, 1e4, 1e7))}`),
  "a safetensors entry of many values": (rng) => safetensors(`{"w":[${"0,".repeat(below(rng, 3.3e6, 4e6))}0]}`),
};

/** UTF-8 bytes as one character each, as the pickle is put together. */
function utf8Latin(text: string): string {
  return String.fromCharCode(...utf8(text));
}
