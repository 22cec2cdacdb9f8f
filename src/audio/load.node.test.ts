// Loading in pieces: the same samples and facts as loading at once.
import { afterAll, expect, test } from "vitest";
import { fixtureBytes, fixturePath, temporaryFolder } from "../../test/fixtures/audio.ts";
import { maxDifference } from "../../test/fixtures/golden.ts";
import { NotFoundError } from "../base/errors.ts";
import { shortSong } from "../synth/short-song.ts";
import { loadAudio, loadStream, type StreamFacts } from "./load.node.ts";
import { encodeWav } from "./wav.ts";
import { concatSamples } from "./waveform.ts";

const folder = temporaryFolder();
afterAll(folder.remove);

test.each([
  ["by path", (name: string) => ({ path: fixturePath(name) })],
  ["from bytes", (name: string) => ({ bytes: fixtureBytes(name), name })],
])("a stream %s brings the samples and the facts of the whole", async (_, input) => {
  for (const name of ["music.mp3", "music.flac"]) {
    const { samples, ...facts } = await loadAudio(fixturePath(name), { sampleRateHz: 24_000 });
    const found: StreamFacts[] = [];
    const parts: Float32Array[] = [];
    for await (const part of loadStream(input(name), { sampleRateHz: 24_000, onEnd: (all) => found.push(all) })) parts.push(part);
    expect(maxDifference(concatSamples(parts), samples)).toBe(0);
    expect(found).toEqual([facts]);
  }
});

test("a stream comes in many pieces, may be left early, and says what is wrong", async () => {
  const path = folder.write("minute.wav", encodeWav(shortSong({ seconds: 60, sampleRateHz: 22_050, seed: 4 })));
  let pieces = 0;
  for await (const piece of loadStream({ path }, { sampleRateHz: 24_000 })) {
    expect(piece.length).toBeLessThan(10 * 24_000);
    if (++pieces === 4) break;
  }
  expect(pieces).toBe(4);
  await expect(loadStream({ path: "no/such.wav" }, { sampleRateHz: 24_000 }).next()).rejects.toThrow(NotFoundError);
});
