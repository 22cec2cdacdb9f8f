import { expect, test } from "vitest";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { memorySource } from "../base/byte-source.ts";
import { openAiff } from "./aiff.ts";
import type { AudioReader } from "./audio-reader.ts";
import { decodeReader } from "./decode.ts";
import { encodePcm } from "./pcm.ts";
import { encodeWav, openWav } from "./wav.ts";

const sampleRateHz = 8000;
const channels = [Float32Array.of(0, 0.5, -1, 0.25, -0.125), Float32Array.of(0.75, -0.5, 0, 0.9990234375, -1)];
const text = (value: string) => new TextEncoder().encode(value);

/** Bytes from strings (ASCII), little-endian numbers as [bytes, value], and bytes. */
function bytesOf(...parts: (string | readonly [1 | 2 | 4 | 8, number] | Uint8Array)[]): Uint8Array {
  const pieces = parts.map((part) => {
    if (typeof part === "string") return text(part);
    if (part instanceof Uint8Array) return part;
    const out = new Uint8Array(part[0]);
    for (let i = 0; i < part[0]; i++) out[i] = Math.floor(part[1] / 256 ** i) % 256;
    return out;
  });
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}

/** A WAV of one channel with hand-made format and data. */
function handMade(options: {
  code: number;
  bits: number;
  data: Uint8Array;
  dataSize?: number;
  riff?: string;
  before?: Uint8Array;
  extensible?: boolean;
}) {
  const { code, bits, data, dataSize = data.length, riff = "RIFF", before = new Uint8Array(0), extensible = false } = options;
  const extra = extensible ? bytesOf([2, 22], [2, bits], [4, 4], [2, code], new Uint8Array(14)) : new Uint8Array(0);
  const fmt = bytesOf(
    [2, extensible ? 0xfffe : code],
    [2, 1],
    [4, sampleRateHz],
    [4, (sampleRateHz * bits) / 8],
    [2, bits / 8],
    [2, bits],
    extra,
  );
  const body = bytesOf("WAVE", before, "fmt ", [4, fmt.length], fmt, "data", [4, dataSize], data);
  return bytesOf(riff, [4, dataSize === data.length ? body.length : 0xffffffff], body);
}

const open = (bytes: Uint8Array) => openWav(memorySource(bytes, "take.wav"));
const samplesOf = async (reader: AudioReader) => (await decodeReader(reader, "take.wav")).channels.map((channel) => [...channel]);

test.each([
  ["s16", 2 ** -15],
  ["s24", 2 ** -23],
  ["f32", 0],
] as const)("what is written in %s is read again", async (encoding, tolerance) => {
  const decoded = await decodeReader(await open(encodeWav({ sampleRateHz, channels }, { encoding })), "take.wav");
  expect(decoded).toMatchObject({ format: "wav", sampleRateHz, mends: [] });
  for (const [c, channel] of decoded.channels.entries()) expect(maxDifference(channel, channels[c]!)).toBeLessThanOrEqual(tolerance);
});

test("8-bit, 32-bit and double samples are read at their full scale", async () => {
  expect(await samplesOf(await open(handMade({ code: 1, bits: 8, data: Uint8Array.of(0, 128, 192) })))).toEqual([[-1, 0, 0.5]]);
  const wide = bytesOf([4, 2 ** 30], [4, 2 ** 31]);
  expect(await samplesOf(await open(handMade({ code: 1, bits: 32, data: wide })))).toEqual([[0.5, -1]]);
  const doubles = new Uint8Array(Float64Array.of(0.25, -3).buffer);
  expect(await samplesOf(await open(handMade({ code: 3, bits: 64, data: doubles })))).toEqual([[0.25, -3]]);
});

test("A-law and mu-law samples are expanded", async () => {
  expect(await samplesOf(await open(handMade({ code: 7, bits: 8, data: Uint8Array.of(0xff, 0x80, 0x00) })))).toEqual([
    [0, 32_124 / 32_768, -32_124 / 32_768],
  ]);
  expect(await samplesOf(await open(handMade({ code: 6, bits: 8, data: Uint8Array.of(0xd5, 0xaa, 0x2a) })))).toEqual([
    [8 / 32_768, 32_256 / 32_768, -32_256 / 32_768],
  ]);
});

test("float samples beyond ±1 are kept, integer ones are clipped when written", async () => {
  const loud = { sampleRateHz, channels: [Float32Array.of(1.5, -2)] };
  expect(await samplesOf(await open(encodeWav(loud, { encoding: "f32" })))).toEqual([[1.5, -2]]);
  expect(await samplesOf(await open(encodeWav(loud)))).toEqual([[32_767 / 32_768, -1]]);
});

test("WAVE_FORMAT_EXTENSIBLE, odd chunks and unknown chunks are understood", async () => {
  const data = encodePcm([channels[0]!], "s16");
  const before = bytesOf("LIST", [4, 3], "abc", [1, 0], "junk", [4, 0]);
  expect(await samplesOf(await open(handMade({ code: 1, bits: 16, data, before, extensible: true })))).toEqual([[...channels[0]!]]);
});

