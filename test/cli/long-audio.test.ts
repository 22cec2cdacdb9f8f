// `ostinato embed` on long audio: long files are cut into windows by default, as the summary and the provenance say. An interruption in the
// middle of a file leaves no output for it.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileSource } from "../../src/base/files.node.ts";
import { npyInfo } from "../../src/formats/npy.ts";
import { wholeSeconds } from "../../src/inference/window.ts";
import { writeSong, writeTinyModel } from "../fixtures/tiny-model.ts";
import { ostinato } from "./run.ts";

let folder: string;
let model: string;
let song: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-cli-long-"));
  model = await writeTinyModel(join(folder, "model"));
  song = await writeSong(join(folder, "song.wav"), { seconds: wholeSeconds + 10, sampleRateHz: 11_025 });
});
afterAll(() => rm(folder, { recursive: true }));

const embed = (out: string, ...more: string[]) => ostinato(["embed", song, "--model", model, "--out", join(folder, out), ...more]);
const written = async (out: string) => {
  const source = await fileSource(join(folder, out, "song.npy"));
  const { shape } = await npyInfo(source);
  await source.close();
  const provenance = JSON.parse(await readFile(join(folder, out, "song.json"), "utf8")) as Record<string, unknown>;
  return { shape, provenance };
};

test("a file over two minutes is cut into windows; summary and provenance name them and their measured deviation", async () => {
  const { code, stderr } = await embed("default");
  expect(code).toBe(0);
  expect(stderr).toContain(
    "1 file in windows: attention saw 30 s at a time, with 5 s of overlap. Measured with such windows: a relative error of ",
  );
  const { shape, provenance } = await written("default");
  expect(shape).toEqual([4, 9749, 16]);
  expect(provenance.windows).toEqual({ count: 6, windowSeconds: 30, overlapSeconds: 5 });
  expect(provenance.deviations).toEqual([
    expect.stringMatching(/saw 6 windows of 30 s .* whole clip\. .*Measured.*docs\/guides\/long-audio\.md/),
  ]);
});

test("a window as long as the file is no deviation, and none is reported", async () => {
  const { code, stderr } = await embed("whole", "--window", String(wholeSeconds + 20), "--layers", "last");
  expect(code).toBe(0);
  expect(stderr).not.toContain("in windows");
  const { shape, provenance } = await written("whole");
  expect(shape).toEqual([1, 9749, 16]);
  expect(provenance.windows).toBeUndefined();
  expect(provenance.deviations).toEqual([]);
});

test("Ctrl-C in the middle of a long file leaves no output for it, and the next run completes it", async () => {
  const partOf = async () => (await readdir(join(folder, "again")).catch(() => [])).some((name) => name.includes("song"));
  let pressed = false;
  let waiting: NodeJS.Timeout | undefined;
  const args = ["embed", song, "--model", model, "--out", join(folder, "again"), "--window", "0.2", "--overlap", "0.1"]; // 1,300 windows
  const interrupted = await ostinato(args, {
    onStderr: (_, kill) => {
      waiting ??= setInterval(async () => {
        if (pressed || !(await partOf())) return;
        pressed = true; // a second time would end it at once
        kill("SIGINT");
      }, 20);
    },
  });
  clearInterval(waiting);
  expect(interrupted.code).toBe(130);
  expect(await partOf()).toBe(false);
  const { code, stderr } = await embed("again", "--window", "60");
  expect(stderr).toContain("1 file embedded");
  expect(code).toBe(0);
  expect((await written("again")).shape).toEqual([4, 9749, 16]);
});
