import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bestLag, fixtureBytes } from "../../test/fixtures/audio.ts";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { oggRepaired } from "../../test/fuzz/damage.ts";
import { memorySource } from "../base/byte-source.ts";
import { concatBytes } from "../base/bytes.ts";
import { ConfigError, TooShortError } from "../base/errors.ts";
import { crc8, crc16Step, oggCrc } from "./crc.ts";
import { type DecodedAudio, decodeInThisThread, openAudio } from "./decode.ts";
import { type OggPage, repage, walkOgg } from "./ogg-pages.ts";
import { resample } from "./resample.ts";
import { encodeWav } from "./wav.ts";
import { downmix, isSilent, sampleCount } from "./waveform.ts";

const ownFormats = ["music.flac", "music.mp3", "music.ogg", "music.opus"] as const;
let truth: DecodedAudio;

beforeAll(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {}); // the WASM packages log what is reported as mends
  truth = await decodeInThisThread(fixtureBytes("music.flac"));
});
afterAll(() => vi.restoreAllMocks());

describe("what is decoded is what was encoded", () => {
  test("flac gives the very bits: their MD5 is the one in its header", () => {
    const interleaved = new Int16Array(2 * sampleCount(truth));
    truth.channels.forEach((channel, c) => {
      for (let i = 0; i < channel.length; i++) interleaved[2 * i + c] = channel[i]! * 32_768;
    });
    const expected = Buffer.from(fixtureBytes("music.flac").subarray(26, 42)).toString("hex");
    expect(createHash("md5").update(Buffer.from(interleaved.buffer)).digest("hex")).toBe(expected);
  });

  test.each([
    ["music.mp3", 44_100, "mp3"],
    ["music.ogg", 44_100, "vorbis"],
    ["music.opus", 48_000, "opus"],
  ])("%s has the length of its source and sounds like it, without delay", async (name, sampleRateHz, format) => {
    const decoded = await decodeInThisThread(fixtureBytes(name), { name });
    expect(decoded).toMatchObject({ sampleRateHz, format, mends: [] });
    const source = resample(downmix(truth), { from: 44_100, to: sampleRateHz });
    const mono = downmix(decoded);
    expect(mono).toHaveLength(source.length);
    const best = bestLag(mono.subarray(10_000, 40_000), source.subarray(10_000, 40_000), 40);
    expect(best.lag).toBe(0);
    expect(best.correlation).toBeGreaterThan(0.98);
  });
});

describe("an excerpt holds exactly the samples of the whole", () => {
  test.each([...ownFormats, "music.wav"])("%s", async (name) => {
    const bytes = name === "music.wav" ? encodeWav(truth) : fixtureBytes(name);
    const whole = await decodeInThisThread(bytes);
    for (const [startSeconds, seconds] of [[0, 0.3] as const, [0.41, 0.25] as const, [1.2, 0.2] as const, [1.31, 5] as const]) {
      const excerpt = await decodeInThisThread(bytes, { startSeconds, seconds });
      const from = Math.round(startSeconds * whole.sampleRateHz);
      const to = from + Math.round(seconds * whole.sampleRateHz);
      excerpt.channels.forEach((channel, c) => {
        expect(maxDifference(channel, whole.channels[c]!.subarray(from, to))).toBe(0);
      });
    }
  });

  test("in an mp3 of many frames, where decoding begins near the excerpt", async () => {
    const bytes = repeatedMp3(12);
    const whole = await decodeInThisThread(bytes);
    for (const startSeconds of [3.3, 7.77, 15.1]) {
      const excerpt = await decodeInThisThread(bytes, { startSeconds, seconds: 0.5 });
      const from = Math.round(startSeconds * 44_100);
      expect(maxDifference(excerpt.channels[1]!, whole.channels[1]!.subarray(from, from + 22_050))).toBe(0);
    }
  });

  test("in an Opus stream of many pages, where decoding begins near the excerpt", async () => {
    const bytes = await repeatedOpus(10);
    const whole = await decodeInThisThread(bytes);
    expect(whole.mends).toEqual([]);
    for (const startSeconds of [5, 8.76, 14]) {
      const excerpt = await decodeInThisThread(bytes, { startSeconds, seconds: 0.5 });
      const from = Math.round(startSeconds * 48_000);
      expect(maxDifference(excerpt.channels[0]!, whole.channels[0]!.subarray(from, from + 24_000))).toBe(0);
    }
  });

  test("one that begins behind the end is too short, one that is no stretch of time is refused", async () => {
    const bytes = fixtureBytes("music.mp3");
    await expect(decodeInThisThread(bytes, { startSeconds: 60 })).rejects.toThrow(TooShortError);
    await expect(decodeInThisThread(bytes, { startSeconds: 60 })).rejects.toThrow("It lasts 1.5 s");
    await expect(decodeInThisThread(bytes, { startSeconds: -1 })).rejects.toThrow(ConfigError);
    await expect(decodeInThisThread(bytes, { seconds: 0 })).rejects.toThrow(ConfigError);
  });
});

