// Runs every snippet of the README and the docs, or checks that it gives a reason why not. A hub on this machine serves small models with random
// weights under the real names. The snippets of a page run in order, in one folder; a few pages at a time. Text after "// → " must be printed.
import { execFile, execFileSync, fork } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeWav } from "../src/audio/wav.ts";
import { collectBytes } from "../src/base/bytes.ts";
import { hfPreprocessor } from "../src/checkpoint/convert.node.ts";
import { randomTensors } from "../src/checkpoint/random.ts";
import { safetensorsChunks } from "../src/formats/safetensors.ts";
import { architectureFromHf } from "../src/models/index.ts";
import { shortSong } from "../src/synth/short-song.ts";
import { type FakeHub, type FakeModel, fakeHub } from "./fixtures/fake-hub.ts";
import { brokenPromise, type Snippet, snippetsOf, unnamedBlocks } from "./snippets.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pages = ["README.md", ...(await readdir(join(root, "docs"), { recursive: true })).map((path) => `docs/${path}`)]
  .filter((path) => path.endsWith(".md"))
  .sort();
const texts = new Map(await Promise.all(pages.map(async (page) => [page, await readFile(join(root, page), "utf8")] as const)));
const numpy = hasNumpy();

/** Where the snippets of a page run. */
const folderOf = (page: string) => join(folder, page.replaceAll(/\W/g, "-"));
const fileOf = (page: string, { line, language }: Snippet) =>
  join(folderOf(page), `line-${line}.${language === "python" ? "py" : language}`);

let hub: FakeHub;
let folder: string;
let env: NodeJS.ProcessEnv;
type Runner = ReturnType<typeof fork>;
const runners: Runner[] = [];
/** Pages that wait for a runner, and runners that wait for a page. */
const waiting: ((runner: Runner) => void)[] = [];
const idle: Runner[] = [];