test.each(["RF64", "BW64"])("the 64-bit sizes of %s are understood", async (riff) => {
  const data = encodePcm([channels[0]!], "s16");
  const before = bytesOf("ds64", [4, 28], [8, 0], [8, data.length], [8, 5], [4, 0]);
  const reader = await open(bytesOf(handMade({ code: 1, bits: 16, data, dataSize: 0xffffffff, riff, before }), "more of the file"));
  expect(reader.samples).toBe(5);
});

test.each([0, 0xffffffff])("a data size of %i, as streaming writers leave it, means to the end", async (dataSize) => {
  const data = encodePcm([channels[0]!], "s16");
  const reader = await open(handMade({ code: 1, bits: 16, data, dataSize }));
  expect(await samplesOf(reader)).toEqual([[...channels[0]!]]);
  expect(reader.mends).toEqual([]);
});

test("a file that ends early gives what there is and says so", async () => {
  const whole = encodeWav({ sampleRateHz, channels: [new Float32Array(sampleRateHz).fill(0.5)] });
  const reader = await open(whole.subarray(0, 44 + sampleRateHz));
  expect((await samplesOf(reader))[0]).toHaveLength(sampleRateHz / 2);
  expect(reader.mends).toEqual(["truncated after 0.5 s: the header promises 1 s"]);
});

test("samples that are not numbers become 0 and are counted", async () => {
  const data = new Uint8Array(Float32Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY).buffer);
  const reader = await open(handMade({ code: 3, bits: 32, data }));
  expect(await samplesOf(reader)).toEqual([[0.5, 0, 0]]);
  expect(reader.mends).toEqual(["2 samples were not finite numbers and were set to 0"]);
});

test("a codec other than PCM, and a header that is broken, are named", async () => {
  await expect(open(handMade({ code: 0x55, bits: 16, data: new Uint8Array(4) }))).rejects.toThrow("codec 0x0055");
  await expect(open(bytesOf("RIFF", [4, 100], "WAVE"))).rejects.toMatchObject({ fault: "corrupt" });
  await expect(open(bytesOf("RIFF", [4, 100], "WAVE", new Uint8Array(100)))).rejects.toThrow("no chunk begins at byte 12");
});

test("a long file is read in pieces, and any range equals that slice", async () => {
  const long = Float32Array.from({ length: 200_000 }, (_, i) => ((i * 7919) % 65_536) / 32_768 - 1);
  const reader = await open(encodeWav({ sampleRateHz, channels: [long] }, { encoding: "f32" }));
  const pieces: Float32Array[] = [];
  for await (const [piece] of reader.read({ start: 60_001, end: 140_003 })) pieces.push(piece!);
  expect(pieces.length).toBeGreaterThan(1);
  expect(Float32Array.from(pieces.flatMap((piece) => [...piece]))).toEqual(long.slice(60_001, 140_003));
});

/** Big-endian AIFF of one channel. */
function aiff(codec: string | undefined, bits: number, data: Uint8Array): Uint8Array {
  const rate = [0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0]; // 8000 as an 80-bit float
  const comm = [0, 1, 0, 0, 0, (8 * data.length) / bits, 0, bits, ...rate, ...(codec ? [...text(codec), 0, 0] : [])];
  const ssnd = [0, 0, 0, data.length + 8, 0, 0, 0, 0, 0, 0, 0, 0, ...data];
  const form = [...text(codec ? "AIFC" : "AIFF"), ...text("COMM"), 0, 0, 0, comm.length, ...comm, ...text("SSND"), ...ssnd];
  return Uint8Array.from([...text("FORM"), 0, 0, 0, form.length, ...form]);
}

test.each<[string, string | undefined, number, number[]]>([
  ["16-bit AIFF", undefined, 16, [0x40, 0, 0x80, 0]],
  ["24-bit AIFF", undefined, 24, [0x40, 0, 0, 0x80, 0, 0]],
  ["8-bit AIFF", undefined, 8, [0x40, 0x80]],
  ["AIFF-C in the other byte order", "sowt", 16, [0, 0x40, 0, 0x80]],
  ["AIFF-C of floats", "fl32", 32, [0x3f, 0, 0, 0, 0xbf, 0x80, 0, 0]],
  ["AIFF-C of doubles", "fl64", 64, [0x3f, 0xe0, 0, 0, 0, 0, 0, 0, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0]],
])("%s is read", async (_, codec, bits, data) => {
  const reader = await openAiff(memorySource(aiff(codec, bits, Uint8Array.from(data)), "take.aiff"));
  expect(reader).toMatchObject({ format: "aiff", sampleRateHz: 8000, channels: 1, samples: 2, mends: [] });
  expect(await samplesOf(reader)).toEqual([[0.5, -1]]);
});