/** The sound frames of the mp3 fixture many times over: a longer file, whose tag then promises too little. */
function repeatedMp3(times: number): Uint8Array {
  const bytes = fixtureBytes("music.mp3");
  const frames = bytes.subarray(bytes.indexOf(0xff, 300));
  return Uint8Array.from([...bytes, ...Array.from({ length: times }, () => [...frames]).flat()]);
}

/** The sound packets of the Opus fixture many times over, on pages with a running clock. */
async function repeatedOpus(times: number): Promise<Uint8Array> {
  const source = memorySource(fixtureBytes("music.opus"));
  const pages: OggPage[] = [];
  for await (const page of walkOgg(source, 0, () => true, { skippedBytes: 0, corruptPages: 0 })) pages.push(page);
  const [head, tags, ...sound] = pages;
  const out: Uint8Array[] = [];
  let clock = 0;
  const write = (page: OggPage) => {
    for (const bytes of repage(page.packets, out.length)) {
      const view = new DataView(bytes.buffer);
      view.setBigInt64(6, BigInt(clock), true);
      view.setUint32(22, oggCrc(bytes), true);
      out.push(bytes);
    }
  };
  for (const page of [head!, tags!]) write(page);
  for (let i = 0; i < times; i++) {
    for (const page of sound) {
      clock += 960 * page.packets.length; // 20 ms a packet
      write(page);
    }
  }
  const last = out.at(-1)!;
  last[5] = 4; // the end of the stream
  new DataView(last.buffer).setUint32(22, oggCrc(last), true);
  return concatBytes(out);
}

describe("mp3", () => {
  test("a large ID3v2 tag in front, with a picture that looks like frames, changes nothing", async () => {
    const size = 300_000;
    const tag = new Uint8Array(10 + size).fill(0xff);
    tag.set([0x49, 0x44, 0x33, 4, 0, 0, (size >> 21) & 127, (size >> 14) & 127, (size >> 7) & 127, size & 127]);
    const decoded = await decodeInThisThread(Uint8Array.from([...tag, ...fixtureBytes("music.mp3")]));
    expect(decoded.channels[0]).toHaveLength(66_150);
    expect(decoded.mends).toEqual([]);
  });

  test("a trailing ID3v1 tag is not sound", async () => {
    const tag = new Uint8Array(128);
    tag.set([0x54, 0x41, 0x47]);
    const decoded = await decodeInThisThread(Uint8Array.from([...fixtureBytes("music.mp3"), ...tag]));
    expect(decoded.channels[0]).toHaveLength(66_150);
    expect(decoded.mends).toEqual([]);
  });

  test("sound behind what the tag promises is kept and told", async () => {
    const decoded = await decodeInThisThread(repeatedMp3(1));
    expect(sampleCount(decoded)).toBeGreaterThan(2 * 66_150 - 3000);
    expect(decoded.mends).toEqual([expect.stringMatching(/^\d+ frames more than its tag promises were kept$/)]);
  });

  test("junk between two frames is skipped and counted, and the rest still sounds", async () => {
    const bytes = fixtureBytes("music.mp3");
    const cut = bytes.indexOf(0xff, 8000);
    const damaged = Uint8Array.from([...bytes.subarray(0, cut + 1), ...new Uint8Array(700), ...bytes.subarray(cut + 1)]);
    const decoded = await decodeInThisThread(damaged);
    expect(decoded.mends.join()).toMatch(/bytes that are no mp3 frame were skipped/);
    expect(isSilent({ channels: [decoded.channels[0]!.subarray(-20_000)] })).toBe(false);
  });
});