beforeAll(async () => {
  const models = Object.fromEntries(
    await Promise.all(Object.entries(published).map(async ([name, config]) => [name, await model(config)])),
  );
  hub = await fakeHub(models);
  folder = await mkdtemp(join(tmpdir(), "ostinato-docs-"));
  env = {
    ...process.env,
    HF_ENDPOINT: hub.endpoint,
    HF_HUB_OFFLINE: "",
    PATH: `${folder}/bin:${process.env.PATH}`,
  };
  await mkdir(join(folder, "node_modules"));
  await symlink(root, join(folder, "node_modules/ostinato"));
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name !== "ostinato" && !name.startsWith(".")) await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  await mkdir(join(folder, "bin"));
  await symlink(join(root, "bin/ostinato.js"), join(folder, "bin/ostinato"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  // Decoders go by content, not by name: a wav called mp3 is a wav.
  const [song, a, b] = [1.5, 1, 2].map((seconds, seed) => encodeWav(shortSong({ seconds, seed })));
  for (const [page, text] of texts) {
    if (snippetsOf(text).length === 0) continue;
    const here = folderOf(page);
    await mkdir(join(here, "music/more"), { recursive: true });
    await mkdir(join(here, "some-model"));
    await writeFile(join(here, "song.mp3"), song!);
    await writeFile(join(here, "music/a.wav"), a!);
    await writeFile(join(here, "music/more/b.wav"), b!);
    for (const [name, content] of Object.entries<string | Uint8Array>(models["m-a-p/MERT-v1-95M"]!.files))
      await writeFile(join(here, "some-model", name), content);
    for (const snippet of snippetsOf(text)) await writeFile(fileOf(page, snippet), snippet.text);
  }
});
afterAll(async () => {
  for (const runner of runners) runner.kill();
  await hub?.close();
  await rm(folder, { recursive: true, force: true });
});

describe.concurrent.each([...texts])("%s", (page, text) => {
  const snippets = snippetsOf(text);
  const run = snippets.filter(({ notRun }) => notRun === undefined);

  test("a block of commands or code begins with its language, as ```sh or ```ts", () => {
    expect(unnamedBlocks(text).map((line) => `${page}:${line}`)).toEqual([]);
  });

  test("a snippet that isn't run says why", () => {
    for (const { line, notRun = "because" } of snippets) expect(notRun.length, `${page}:${line}: why isn't it run?`).toBeGreaterThan(6);
  });

  if (run.length === 0) return;
  test("every snippet runs and prints what it promises", { timeout: 300_000 }, async () => {
    const runner = await takeRunner();
    await runPage(page, text, runner).finally(() => giveBack(runner));
  });

  if (numpy || !run.some(({ language }) => language === "python")) return;
  test("its Python snippets run", ({ skip }) => {
    skip("no python3 with numpy is here");
  });
});

test("the TypeScript snippets type-check", async () => {
  const files = [...texts].flatMap(([page, text]) => {
    return snippetsOf(text).flatMap((snippet) => (snippet.language === "ts" && !snippet.notRun ? [fileOf(page, snippet)] : []));
  });
  const { options } = ts.parseJsonConfigFileContent({ compilerOptions: compiler }, ts.sys, folder);
  const found = ts.getPreEmitDiagnostics(ts.createProgram(files, options));
  expect(found.map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`)).toEqual([]);
});

test("links between the pages lead to existing files", async () => {
  for (const [page, text] of texts) {
    if (page.startsWith("docs/api/")) continue;
    for (const [, target = ""] of text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)) {
      const path = join(root, dirname(page), target);
      await expect(readdir(dirname(path)), `${page} links to ${target}`).resolves.toContain(path.split("/").filter(Boolean).at(-1));
    }
  }
});

const compiler = {
  ...{ target: "ES2022", lib: ["ES2023", "DOM", "DOM.AsyncIterable"], module: "NodeNext", moduleResolution: "NodeNext" },
  ...{ types: ["node"], strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true, noEmit: true },
};

/** A free runner; there are as many as cores, at most four. */
function takeRunner(): Promise<Runner> | Runner {
  const free = idle.pop();
  if (free) return free;
  if (runners.length >= Math.min(4, availableParallelism())) return new Promise((resolve) => waiting.push(resolve));
  const runner = fork(join(root, "test/snippet-runner.mjs"), { execArgv: ["--import", import.meta.resolve("tsx")], env });
  runners.push(runner);
  return runner;
}

function giveBack(runner: Runner): void {
  const next = waiting.shift();
  if (next) next(runner);
  else idle.push(runner);
}

/** @throws Error for the first snippet that fails or prints something else than promised. */
async function runPage(page: string, text: string, runner: Runner): Promise<undefined> {
  for (const snippet of snippetsOf(text)) {
    if (snippet.notRun !== undefined || (snippet.language === "python" && !numpy)) continue;
    const output = await outputOf(page, snippet, runner).catch((error: Error) => {
      throw new Error(`${page}:${snippet.line}: ${error.message}`);
    });
    const broken = brokenPromise(snippet.text, output);
    if (broken !== undefined) throw new Error(`${page}:${snippet.line} does not print\n${broken}\nbut\n${output}`);
  }
}

/** Each page has its own cache, so that no page uses another's downloads. */
async function outputOf(page: string, snippet: Snippet, runner: Runner): Promise<string> {
  const { language, text } = snippet;
  const path = fileOf(page, snippet);
  const cache = { HF_HOME: join(folderOf(page), ".huggingface") };
  if (language === "ts" || language === "js") {
    const { output, error } = await new Promise<{ output: string; error?: string }>((resolve, reject) => {
      const ended = () => reject(new Error("the snippet ended its process"));
      runner.once("exit", ended).once("message", (answer) => {
        runner.off("exit", ended);
        resolve(answer as { output: string });
      });
      runner.send({ path, env: cache });
    });
    if (error !== undefined) throw new Error(`${error}\n${output}`);
    return output;
  }
  const [program, args] = language === "python" ? (["python3", [path]] as const) : (["sh", ["-ec", text]] as const);
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: dirname(path), env: { ...env, ...cache } });
  return stdout + stderr;
}

function hasNumpy(): boolean {
  try {
    execFileSync("python3", ["-c", "import numpy"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

// Small models with the layers, rates and norms of the published ones.
const small = {
  ...{ hidden_size: 32, num_attention_heads: 4, intermediate_size: 64, conv_dim: [16, 16, 16, 16, 16, 16, 16] },
  ...{ num_hidden_layers: 12, sample_rate: 16_000 },
};
const mert = { ...small, model_type: "mert_model", num_conv_pos_embedding_groups: 4, num_conv_pos_embeddings: 16 };
const published = {
  "m-a-p/music2vec-v1": { ...small, model_type: "data2vec-audio", num_conv_pos_embedding_groups: 4 },
  "m-a-p/MERT-v0": mert,
  "m-a-p/MERT-v0-public": mert,
  "m-a-p/MERT-v1-95M": { ...mert, sample_rate: 24_000 },
  "m-a-p/MERT-v1-330M": { ...mert, sample_rate: 24_000, num_hidden_layers: 24, do_stable_layer_norm: true },
};

async function model(config: { model_type: string; sample_rate: number; num_hidden_layers: number }): Promise<FakeModel> {
  const architecture = architectureFromHf(config, config.sample_rate);
  const normalises = config.num_hidden_layers === 24 || config.sample_rate === 16_000;
  const files: Record<string, string | Uint8Array> = {
    "config.json": JSON.stringify(config),
    // music2vec-v1 has none.
    ...(config.model_type === "mert_model" && {
      "preprocessor_config.json": JSON.stringify(hfPreprocessor(config.sample_rate, normalises)),
    }),
    "model.safetensors": await collectBytes(safetensorsChunks(randomTensors(architecture.model, 1))),
  };
  return { commit: "a".repeat(40), files, large: ["model.safetensors"] };
}
