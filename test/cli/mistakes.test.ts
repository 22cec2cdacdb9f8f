// Mistakes on the command line: the error says what was found and what to do, and the exit code is right.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeSong, writeTinyModel } from "../fixtures/tiny-model.ts";
import { ostinato } from "./run.ts";

let folder: string;
let model: string;
let song: string;
let out: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ostinato-mistakes-"));
  model = await writeTinyModel(join(folder, "model"));
  song = await writeSong(join(folder, "song.wav"));
  out = join(folder, "out");
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

describe("wrong usage ends with 2", () => {
  test.each<[string, () => string[], string | RegExp]>([
    [
      "a model's name that is nearly right is answered with the nearest",
      () => ["embed", song, "--model", "MERT-v1-95", "--out", out],
      "Did you mean m-a-p/MERT-v1-95M",
    ],
    [
      "a folder that is not there is named",
      () => ["embed", song, "--model", "./nowhere", "--out", out],
      "There is no file or folder ./nowhere",
    ],
    ["a missing --out is named", () => ["embed", song, "--model", model], "required option '--out <DIR>' not specified"],
    [
      "an unknown flag is answered with the one that was meant",
      () => ["embed", song, "--model", model, "--out", out, "--poling", "mean"],
      "Did you mean --pooling?",
    ],
    [
      "a wrong value is answered with the allowed ones",
      () => ["embed", song, "--model", model, "--out", out, "--pooling", "max"],
      /--pooling.*'max' is invalid. Allowed choices are none, mean, weighted/,
    ],
    [
      "an unknown dtype is answered with the known ones",
      () => ["embed", song, "--model", model, "--out", out, "--dtype", "int4"],
      "fp32, fp16, bf16, q8, q4",
    ],
    [
      "a dtype that an engine lacks is answered with those it has, and with the engine that has it",
      () => ["embed", song, "--model", model, "--out", out, "--engine", "onnx", "--dtype", "bf16"],
      "The engine onnx has no bf16; it has fp32, fp16, q8, q4. The engine torch has bf16.",
    ],
    [
      "a device that is not of Node is answered with those that are",
      () => ["embed", song, "--model", model, "--out", out, "--device", "webgpu"],
      "The device webgpu is not available in Node; there are cpu and cuda",
    ],
    [
      "layers that are no numbers are refused",
      () => ["embed", song, "--model", model, "--out", out, "--layers", "top"],
      "Allowed are all, last, or numbers",
    ],
    [
      "a layer beyond the model is named, with the last there is",
      () => ["embed", song, "--model", model, "--out", out, "--layers", "0,13"],
      "Layer 13 does not exist: this model has hidden states 0 (the embedding) to 3.",
    ],
    [
      "an overlap without a window is refused",
      () => ["embed", song, "--model", model, "--out", out, "--overlap", "1"],
      "overlap is given without a window",
    ],
    ["an unknown command is named", () => ["embedd", song], "Did you mean embed?"],
    ["export asks for a name that ends in .onnx", () => ["export", model, at("model.bin")], "Give a file name that ends in .onnx"],
  ])("%s", async (_, args, message) => {
    const { code, stderr, stdout } = await ostinato(args());
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at "); // no stack
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("a folder without audio is refused, with the extensions that were searched for", async () => {
    await mkdir(at("empty"));
    const { code, stderr } = await ostinato(["embed", at("empty"), "--model", model, "--out", out]);
    expect(stderr).toMatch(/There is no audio file in .*empty\. Folders are searched for wav, flac, mp3/);
    expect(code).toBe(2);
  });

  test("an output folder that can't be written to is refused before the model loads", async () => {
    await writeFile(at("file"), "");
    const { code, stderr } = await ostinato(["embed", song, "--model", model, "--out", join(at("file"), "out")]);
    expect(stderr).toMatch(/The output folder .* can't be written to \(.*\)\. Give another --out\./);
    expect(code).toBe(2);
  });
});

describe("an input that fails is named and the exit code is 1", () => {
  async function failure(name: string, bytes: string | Uint8Array) {
    await writeFile(at(name), bytes);
    const ended = await ostinato(["embed", at(name), "--model", model, "--out", out]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(new RegExp(`^failed: .*${name}`, "m"));
    expect(ended.stderr).toContain("1 failed");
    return ended.stderr;
  }

  test("a text file called .mp3 is reported as text", async () => {
    expect(await failure("notes.mp3", "la la la, but in words\n")).toContain("is text, not audio");
  });

  test("a corrupt file is reported as corrupt", async () => {
    expect(await failure("broken.wav", new Uint8Array([..."RIFF\0\0\0\0WAVEfmt "].map((c) => c.charCodeAt(0))))).toMatch(/broken\.wav/);
  });

  test("an empty file is reported as empty", async () => {
    expect(await failure("empty.flac", "")).toContain("is empty (0 bytes)");
  });

  test("a clip too short for one frame is refused with its length", async () => {
    await writeSong(at("click.wav"), { seconds: 0.01, sampleRateHz: 24_000 });
    const { code, stderr } = await ostinato(["embed", at("click.wav"), "--model", model, "--out", out]);
    expect(stderr).toContain("The clip has 240 samples at 24000 Hz; one frame needs 400 (16.7 ms).");
    expect(code).toBe(1);
  });

  test("a missing file is reported as missing", async () => {
    const { code, stderr } = await ostinato(["embed", at("gone.mp3"), "--model", model, "--out", out]);
    expect(stderr).toMatch(/^failed: There is no file .*gone\.mp3/m);
    expect(code).toBe(1);
  });

  test("a corrupt checkpoint is named", async () => {
    const broken = await writeTinyModel(at("broken-model"));
    await writeFile(join(broken, "model.safetensors"), "not a checkpoint");
    const { code, stderr } = await ostinato(["embed", song, "--model", broken, "--out", out]);
    expect(stderr).toMatch(/error: .*model\.safetensors is no checkpoint that can be read/);
    expect(code).toBe(1);
  });
});
