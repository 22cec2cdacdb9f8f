// The library in a real browser: bundled models and decoders in headless Chromium, compared with the stored golden values and with
// Node's results.
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeBytes } from "../../src/audio/decode.node.ts";
import { loadInThisThread } from "../../src/audio/load.ts";
import { encodeWav } from "../../src/audio/wav.ts";
import { downmix } from "../../src/audio/waveform.ts";
import { fixtureBytes } from "../fixtures/audio.ts";
import { goldenModels } from "../fixtures/golden-models.ts";
import { chromiumMissing, launchChromium } from "./chromium.ts";
import type { Ask } from "./page.ts";
import { bundle, runtimeFolder, type Site, serveSite } from "./site.ts";

const cases = ["single_exact", "single_odd", "min_400", "len_719", "padded_nomask"];
const formats = ["wav", "flac", "mp3", "ogg", "opus"];
const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/app/page.js"></script>';

let folder: string;
let site: Site;
let plain: Site;
let browser: Browser;
let page: Page;
const sounds: Record<string, Uint8Array> = {};

beforeAll(async () => {
  if (chromiumMissing) return;
  folder = await mkdtemp(join(tmpdir(), "ostinato-browser-"));
  const { bytes } = await bundle("test/browser/page.ts", folder);
  await bundle("examples/browser/embed.ts", folder);
  console.log(`bundle: ${Math.round(bytes / 1024)} KiB before its lazy parts`);
  const music = await decodeBytes(fixtureBytes("music.flac"));
  sounds["/sounds/music.wav"] = encodeWav(music);
  for (const format of formats.slice(1)) sounds[`/sounds/music.${format}`] = fixtureBytes(`music.${format}`);
  const from = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const golden = from("../golden");
  const example = { "/model/": join(golden, "A_models/mert_95m_24k"), "/example/": from("../../examples/browser") };
  const folders = { "/app/": folder, "/ort/": runtimeFolder, "/golden/": golden, ...example };
  const files = { "/": html, ...sounds };
  site = await serveSite(folders, { files });
  plain = await serveSite(folders, { files, isolated: false });
  browser = await launchChromium();
  page = await openPage(browser, site);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all([site?.close(), plain?.close()]);
  if (folder) await rm(folder, { recursive: true });
});

async function openPage(within: Browser, on: Site): Promise<Page> {
  const opened = await within.newPage();
  opened.setDefaultTimeout(120_000); // a busy machine takes its time
  opened.on("pageerror", (error) => console.log(`page error: ${error.message}`));
  await opened.goto(`${on.origin}/`);
  await opened.waitForFunction("window.ask !== undefined");
  return opened;
}

/** Asks the page and waits for its answer. */
function ask<K extends keyof Ask>(name: K, ...args: Parameters<Ask[K]>): Promise<Awaited<ReturnType<Ask[K]>>> {
  return askOn(page, name, ...args);
}

function askOn<K extends keyof Ask>(on: Page, name: K, ...args: Parameters<Ask[K]>): Promise<Awaited<ReturnType<Ask[K]>>> {
  return on.evaluate(
    ([key, given]) => {
      const asked = (globalThis as unknown as { ask: Record<string, (...all: unknown[]) => unknown> }).ask;
      return asked[key as string]!(...(given as unknown[]));
    },
    [name, args] as const,
  ) as Promise<Awaited<ReturnType<Ask[K]>>>;
}

