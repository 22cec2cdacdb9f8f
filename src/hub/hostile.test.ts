// Hostile hubs and settings: endless, compressed and dripping answers, links and pipes in the cache, and secrets that must not be shown.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type FakeHub, fakeHub, gitSha1 } from "../../test/fixtures/fake-hub.ts";
import { messageOf } from "../base/errors.ts";
import { modelPage } from "./page.ts";
import { resolveModel } from "./resolve.node.ts";
import { hubSettings } from "./settings.node.ts";

const name = "m-a-p/MERT-v1-95M";
const commit = "0123456789abcdef0123456789abcdef01234567";
const files = { "config.json": "{}", "preprocessor_config.json": "{}", "model.safetensors": Buffer.alloc(100_000, 7) };
let hub: FakeHub;
let cacheDir: string;
const network = { attempts: 2, backoffMs: 1, stallMs: 1000, answerMs: 20_000, leastBytesPerSecond: 1000, abandonedMs: 1000 };
const options = (more = {}) => ({ endpoint: hub.endpoint, cacheDir, token: "", network: { ...network, ...more } });
const impatient = { answerMs: 300 };
const repo = () => join(cacheDir, "models--m-a-p--MERT-v1-95M");

beforeAll(async () => {
  hub = await fakeHub({ [name]: { commit, files, large: ["model.safetensors"] } });
});
afterAll(() => hub.close());
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "ostinato-hostile-hub-"));
  hub.fault = () => false;
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

const failure = async (promise: Promise<unknown>) =>
  messageOf(
    await promise.then(
      () => new Error("it succeeded"),
      (error: unknown) => error,
    ),
  );

/** Sends `chunk` again and again, each `everyMs` or as fast as it is taken, until the other side goes away. */
function endless(response: ServerResponse, chunk: string | Uint8Array, everyMs = 0): boolean {
  let sent = 0;
  const more = () => {
    if (response.destroyed || sent > 2e9) return;
    sent += chunk.length;
    if (everyMs > 0) {
      response.write(chunk);
      setTimeout(more, everyMs);
    } else if (response.write(chunk)) setImmediate(more);
    else response.once("drain", more);
  };
  more();
  return true;
}

describe("an answer without end", () => {
  const isListing = (path: string) => path.startsWith("api/");

  test("a listing is read up to its limit", async () => {
    hub.fault = ({ path }, response) => isListing(path) && endless(response.writeHead(200), `{"a":"${"x".repeat(60_000)}"`);
    expect(await failure(resolveModel(name, options()))).toContain("answered with more than 16777216 bytes");
  });

  test("a compressed listing counts as what it unpacks to", async () => {
    const bomb = gzipSync(Buffer.alloc(3e8, 0x20));
    hub.fault = ({ path }, response) => isListing(path) && Boolean(response.writeHead(200, { "content-encoding": "gzip" }).end(bomb));
    expect(await failure(resolveModel(name, options()))).toContain("answered with more than 16777216 bytes");
  });

  test("a listing of deep or many values is no listing", async () => {
    for (const text of ["[".repeat(1e6), `[${"0,".repeat(5e6)}0]`, `{"sha":"${commit}","sha":"${commit}","siblings":[]}`]) {
      hub.fault = ({ path }, response) => isListing(path) && Boolean(response.writeHead(200).end(text));
      expect(await failure(resolveModel(name, options()))).toContain("something other than a model's listing");
    }
  });

  test("one that drips in is given up, though each part comes in time", async () => {
    hub.fault = ({ path }, response) => isListing(path) && endless(response.writeHead(200), " ", 20);
    expect(await failure(resolveModel(name, options(impatient)))).toMatch(
      /did not arrive after 2 attempts: only \d+ bytes arrived in 0.3 s/,
    );
  });

  test("a file that drips in is given up, and what arrived is kept", async () => {
    hub.fault = ({ method, path }, response) => {
      if (method !== "GET" || !path.startsWith("cdn/")) return false;
      return endless(response.writeHead(200, { "content-length": 100_000 }), Buffer.alloc(1, 7), 20);
    };
    expect(await failure(resolveModel(name, options(impatient)))).toMatch(
      /did not arrive after 2 attempts: only \d+ bytes arrived in 0.3 s/,
    );
    expect(await readdir(join(repo(), "blobs"))).toContainEqual(expect.stringMatching(/\.incomplete$/));
  });

  test("a file that is slow but fast enough arrives", async () => {
    hub.fault = ({ method, path, range }, response) => {
      if (method !== "GET" || !path.startsWith("cdn/") || range) return false;
      response.writeHead(200, { "content-length": 100_000 });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(files["model.safetensors"].subarray(sent, sent + 5_000));
        sent += 5_000;
        if (sent >= 100_000) clearInterval(timer);
      }, 50); // a second in all, more than three times answerMs
      return true;
    };
    expect((await resolveModel(name, options(impatient))).revision).toBe(commit);
  });

  test("a configuration whose length is not told ends at 16 MiB, and nothing of it stays", async () => {
    hub.fault = ({ method, path }, response) => {
      if (!path.endsWith("/config.json")) return false;
      if (method === "HEAD") return Boolean(response.writeHead(200, { etag: '"v1"', "transfer-encoding": "chunked" }).end());
      return endless(response.writeHead(200), Buffer.alloc(1 << 20, 0x20));
    };
    expect(await failure(resolveModel(name, options()))).toContain("config.json of m-a-p/MERT-v1-95M is longer than 16777216 bytes");
    expect((await readFile(join(repo(), "blobs/v1.incomplete"))).length).toBe(0);
  });

  test("a configuration that is announced with gigabytes is not fetched", async () => {
    hub.fault = ({ method, path }, response) =>
      method === "HEAD" && path.endsWith("/config.json") && Boolean(response.writeHead(200, { etag: '"v1"', "content-length": 3e9 }).end());
    expect(await failure(resolveModel(name, options()))).toContain("is longer than 16777216 bytes");
  });
});

