import { spawnSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { bestLag, fixtureBytes, fixturePath, temporaryFolder } from "../../test/fixtures/audio.ts";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { messageOf, NotFoundError, OstinatoError, TooShortError } from "../base/errors.ts";
import { seeded } from "../base/random.ts";
import { shortSong } from "../synth/short-song.ts";
import { oggCrc } from "./crc.ts";
import { decodeBytes, decodeFile, decodeStream } from "./decode.node.ts";
import { decodeInThisThread } from "./decode.ts";
import { loadAudio, probeAudio } from "./load.node.ts";
import { resample } from "./resample.ts";
import { encodeWav } from "./wav.ts";
import { concatSamples, downmix } from "./waveform.ts";

const ffmpegMissing = spawnSync("ffmpeg", ["-version"]).status !== 0;
const folder = temporaryFolder();
afterAll(folder.remove);

describe("decoding in a worker", () => {
  test("gives what decoding in this thread gives", async () => {
    const here = await decodeInThisThread(fixtureBytes("music.mp3"));
    const there = await decodeFile(fixturePath("music.mp3"));
    const bytes = fixtureBytes("music.mp3");
    expect(maxDifference(there.channels[1]!, here.channels[1]!)).toBe(0);
    expect(await decodeBytes(bytes, { startSeconds: 1 })).toMatchObject({ format: "mp3", sampleRateHz: 44_100, mends: [] });
    expect(bytes.length, "the caller keeps its bytes").toBeGreaterThan(0);
  });

  test("leaves the event loop free", async () => {
    const path = folder.write("long.wav", encodeWav(shortSong({ seconds: 20, sampleRateHz: 22_050, seed: 1 })));
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const begin = performance.now();
    await Promise.all([1, 2, 3].map(() => loadAudio(path, { sampleRateHz: 24_000 })));
    const elapsed = performance.now() - begin;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(elapsed / 5 / 5); // a fifth of the possible: other work shares the machine
  });

  test("gives errors their class and fault back", async () => {
    await expect(decodeFile("no/such/file.wav")).rejects.toThrow(NotFoundError);
    await expect(decodeFile(fixturePath("music.ogg"), { startSeconds: 9 })).rejects.toThrow(TooShortError);
    await expect(decodeFile(folder.write("list.mp3", "one, two\n"))).rejects.toMatchObject({
      name: "UnreadableAudioError",
      fault: "not-audio",
      message: expect.stringContaining("list.mp3 is text, not audio"),
    });
  });

  test("is stopped by a signal, before or during the work, and later jobs run", async () => {
    await expect(decodeFile(fixturePath("music.ogg"), { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const controller = new AbortController();
    const attempt = decodeFile(folder.write("long.flac", fixtureBytes("music.flac")), { signal: controller.signal });
    controller.abort(new Error("stop"));
    await expect(attempt).rejects.toThrow("stop");
    expect((await decodeFile(fixturePath("music.ogg"))).channels).toHaveLength(2);
  });
});

describe("a stream", () => {
  const wave = shortSong({ seconds: 6, sampleRateHz: 44_100, seed: 4 });

  test.each(["mp3", "flac", "ogg", "opus"])("of %s is the whole decode, excerpts too", async (extension) => {
    for (const crop of [{}, { startSeconds: 0.4, seconds: 0.7 }]) {
      const parts: Float32Array[] = [];
      for await (const { channels } of decodeStream(fixturePath(`music.${extension}`), crop)) parts.push(channels[1]!);
      const whole = await decodeFile(fixturePath(`music.${extension}`), crop);
      expect(maxDifference(concatSamples(parts), whole.channels[1]!)).toBe(0);
    }
  });

  test("brings all samples in order, in pieces of bounded size", async () => {
    const parts: Float32Array[] = [];
    const stream = decodeStream(folder.write("stream.wav", encodeWav(wave, { encoding: "f32" })));
    for await (const { channels, sampleRateHz } of stream) {
      expect(sampleRateHz).toBe(44_100);
      parts.push(channels[0]!);
    }
    expect(parts.length).toBeGreaterThan(3);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(65_536);
    expect(maxDifference(concatSamples(parts), wave.channels[0]!)).toBe(0);
    expect(stream.mends).toEqual([]);
  });

  test("may be left early, again and again, without tying up a worker", async () => {
    for (let i = 0; i < 8; i++) for await (const piece of decodeStream(encodeWav(wave))) if (piece) break;
    expect((await decodeFile(fixturePath("music.mp3"))).mends).toEqual([]);
  });

  test("tells its mends at the end, and throws like decodeFile", async () => {
    const stream = decodeStream(fixtureBytes("music.mp3").subarray(0, 9000));
    for await (const piece of stream) expect(piece.channels).toHaveLength(2);
    expect(stream.mends.join()).toMatch(/^truncated after/);
    const nothing = decodeStream(new Uint8Array(0), { name: "nothing.mp3" });
    await expect(nothing[Symbol.asyncIterator]().next()).rejects.toThrow("nothing.mp3 is empty");
  });
});

describe("loading for a model", () => {
  test("mixes down, then resamples, and tells where the sound came from", async () => {
    const truth = await decodeFile(fixturePath("music.flac"));
    const loaded = await loadAudio(fixturePath("music.flac"), { sampleRateHz: 24_000 });
    expect(maxDifference(loaded.samples, resample(downmix(truth), { from: 44_100, to: 24_000 }))).toBe(0);
    expect(loaded).toMatchObject({
      sampleRateHz: 24_000,
      sourceSampleRateHz: 44_100,
      sourceChannels: 2,
      format: "flac",
      durationSeconds: 1.5,
    });
  });

  test("cuts an excerpt first and resamples it then", async () => {
    const excerpt = await decodeFile(fixturePath("music.ogg"), { startSeconds: 0.5, seconds: 0.5 });
    const loaded = await loadAudio(fixturePath("music.ogg"), { sampleRateHz: 16_000, startSeconds: 0.5, seconds: 0.5 });
    expect(maxDifference(loaded.samples, resample(downmix(excerpt), { from: 44_100, to: 16_000 }))).toBe(0);
    expect(loaded.durationSeconds).toBe(0.5);
  });

  test.each([
    ["music.flac", "flac", 44_100, 66_150],
    ["music.mp3", "mp3", 44_100, 66_150],
    ["music.ogg", "vorbis", 44_100, 66_150],
    ["music.opus", "opus", 48_000, 72_000],
  ])("probing %s tells its format and length without decoding", async (name, format, sampleRateHz, samples) => {
    expect(await probeAudio(fixturePath(name))).toEqual({ format, sampleRateHz, channels: 2, samples, durationSeconds: 1.5, mends: [] });
  });
});

describe.skipIf(ffmpegMissing)("m4a through ffmpeg (skipped: no ffmpeg on the PATH)", () => {
  test("sounds like its source, without delay, by path and from bytes", async () => {
    const truth = downmix(await decodeFile(fixturePath("music.flac")));
    const decoded = await decodeFile(fixturePath("music.m4a"));
    expect(decoded).toMatchObject({ format: "mp4", sampleRateHz: 44_100, mends: [] });
    const best = bestLag(downmix(decoded).subarray(10_000, 40_000), truth.subarray(10_000, 40_000), 40);
    expect(best.lag).toBe(0);
    expect(best.correlation).toBeGreaterThan(0.98);
    const fromBytes = await decodeBytes(fixtureBytes("music.m4a"));
    expect(maxDifference(fromBytes.channels[0]!, decoded.channels[0]!)).toBe(0);
  });

  test("an excerpt holds exactly the samples of the whole", async () => {
    const whole = await decodeFile(fixturePath("music.m4a"));
    const excerpt = await decodeFile(fixturePath("music.m4a"), { startSeconds: 0.7, seconds: 0.3 });
    expect(maxDifference(excerpt.channels[0]!, whole.channels[0]!.subarray(30_870, 30_870 + 13_230))).toBe(0);
  });

  test("a broken one is an error that names the file", async () => {
    const path = folder.write("broken.m4a", fixtureBytes("music.m4a").subarray(0, 900));
    await expect(decodeFile(path)).rejects.toThrow(/broken\.m4a can't be decoded by ffmpeg/);
  });
});

test("without ffmpeg, the error names the format and the remedy", async () => {
  const path = process.env.PATH;
  process.env.PATH = "/nowhere";
  try {
    await expect(probeAudio(fixturePath("music.m4a"))).rejects.toMatchObject({
      fault: "unsupported",
      message: expect.stringMatching(/music\.m4a is mp4.*apt-get install ffmpeg/),
    });
  } finally {
    process.env.PATH = path;
  }
});

test("a hundred files with random bytes changed decode or fail with an error, and the process lives on", async () => {
  const rng = seeded(5);
  const outcomes = ["music.mp3", "music.flac", "music.ogg", "music.opus"].flatMap((name) =>
    Array.from({ length: 25 }, (_, k) => {
      const bytes = fixtureBytes(name);
      for (let i = 0; i <= k; i++) bytes[Math.floor(rng() * bytes.length)] = Math.floor(rng() * 256);
      return decodeBytes(bytes, { name }).catch((error: unknown) => error);
    }),
  );
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome instanceof Error) expect(outcome, messageOf(outcome)).toBeInstanceOf(OstinatoError);
    else expect(outcome).toMatchObject({ channels: expect.any(Array) });
  }
});

/** Overwrites bytes of an Ogg file behind its headers and sets every page's checksum right again, so that the nonsense reaches the
 *  decoder itself. */
function nonsenseInside(name: string, seed: number): Uint8Array {
  const bytes = fixtureBytes(name);
  const rng = seeded(seed);
  const at = 500 + Math.floor(rng() * (bytes.length - 3000));
  for (let i = at; i < at + 1500; i++) if (bytes[i] !== 0x4f) bytes[i] = Math.floor(rng() * 256);
  for (let p = 0; p + 27 < bytes.length; ) {
    const segments = bytes[p + 26]!;
    const length = 27 + segments + bytes.subarray(p + 27, p + 27 + segments).reduce((sum, value) => sum + value, 0);
    const page = bytes.subarray(p, p + length);
    if (page.length === length) new DataView(bytes.buffer, p).setUint32(22, oggCrc(page), true);
    p += length;
  }
  return bytes;
}

test("a decoder that traps inside WebAssembly is replaced, and the rest of the file still decodes in its place", async () => {
  const attempts = Array.from({ length: 30 }, (_, seed) => decodeBytes(nonsenseInside("music.opus", seed)).catch(() => undefined));
  const trapped = (await Promise.all(attempts)).filter((decoded) =>
    decoded?.mends.some((mend) => mend.includes("crashed and was restarted")),
  );
  expect(trapped.length).toBeGreaterThan(0);
  expect(trapped.some((decoded) => decoded!.channels[0]!.length === 72_000)).toBe(true);
});