describe.skipIf(chromiumMissing)(`in headless Chromium${chromiumMissing ? ` (skipped: ${chromiumMissing})` : ""}`, () => {
  test("threads are on where the page is isolated, and a warning says so where it isn't", async () => {
    const { threadsAllowed, cores } = await ask("isolated");
    expect(threadsAllowed).toBe(true);
    const first = await ask("runGolden", "mert_95m_24k", ["single_odd"]);
    expect(first.threads).toBe(Math.min(8, cores));
    // WebAssembly's helpers are workers of the page: one less than its threads.
    expect(page.workers().length).toBeGreaterThanOrEqual(first.threads - 1);
    expect(first.told).toEqual([]);

    const lone = await openPage(browser, plain);
    const single = await askOn(lone, "runGolden", "mert_95m_24k", ["single_odd"]);
    expect(single).toMatchObject({ backend: "wasm", threads: 1 });
    expect(single.told.join()).toContain("one thread: serve the page with Cross-Origin-Opener-Policy");
    expect(single.worst.single_odd).toBeLessThan(1e-4);
    console.log(
      `${await browser.version()}: isolated page ${first.threads} threads of ${cores} cores, backend ${first.backend} (${first.backendReason})`,
    );
    await lone.close();
  });

  test.each(goldenModels)("%s: hidden states equal the original's to 1e-4", async (name) => {
    const { backend, worst, milliseconds } = await ask("runGolden", name, cases);
    console.log(
      `${name} on ${backend}, ${milliseconds} ms:`,
      ...Object.entries(worst).map(([each, off]) => `${each} ${off.toExponential(1)}`),
    );
    expect(backend).toBe("wasm");
    for (const each of cases) expect(worst[each], each).toBeLessThan(1e-4);
  });

  test.each(["mert_95m_24k", "hubert_large_layernorm_16k", "music2vec_data2vec_16k"])(
    "%s from files: a mixed batch equals single runs",
    async (name) => {
      expect(await ask("runFiles", name)).toBeLessThan(1e-4);
    },
  );

  test.each([
    ["fp16", 0.9999],
    ["q8", 0.995],
    ["q4", 0.97],
  ] as const)("dtype %s runs, and its cosine to fp32 is measured", async (dtype, least) => {
    const { comparison, backend } = await ask("runGolden", "mert_95m_24k", [], { dtype, compare: true });
    const { worstCosine, worstRelativeError } = comparison!;
    console.log(
      `mert_95m_24k ${dtype} on ${backend}: cosine ${worstCosine.toFixed(7)}, relative error ${worstRelativeError.toExponential(1)}`,
    );
    expect(worstCosine).toBeGreaterThan(least);
    expect(worstCosine).toBeLessThan(1);
  });

  test.each(formats)("%s decodes to Node's samples, bit for bit", async (format) => {
    const path = `/sounds/music.${format}`;
    const bytes = sounds[path]!;
    const here = await decodeBytes(bytes);
    const loaded = await loadInThisThread(bytes, { sampleRateHz: 24000, startSeconds: 0.5, seconds: 1 });
    const there = await ask("runDecode", path);
    console.log(`${format}: ${there.seconds.toFixed(2)} s in ${there.milliseconds.toFixed(0)} ms`);
    expect(there).toMatchObject({ format: here.format, sampleRateHz: here.sampleRateHz });
    expect(there.decoded).toBe(hash(downmix(here)));
    expect(there.loaded).toBe(hash(loaded.samples));
  });

  test("WebGPU, here on a software adapter, equals the original to 1e-4 after its comparison with WebAssembly on load", async ({
    skip,
  }) => {
    const withGpu = await launchChromium({ webgpu: true });
    const gpuPage = await openPage(withGpu, site);
    const careful = await askOn(gpuPage, "runGolden", "mert_deepnorm_relax_24k", ["min_400"], { backend: "auto" });
    expect(careful.backend).toBe("wasm");
    console.log(`"auto" takes ${careful.backend}: ${careful.backendReason}`);
    if (!careful.backendReason.startsWith("WebGPU has only software")) {
      await withGpu.close();
      skip(`no adapter, not even in software: ${careful.backendReason}`);
    }
    const { backend, comparison, worst, milliseconds, told } = await askOn(gpuPage, "runGolden", "mert_deepnorm_relax_24k", ["min_400"], {
      backend: "webgpu",
    });
    console.log(
      `mert_deepnorm_relax_24k on ${backend}, ${milliseconds} ms: relative error on the probe ${comparison?.worstRelativeError}, golden ${worst.min_400}`,
    );
    expect({ backend, told }).toEqual({ backend: "webgpu", told: [] });
    expect(comparison!.worstRelativeError).toBeLessThan(1e-4);
    expect(worst.min_400).toBeLessThan(1e-4);
    await withGpu.close();
  }, 240_000);

  test("where a GPU fails, WebAssembly runs the model, and a warning says so", async () => {
    const broken = await browser.newPage();
    await broken.addInitScript(() => {
      const adapter = {
        info: { vendor: "broken" },
        features: new Set(),
        limits: {},
        requestDevice: () => Promise.reject(new Error("no device")),
      };
      Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => adapter } });
    });
    await broken.goto(`${site.origin}/`);
    await broken.waitForFunction("window.ask !== undefined");
    const { backend, told, worst } = await askOn(broken, "runGolden", "hubert_no_featproj_ln", ["single_odd"], { backend: "auto" });
    console.log(told.join());
    expect(backend).toBe("wasm");
    expect(told.join()).toMatch(/^WebGPU was tried and rejected: .*no device\. WebAssembly runs the model\.$/);
    expect(worst.single_odd).toBeLessThan(1e-4);
    const quantised = await askOn(broken, "runGolden", "hubert_no_featproj_ln", [], { backend: "auto", dtype: "q8" });
    expect(quantised).toMatchObject({ backend: "wasm", backendReason: "8-bit products have no WebGPU kernels", told: [] });
    await broken.close();
  });

  test("the example's page embeds a recording that a user picks", async () => {
    const example = await browser.newPage();
    await example.goto(`${site.origin}/example/index.html`);
    await example.setInputFiles("input", { name: "song.mp3", mimeType: "audio/mpeg", buffer: Buffer.from(sounds["/sounds/music.mp3"]!) });
    await example.waitForFunction("document.querySelector('pre').textContent.includes('mean')");
    const text = (await example.textContent("pre"))!;
    console.log(text);
    expect(text).toMatch(/^mert, fp32, on wasm \(.*\); \d+ threads\nsong\.mp3: 1\.50 s of mp3 from 44100 Hz, embedded in .* s\n/);
    expect(text).toMatch(/4 hidden states of 112 frames; last layer's mean: -?\d/);
    await example.close();
  });

  test("errors say what is wrong", async () => {
    const folder = "/golden/A_models/mert_95m_24k/";
    expect(await ask("runMistake", "/golden/nothing/")).toMatch(/^NotFoundError: .*\/golden\/nothing\/ has no config\.json/);
    expect(await ask("runMistake", folder, { backend: "webgpu" })).toMatch(/^NotFoundError: This browser .*backend: "wasm"/);
    const fresh = await openPage(browser, site);
    const lost = await askOn(fresh, "runMistake", folder, { runtimeFiles: "/nowhere/" });
    expect(lost).toMatch(/^NotFoundError: onnxruntime-web found no runtime .*\/nowhere\/.* Serve the ort-wasm-\* files .* runtimeFiles\.$/);
    await fresh.close();
  });
});

function hash(samples: Float32Array): string {
  return createHash("sha256").update(samples).digest("hex");
}
