// README's snippets, run as they stand: against a hub on this machine that serves a small model under the real name.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { synthesise } from "../src/audio/synth.ts";
import { encodeWav } from "../src/audio/wav.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { collectBytes } from "../src/formats/bytes.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { type FakeHub, fakeHub } from "./fake-hub.ts";
import { goldenJson } from "./golden.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("..", import.meta.url));
const readme = await readFile(join(root, "README.md"), "utf8");
const blocks = (language: string) => [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, "gs"))].map((match) => match[1]!);

let hub: FakeHub;
let folder: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  // Twelve layers, as the real one has, each of them small.
  const config = { ...goldenJson<object>("A_models/mert_95m_24k/config.json"), num_hidden_layers: 12 };
  const { model } = architectureFromHf(config);
  const files: Record<string, string | Uint8Array> = {
    "config.json": JSON.stringify(config),
    "preprocessor_config.json": JSON.stringify({ do_normalize: false, sampling_rate: 24000 }),
    "model.safetensors": await collectBytes(safetensorsChunks(randomTensors(model, 1))),
  };
  hub = await fakeHub({ "m-a-p/MERT-v1-95M": { commit: "a".repeat(40), files, large: ["model.safetensors"] } });
  folder = await mkdtemp(join(tmpdir(), "ostinato-readme-"));
  env = {
    ...process.env,
    HF_ENDPOINT: hub.endpoint,
    HF_HOME: join(folder, "huggingface"),
    HF_HUB_OFFLINE: "",
    PATH: `${folder}/bin:${process.env.PATH}`,
  };
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/ostinato"));
  await mkdir(join(folder, "bin"));
  await symlink(join(root, "bin/ostinato.js"), join(folder, "bin/ostinato"));
  await mkdir(join(folder, "some-model"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, "some-model", name), content);
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await mkdir(join(folder, "music"));
  // Decoders go by content, not by name: a wav called mp3 is a wav.
  await writeFile(join(folder, "song.mp3"), encodeWav(synthesise({ seconds: 1, seed: 1 })));
  await writeFile(join(folder, "music/a.wav"), encodeWav(synthesise({ seconds: 1, seed: 2 })));
});
afterAll(async () => {
  await hub?.close();
  await rm(folder, { recursive: true, force: true });
});

test("every TypeScript snippet runs", async () => {
  const snippets = blocks("ts");
  expect(snippets.length).toBeGreaterThan(1);
  for (const [i, snippet] of snippets.entries()) {
    const path = join(folder, `snippet-${i}.ts`);
    await writeFile(path, snippet);
    const { stdout } = await run("node", ["--import", fileURLToPath(import.meta.resolve("tsx")), path], { cwd: folder, env });
    expect(stdout).toMatch(/^\[/);
  }
});

test("every command line of ostinato runs, in the order it stands there", async () => {
  const lines = blocks("sh").flatMap((block) => block.split("\n").filter((line) => line.startsWith("ostinato ")));
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) await run("sh", ["-c", line], { cwd: folder, env });
  expect((await readdir(join(folder, "embeddings"))).sort()).toEqual(["song.json", "song.npy"]);
  expect(await readdir(folder)).toEqual(expect.arrayContaining(["means", "model.pt", "model.onnx"]));
});