describe("chained ogg", () => {
  const chain = (...names: string[]) => Uint8Array.from(Buffer.concat(names.map(fixtureBytes)));

  test("every link is decoded, also behind one of a few pages", async () => {
    const [short, music] = await Promise.all(["short-stereo.ogg", "music.ogg"].map((name) => decodeInThisThread(fixtureBytes(name))));
    const whole = await decodeInThisThread(chain("short-stereo.ogg", "music.ogg", "short-stereo.ogg"));
    expect(whole.mends).toEqual([]);
    const link = sampleCount(short!);
    expect(sampleCount(whole)).toBe(2 * link + sampleCount(music!));
    whole.channels.forEach((channel, c) => {
      expect(maxDifference(channel.subarray(link, link + sampleCount(music!)), music!.channels[c]!)).toBeLessThan(1e-6);
    });
  });

  test("a link of another format is converted to the first one's, and told of", async () => {
    const whole = await decodeInThisThread(chain("short-stereo.ogg", "short-mono.ogg", "short-stereo.ogg"));
    const mono = await decodeInThisThread(fixtureBytes("short-mono.ogg"));
    const expected = resample(mono.channels[0]!, { from: 22_050, to: 44_100 });
    const link = Math.round(0.2 * 44_100);
    for (const channel of whole.channels) {
      expect(maxDifference(channel.subarray(link, link + expected.length), expected)).toBeLessThan(1e-6);
    }
    expect(sampleCount(whole)).toBe(2 * link + expected.length);
    expect(whole.mends.join("; ")).toContain("a further stream (1 channels, 22050 Hz) was converted");
  });

  test("the length of a chained file is not taken from its last link", async () => {
    const reader = await openAudio(memorySource(chain("short-stereo.ogg", "music.ogg")));
    expect(reader.samples).toBeUndefined();
  });
});

describe("flac", () => {
  test("frames of 65,535 samples of eight channels, which are larger than 512 KiB, are decoded", async () => {
    const samples = Int16Array.from({ length: 65_535 }, (_, i) => ((i * 7919) % 65_536) - 32_768);
    const decoded = await decodeInThisThread(verbatimFlac(samples, 8));
    expect(decoded.mends).toEqual([]);
    for (const channel of decoded.channels)
      expect(
        maxDifference(
          channel,
          Float32Array.from(samples, (v) => v / 32_768),
        ),
      ).toBe(0);
  });

  test("a damaged byte in the last block is not called a cut end", async () => {
    const bytes = fixtureBytes("music.flac");
    bytes[bytes.length - 20_000]! ^= 0xff;
    const { mends } = await decodeInThisThread(bytes);
    expect(mends.join("; ")).toMatch(/corrupt frames were replaced by silence/);
    expect(mends.join("; ")).not.toMatch(/cut short|truncated/);
  });
});

/** A FLAC file of one frame, the same 16-bit samples uncompressed in every channel (RFC 9639, sections 8 and 9). */
function verbatimFlac(samples: Int16Array, channels: number): Uint8Array {
  const info = new Uint8Array(34);
  const view = new DataView(info.buffer);
  view.setUint16(0, samples.length);
  view.setUint16(2, samples.length);
  view.setUint32(10, (44_100 << 12) | ((channels - 1) << 9) | (15 << 4));
  view.setUint32(14, samples.length);
  const header = [0xff, 0xf8, 0x79, ((channels - 1) << 4) | 8, 0, (samples.length - 1) >> 8, (samples.length - 1) & 255];
  const frame = new Uint8Array(header.length + 1 + channels * (1 + 2 * samples.length) + 2);
  frame.set(header);
  frame[header.length] = crc8(frame, 0, header.length);
  let at = header.length + 1;
  for (let c = 0; c < channels; c++) {
    frame[at++] = 2; // a verbatim subframe
    for (const sample of samples) {
      frame[at++] = (sample >> 8) & 255;
      frame[at++] = sample & 255;
    }
  }
  let crc = 0;
  for (const byte of frame.subarray(0, at)) crc = crc16Step(crc, byte);
  frame.set([crc >> 8, crc & 255], at);
  return concatBytes([new TextEncoder().encode("fLaC"), Uint8Array.of(0x80, 0, 0, 34), info, frame]);
}

describe("a cut file gives what there is, and says where it ends", () => {
  test.each(ownFormats)("%s", async (name) => {
    const bytes = fixtureBytes(name);
    const whole = await decodeInThisThread(bytes);
    const cut = await decodeInThisThread(bytes.subarray(0, Math.floor(bytes.length * 0.6)), { name });
    expect(sampleCount(cut)).toBeGreaterThan(0.2 * sampleCount(whole));
    expect(sampleCount(cut)).toBeLessThan(0.8 * sampleCount(whole));
    expect(cut.mends.join("; ")).toMatch(/truncated after \d/);
    const same = sampleCount(cut) - 4000; // near its end, the overlap with what is missing sounds different
    expect(maxDifference(cut.channels[0]!.subarray(0, same), whole.channels[0]!.subarray(0, same))).toBe(0);
  });
});

describe("damage stays where it is", () => {
  test.each(["music.flac", "music.ogg", "music.opus"])("%s: what follows keeps its place", async (name) => {
    const bytes = fixtureBytes(name);
    const whole = await decodeInThisThread(bytes);
    const middle = Math.floor(bytes.length / 2);
    const damaged = bytes.slice();
    damaged.fill(0x55, middle, middle + 8);
    const decoded = await decodeInThisThread(damaged);
    expect(decoded.mends.join("; ")).toMatch(/replaced by silence/);
    expect(sampleCount(decoded)).toBe(sampleCount(whole));
    const near = (a: Float32Array, b: Float32Array) => expect(maxDifference(a, b)).toBeLessThan(0.01);
    near(decoded.channels[0]!.subarray(0, 15_000), whole.channels[0]!.subarray(0, 15_000));
    near(decoded.channels[0]!.subarray(-6000), whole.channels[0]!.subarray(-6000));
  });
});

