import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkInside, placeFile, placings, repoFolder } from "./cache.node.ts";
import { listCached } from "./cached.node.ts";
import { licenceFromCard, licenceFromReadme } from "./licence.ts";
import { canonicalName, lookup, nearNames, registry } from "./registry.ts";
import { resolveModel } from "./resolve.node.ts";
import { hubSettings } from "./settings.node.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ostinato-cache-"));
});
afterAll(() => rm(root, { recursive: true }));

test("a cache written by Python is read as it is: tags, pull requests, links to links", async () => {
  const commit = "c".repeat(40);
  const repo = join(root, "python/models--some--model");
  for (const folder of ["blobs", "refs/refs/pr", `snapshots/${commit}`]) await mkdir(join(repo, folder), { recursive: true });
  await writeFile(join(repo, "refs/refs/pr/1"), commit);
  for (const [file, blob] of [
    ["config.json", "b1"],
    ["model.safetensors", "b2"],
  ]) {
    await writeFile(join(root, "python", blob!), "12345");
    // Newer versions link blobs on to a store shared by all models.
    await symlink(`../../${blob}`, join(repo, "blobs", blob!));
    await symlink(`../../blobs/${blob}`, join(repo, "snapshots", commit, file!));
  }
  const cacheDir = join(root, "python");
  const found = await resolveModel("some/model", { cacheDir, revision: "refs/pr/1", localFilesOnly: true });
  expect(found.revision).toBe(commit);
  expect(await listCached({ cacheDir })).toMatchObject([{ name: "some/model", commit, revisions: ["refs/pr/1"], bytes: 10 }]);
});

test("where links can't be made, the blob is linked hard, and where even that fails, copied", async () => {
  const repo = repoFolder(root, "org/name");
  await mkdir(join(repo, "blobs"), { recursive: true });
  await writeFile(join(repo, "blobs/e1"), "content");
  const refuse = () => Promise.reject(Object.assign(new Error("no links here"), { code: "EPERM" }));
  const hard = await placeFile(repo, "c1", "a.json", "e1", [refuse, placings[1]!, placings[2]!]);
  expect((await stat(hard)).ino).toBe((await stat(join(repo, "blobs/e1"))).ino);
  const copy = await placeFile(repo, "c1", "sub/b.json", "e1", [refuse, refuse, placings[2]!]);
  expect(await readFile(copy, "utf8")).toBe("content");
  expect((await stat(copy)).ino).not.toBe((await stat(join(repo, "blobs/e1"))).ino);
  expect(await readdir(join(repo, "snapshots/c1"))).toEqual(["a.json", "sub"]);
});

test.each(["../x", "/x", "a/../../x", "a//b", "a\\b", "c:x", "", ".", "a\0b"])("no name leads out of its folder: %j", (name) => {
  expect(() => checkInside(name, "The name")).toThrow("would lead out of the cache folder");
});

test("settings come from options, then the environment, then huggingface_hub's defaults", async () => {
  const token = join(root, "token");
  await writeFile(token, "hf_file\n");
  const none = { HF_TOKEN_PATH: join(root, "no-token") };
  expect(await hubSettings({}, none)).toEqual({
    cacheDir: join(homedir(), ".cache/huggingface/hub"),
    endpoint: "https://huggingface.co",
    offline: false,
  });
  expect(await hubSettings({}, { HF_HOME: root, HF_ENDPOINT: "https://mirror.example/", TRANSFORMERS_OFFLINE: "true" })).toEqual({
    cacheDir: join(root, "hub"),
    endpoint: "https://mirror.example",
    token: "hf_file",
    offline: true,
  });
  const env = { HF_HOME: root, HF_HUB_CACHE: "~/models", HF_TOKEN: "hf_env", HF_HUB_OFFLINE: "1" };
  expect(await hubSettings({}, env)).toMatchObject({ cacheDir: join(homedir(), "models"), token: "hf_env", offline: true });
  const given = await hubSettings({ token: "", cacheDir: "/x", localFilesOnly: false }, env);
  expect(given).toEqual({ cacheDir: "/x", endpoint: "https://huggingface.co", offline: false });
  await expect(hubSettings({ endpoint: "hub.local" }, {})).rejects.toThrow("must be an address like");
});

test("every registered model can't be used commercially, and says so", () => {
  for (const name of Object.keys(registry)) expect(lookup(name)?.licence).toEqual({ name: "CC BY-NC 4.0", nonCommercial: true });
});

test("short names resolve in any case, forks and unknown names do not", () => {
  expect(canonicalName("music2vec-V1")).toBe("m-a-p/music2vec-v1");
  expect(canonicalName("M-A-P/mert-v0-public")).toBe("m-a-p/MERT-v0-public");
  expect(lookup("someone/MERT-v1-95M")).toBeUndefined();
  expect(nearNames("musicvec-v1")).toEqual(["m-a-p/music2vec-v1"]);
  expect(nearNames("MERT-v1-330")[0]).toBe("m-a-p/MERT-v1-330M");
});

test("a licence is read from cards, whatever form they give it", () => {
  expect(licenceFromCard({ license: "other", license_name: "my-research-licence" })).toEqual({
    name: "my-research-licence",
    nonCommercial: true,
  });
  expect(licenceFromCard({ license: ["mit", "apache-2.0"] })).toEqual({ name: "mit, apache-2.0", nonCommercial: false });
  expect(licenceFromReadme("---\r\nlicense: cc-by-nc-4.0\r\n---\r\nText")).toEqual({ name: "cc-by-nc-4.0", nonCommercial: true });
  expect(licenceFromReadme("---\nlicense: [broken\n---\n")).toBeUndefined();
  expect(licenceFromReadme("# No front matter")).toBeUndefined();
  expect(licenceFromCard(null)).toBeUndefined();
});