describe.runIf(process.platform !== "win32")("what somebody else put into the cache", () => {
  test("a partial file that is a link is not followed, and one that is a pipe not waited for", async () => {
    const victim = join(cacheDir, "victim");
    await writeFile(victim, "precious");
    await mkdir(join(repo(), "blobs"), { recursive: true });
    const large = createHash("sha256").update(files["model.safetensors"]).digest("hex");
    await symlink(victim, join(repo(), "blobs", `${large}.incomplete`));
    execFileSync("mkfifo", [join(repo(), "blobs", `${gitSha1("{}")}.incomplete`)]);
    const found = await resolveModel(name, options());
    expect((await readFile(found.files.weights[0]!)).equals(files["model.safetensors"])).toBe(true);
    expect(await readFile(victim, "utf8")).toBe("precious");
  });
});

describe("settings", () => {
  const settings = (env: Record<string, string>) => hubSettings({}, { HF_HOME: join(cacheDir, "none"), ...env });

  test.each([
    ["a line break in a token", { HF_TOKEN: "hf_secret\nhf_other" }],
    ["a control character in a token", { HF_TOKEN: "hf_secret\x00" }],
    ["a space in a token", { HF_TOKEN: "Bearer hf_secret" }],
    ["a token of a megabyte", { HF_TOKEN: "hf_secret".repeat(1e5) }],
    ["a password in the endpoint", { HF_ENDPOINT: "https://user:hf_secret@hub.example" }],
    ["a token as the user of the endpoint", { HF_ENDPOINT: "https://hf_secret@hub.example" }],
    ["a password in an endpoint that is no address", { HF_ENDPOINT: "https//user:hf_secret@hub.example" }],
    ["a secret in the query of an endpoint", { HF_ENDPOINT: "https://hub.example?token=hf_secret" }],
  ])("%s is refused without being shown", async (_, env) => {
    const message = await failure(settings(env));
    expect(message).toMatch(/not shown here/);
    expect(message).not.toContain("hf_secret");
    expect(message.length).toBeLessThan(250);
  });

  test("white space around a token or endpoint does not matter", async () => {
    expect(await settings({ HF_TOKEN: " hf_ok\n", HF_ENDPOINT: "https://hub.example/path/ " })).toMatchObject({
      token: "hf_ok",
      endpoint: "https://hub.example/path",
    });
  });
});

describe("pages of models", () => {
  test.each([
    ["https://huggingface.co/m-a-p/MERT-v1-95M", { name }],
    ["https://huggingface.co/m-a-p/MERT-v1-95M/", { name }],
    ["https://hf.co/m-a-p/MERT-v1-95M?library=transformers#usage", { name }],
    ["https://huggingface.co/m-a-p/MERT-v1-95M/tree/main", { name, revision: "main" }],
    ["https://huggingface.co/m-a-p/MERT-v1-95M/tree/refs%2Fpr%2F1", { name, revision: "refs/pr/1" }],
    ["https://huggingface.co/m-a-p/MERT-v1-95M/blob/main/config.json", { name, revision: "main" }],
    ["http://mirror.example/hub/m-a-p/MERT-v1-95M", { name }],
  ])("%s", (address, page) => {
    expect(modelPage(address, "http://mirror.example/hub")).toEqual(page);
  });

  test.each([
    "https://huggingface.co/m-a-p",
    "https://huggingface.co/datasets/m-a-p/Music",
    "https://huggingface.co/m-a-p/MERT-v1-95M/discussions",
    "https://elsewhere.example/m-a-p/MERT-v1-95M",
    "https://user:hf_secret@elsewhere.example/m-a-p/MERT-v1-95M?token=hf_secret",
    "https://",
    "https://user:hf_secret@[/x",
  ])("%s is no page of a model", (address) => {
    const attempt = () => modelPage(address, "https://huggingface.co");
    expect(attempt).toThrow("is not the page of a model");
    expect(attempt).not.toThrow("hf_secret");
  });

  test("a page resolves as the name does, at its revision", async () => {
    const found = await resolveModel(`${hub.endpoint}/${name}/tree/main`, options());
    expect([found.name, found.revision]).toEqual([name, commit]);
    expect(await failure(resolveModel(`${hub.endpoint}/${name}/tree/main`, { ...options(), revision: "v2" }))).toContain(
      'names the revision "main", the option "v2"',
    );
  });
});