test("a clock that jumps again and again is not followed with silence without end", async () => {
  const bytes = await repeatedOpus(8);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let pages = 0;
  for (let at = 0; at >= 0; at = Buffer.from(bytes).indexOf("OggS", at + 4), pages++) {
    if (pages < 2) continue;
    view.setBigInt64(at + 6, BigInt(500 * 48_000 * (pages - 1)), true); // 500 s later each
    view.setUint32(at + 18, 2 * pages, true); // as if a page were lost before each
  }
  expect(pages).toBeGreaterThan(8);
  const reader = await openAudio(memorySource(oggRepaired(bytes)));
  let samples = 0;
  for await (const [left] of reader.read({ start: 0, end: Number.POSITIVE_INFINITY })) samples += left!.length;
  expect(samples).toBeGreaterThan(400 * 48_000);
  expect(samples).toBeLessThan(700 * 48_000);
  expect(reader.mends.join()).toMatch(/s of lost pages were replaced by silence/);
});

test.each([1, 999, 1_600_001, 4_000_000_000])(
  "a header that claims %i Hz is corrupt: at a model's rate it would be hours",
  async (rate) => {
    const bytes = encodeWav({ sampleRateHz: 8000, channels: [new Float32Array(8000).fill(0.1)] });
    new DataView(bytes.buffer).setUint32(24, rate, true);
    const attempt = decodeInThisThread(bytes, { name: "take.wav" });
    await expect(attempt).rejects.toMatchObject({
      fault: "corrupt",
      message: expect.stringContaining(`take.wav is wav at ${rate} Hz`) as string,
    });
  },
);

describe("a file without sound is named for what it is", () => {
  const text = (value: string) => new TextEncoder().encode(value);
  test.each<[string, Uint8Array, string, string]>([
    ["of 0 bytes", new Uint8Array(0), "empty", "is empty (0 bytes)"],
    ["of text", text("Artist, Title\nnone, none\n"), "not-audio", "is text, not audio"],
    ["that is a picture", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0), "not-audio", "is a PNG picture"],
    ["of random bytes", Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 31 + 7) % 251), "not-audio", "no audio in any known format"],
    ["of tags alone", Uint8Array.from([...text("ID3"), 4, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 9, 9]), "corrupt", "no mp3 frames behind them"],
    ["in a format that needs ffmpeg", text("\0\0\0\x18ftypM4A \0\0\0\0"), "unsupported", "is mp4"],
    ["without samples", encodeWav({ sampleRateHz: 8000, channels: [new Float32Array(0)] }), "empty", "without any samples"],
    ["of a flac header alone", fixtureBytes("music.flac").subarray(0, 60), "corrupt", "its metadata is cut short"],
    ["of an ogg header alone", fixtureBytes("music.ogg").subarray(0, 2000), "corrupt", "without any samples"],
  ])("a file %s", async (_, bytes, fault, message) => {
    const attempt = decodeInThisThread(bytes, { name: "take.mp3" });
    await expect(attempt).rejects.toMatchObject({ fault });
    await expect(attempt).rejects.toThrow(`take.mp3 ${message.startsWith("is") ? message : ""}`);
    await expect(attempt).rejects.toThrow(message);
  });

  test("a protected file says so, and that nothing can be done here", async () => {
    const box = text("\0\0\0\x18ftypM4P \0\0\0\0");
    await expect(openAudio(memorySource(box, "song.m4p"))).rejects.toMatchObject({ fault: "protected" });
  });

  test("silence is decoded, with a remark", async () => {
    const decoded = await decodeInThisThread(encodeWav({ sampleRateHz: 8000, channels: [new Float32Array(800)] }));
    expect(decoded.mends).toEqual(["silent: every sample is 0"]);
  });
});

test("the content tells the format, whatever the name says", async () => {
  expect((await decodeInThisThread(fixtureBytes("music.ogg"), { name: "music.mp3" })).format).toBe("vorbis");
});

test.each([
  ["music.flac", 66_150],
  ["music.mp3", 66_150],
  ["music.ogg", 66_150],
  ["music.opus", 72_000],
])("the length of %s is known once it is open", async (name, samples) => {
  expect(await openAudio(memorySource(fixtureBytes(name)))).toMatchObject({ channels: 2, samples });
});
