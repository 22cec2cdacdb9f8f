import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeHub, fakeHub, gitSha1, sha256 } from "../../test/fixtures/fake-hub.ts";
import { HubError, messageOf, NotFoundError } from "../base/errors.ts";
import { listCached } from "./cached.node.ts";
import { type ResolveOptions, resolveModel } from "./resolve.node.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const name = "m-a-p/MERT-v1-95M";
const weights = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) & 255));
const model = {
  commit,
  files: { "config.json": '{"hidden_size": 768}', "preprocessor_config.json": '{"do_normalize": false}', "pytorch_model.bin": weights },
  large: ["pytorch_model.bin"],
};
const weightsPath = `cdn/${encodeURIComponent(name)}/pytorch_model.bin`;

let hub: FakeHub;
let cacheDir: string;
let options: ResolveOptions;

beforeEach(async () => {
  hub = await fakeHub({ [name]: model });
  cacheDir = await mkdtemp(join(tmpdir(), "ostinato-hub-"));
  options = { cacheDir, endpoint: hub.endpoint, token: "", localFilesOnly: false, network: { attempts: 3, backoffMs: 5, stallMs: 2000 } };
});
afterEach(async () => {
  await hub.close();
  await rm(cacheDir, { recursive: true });
});

const repo = () => join(cacheDir, "models--m-a-p--MERT-v1-95M");
const blob = () => join(repo(), "blobs", sha256(weights));
const bodies = () => hub.seen.filter(({ method, path }) => method === "GET" && !path.startsWith("api/"));
const failure = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error) => error as Error,
  );

describe("a model of the hub", () => {
  test("is found by its short name in any case, with licence, commit and registry entry", async () => {
    const found = await resolveModel("mert-V1-95m", options);
    const folder = join(repo(), "snapshots", commit);
    expect(found).toMatchObject({
      name,
      folder,
      revision: commit,
      files: {
        config: join(folder, "config.json"),
        preprocessor: join(folder, "preprocessor_config.json"),
        weights: [join(folder, "pytorch_model.bin")],
      },
      licence: { name: "CC BY-NC 4.0", nonCommercial: true },
      registryEntry: { sampleRateHz: 24_000 },
    });
    expect(await readFile(found.files.weights[0]!)).toEqual(weights);
  });

  test("lies in the layout of Python's huggingface_hub", async () => {
    await resolveModel(name, options);
    expect(await readFile(join(repo(), "refs/main"), "utf8")).toBe(commit);
    const names = [sha256(weights), gitSha1(model.files["config.json"]), gitSha1(model.files["preprocessor_config.json"])];
    expect((await readdir(join(repo(), "blobs"))).sort()).toEqual(names.sort());
    const pointer = join(repo(), "snapshots", commit, "pytorch_model.bin");
    expect((await lstat(pointer)).isSymbolicLink()).toBe(true);
    expect(await readlink(pointer)).toBe(`../../blobs/${sha256(weights)}`);
  });

  test("is fetched once: a second run asks for the listing only, and a commit asks for nothing", async () => {
    const first = await resolveModel(name, options);
    hub.seen.length = 0;
    expect(await resolveModel(name, options)).toEqual(first);
    expect(hub.seen.map(({ path }) => path)).toEqual([`api/models/${name}/revision/main`]);
    expect(await resolveModel(name, { ...options, revision: commit })).toEqual(first);
    expect(hub.seen).toHaveLength(1);
  });

  test("shares blobs between commits: a new commit fetches only what changed", async () => {
    await resolveModel(name, options);
    await hub.close();
    const next = "f".repeat(40);
    hub = await fakeHub({ [name]: { ...model, commit: next, files: { ...model.files, "config.json": "{}" } } });
    const found = await resolveModel(name, { ...options, endpoint: hub.endpoint });
    expect(found.revision).toBe(next);
    expect(bodies().map(({ path }) => path)).toEqual([`${name}/resolve/${next}/config.json`]);
  });

  test("without a preprocessor is remembered as such, as huggingface_hub does", async () => {
    const { "config.json": config, "pytorch_model.bin": bin } = model.files;
    await hub.close();
    hub = await fakeHub({ "m-a-p/music2vec-v1": { ...model, files: { "config.json": config, "pytorch_model.bin": bin } } });
    const found = await resolveModel("music2vec-v1", { ...options, endpoint: hub.endpoint });
    expect(found.files.preprocessor).toBeUndefined();
    expect(found.registryEntry?.inputNormalisation).toBe(true);
    expect(await readdir(join(cacheDir, "models--m-a-p--music2vec-v1/.no_exist", commit))).toEqual(["preprocessor_config.json"]);
  });

  test("that is not registered takes its licence from its card, also offline", async () => {
    await hub.close();
    const card = "---\nlicense: cc-by-nc-sa-4.0\n---\n# Model\n";
    hub = await fakeHub({
      "some/model": { ...model, files: { ...model.files, "README.md": card }, cardData: { license: "cc-by-nc-sa-4.0" } },
    });
    const online = await resolveModel("some/model", { ...options, endpoint: hub.endpoint });
    expect(online.licence).toEqual({ name: "cc-by-nc-sa-4.0", nonCommercial: true });
    expect(online.registryEntry).toBeUndefined();
    expect(await resolveModel("some/model", { ...options, localFilesOnly: true })).toEqual(online);
  });

  test("reports the bytes of each file as they arrive", async () => {
    const last = new Map<string, number>();
    await resolveModel(name, { ...options, onProgress: ({ file, receivedBytes }) => last.set(file, receivedBytes) });
    expect(last.get("pytorch_model.bin")).toBe(weights.length);
    expect(last.get("config.json")).toBe(model.files["config.json"].length);
  });

  test("wanted by several at once is downloaded once", async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => resolveModel(name, options)));
    expect(new Set(all.map((one) => one.folder)).size).toBe(1);
    expect(bodies().filter(({ path }) => path === weightsPath)).toHaveLength(1);
  });

  test("is listed among the cached, with commit, revision and bytes", async () => {
    const { folder } = await resolveModel(name, options);
    const bytes = Object.values(model.files).reduce((sum, content) => sum + content.length, 0);
    expect(await listCached({ cacheDir })).toEqual([{ name, commit, revisions: ["main"], bytes, folder }]);
  });
});

describe("a download", () => {
  test("resumes where the connection dropped, within one run", async () => {
    let drops = 2;
    hub.fault = ({ method, path }, response) => {
      if (method !== "GET" || path !== weightsPath || drops-- <= 0) return false;
      const start = Number(/\d+/.exec(hub.seen.at(-1)?.range ?? "")?.[0] ?? 0);
      const range = start > 0 ? { "content-range": `bytes ${start}-${weights.length - 1}/${weights.length}` } : {};
      response.writeHead(start > 0 ? 206 : 200, { "content-length": weights.length - start, ...range });
      response.write(weights.subarray(start, start + 100_000), () => response.socket?.destroy());
      return true;
    };
    await resolveModel(name, options);
    expect(await readFile(blob())).toEqual(weights);
    const ranges = bodies().flatMap(({ path, range }) => (path === weightsPath ? [range] : []));
    expect(ranges).toHaveLength(3);
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ""))).toBe(true);
  });

  test("resumes what an earlier, killed run left", async () => {
    await mkdir(join(repo(), "blobs"), { recursive: true });
    await writeFile(`${blob()}.incomplete`, weights.subarray(0, 123_456));
    await resolveModel(name, options);
    expect(bodies().find(({ path }) => path === weightsPath)?.range).toBe("bytes=123456-");
    expect(await readFile(blob())).toEqual(weights);
    expect((await readdir(join(repo(), "blobs"))).filter((file) => file.endsWith(".incomplete"))).toEqual([]);
  });

  test("starts anew when what an earlier run left is not the file's beginning", async () => {
    await mkdir(join(repo(), "blobs"), { recursive: true });
    await writeFile(`${blob()}.incomplete`, Buffer.alloc(5000));
    await resolveModel(name, options);
    expect(await readFile(blob())).toEqual(weights);
  });

  test.each([
    ["large", "pytorch_model.bin", weightsPath],
    ["small", "config.json", `${name}/resolve/${commit}/config.json`],
  ])("of a %s file with a wrong content is refused and leaves nothing", async (_, file, path) => {
    const wrong = Buffer.from(model.files[file as "config.json"]).fill(0, 3, 4);
    hub.fault = (seen, response) => {
      if (seen.method !== "GET" || seen.path !== path) return false;
      response.writeHead(200, { "content-length": wrong.length }).end(wrong);
      return true;
    };
    const error = await failure(resolveModel(name, options));
    expect(error).toBeInstanceOf(HubError);
    expect(error.message).toMatch(`${file} of ${name} arrived twice with a content that does not match its hash`);
    expect(await readdir(join(repo(), "snapshots", commit)).catch(() => [])).not.toContain(file);
    expect((await readdir(join(repo(), "blobs"))).filter((one) => one.endsWith(".incomplete"))).toEqual([]);
  });

  test("cut short every time says how far it came and lists what to put where", async () => {
    hub.fault = ({ method, path }, response) => {
      if (method !== "GET" || path !== weightsPath) return false;
      // Chunked encoding: the end looks regular, only the length promised before tells.
      response.writeHead(200).end(weights.subarray(0, 1000));
      return true;
    };
    const { message } = await failure(resolveModel(name, options));
    expect(message).toContain("it ended at 1000 of 300000 bytes");
    for (const file of Object.keys(model.files)) {
      expect(message).toContain(`put ${file} from ${hub.endpoint}/${name} into ${resolve("MERT-v1-95M")}`);
    }
  });

  test("that stalls is given up and tried again", async () => {
    let stalls = 1;
    hub.fault = ({ method, path }, response) => {
      if (method !== "GET" || path !== weightsPath || stalls-- <= 0) return false;
      response.writeHead(200, { "content-length": weights.length }).write(weights.subarray(0, 1000));
      return true;
    };
    await resolveModel(name, { ...options, network: { attempts: 3, backoffMs: 5, stallMs: 150 } });
    expect(await readFile(blob())).toEqual(weights);
  });

  test("that stalls every time fails with the reason", async () => {
    hub.fault = ({ path }) => path === weightsPath;
    const error = await failure(resolveModel(name, { ...options, network: { attempts: 2, backoffMs: 5, stallMs: 100 } }));
    expect(error.message).toContain("nothing arrived for 0.1 s");
  });

  test("too large for the disk is refused before it starts, with the need", async () => {
    hub.fault = ({ method, path }, response) => {
      if (method !== "HEAD" || !path.endsWith("pytorch_model.bin")) return false;
      response
        .writeHead(302, { location: "/elsewhere", "x-linked-etag": `"${sha256(weights)}"`, "x-linked-size": "9000000000000000" })
        .end();
      return true;
    };
    const error = await failure(resolveModel(name, options));
    expect(error.message).toContain("pytorch_model.bin needs 9,000,000,000 MB more");
    expect(bodies().some(({ path }) => path === weightsPath)).toBe(false);
  });

  test("ends at once when its signal is aborted", async () => {
    const controller = new AbortController();
    hub.fault = ({ path }) => {
      if (path === weightsPath) controller.abort(new Error("enough"));
      return path === weightsPath;
    };
    expect((await failure(resolveModel(name, { ...options, signal: controller.signal }))).message).toBe("enough");
  });
});

describe("the hub's refusals", () => {
  test.each([
    [401, "", "Either there is no such model", "set it as HF_TOKEN"],
    [403, "GatedRepo", "is gated", "Accept its terms at"],
  ])("%i says how to get access", async (status, code, found, advice) => {
    hub.fault = (_, response) => Boolean(response.writeHead(status, code ? { "x-error-code": code } : {}).end());
    const error = await failure(resolveModel(name, options));
    expect(error).toBeInstanceOf(HubError);
    expect(error.message).toContain(found);
    expect(error.message).toContain(advice);
  });

  test("404 tells a missing model, revision and file apart", async () => {
    const noModel = await failure(resolveModel("nobody/nothing", options));
    expect(noModel.message).toMatch(/^There is no model nobody\/nothing at/);
    const noRevision = await failure(resolveModel(name, { ...options, revision: "v9" }));
    expect(noRevision.message).toContain(`${name} has no revision "v9"`);
    hub.fault = ({ method, path }, response) =>
      method === "HEAD" && path.endsWith("config.json") && Boolean(response.writeHead(404, { "x-error-code": "EntryNotFound" }).end());
    const noFile = await failure(resolveModel(name, options));
    expect(noFile.message).toContain("has no file preprocessor_config.json");
    for (const error of [noModel, noRevision, noFile]) expect(error).toBeInstanceOf(NotFoundError);
  });

  test("429 waits as long as Retry-After says, 500 is tried again", async () => {
    const answers: [number, Record<string, string>][] = [
      [429, { "retry-after": "1" }],
      [500, {}],
    ];
    const started = performance.now();
    hub.fault = (_, response) => {
      const next = answers.shift();
      return next !== undefined && Boolean(response.writeHead(...next).end());
    };
    await resolveModel(name, options);
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  test("a Retry-After beyond two minutes is reported, not waited for", async () => {
    hub.fault = (_, response) => Boolean(response.writeHead(429, { "retry-after": "3600" }).end());
    expect((await failure(resolveModel(name, options))).message).toContain("the server asks to wait 3600 s");
  });

  test("an answer that is no listing points to HF_ENDPOINT", async () => {
    hub.fault = (_, response) => Boolean(response.writeHead(200).end("<html>log in</html>"));
    expect((await failure(resolveModel(name, options))).message).toContain("Check HF_ENDPOINT");
  });
});

describe("without a network", () => {
  test("a cached model resolves and sends no request", async () => {
    const online = await resolveModel(name, options);
    hub.seen.length = 0;
    expect(await resolveModel(name, { ...options, localFilesOnly: true })).toEqual(online);
    expect(hub.seen).toEqual([]);
  });

  test("a model that is not cached fails with one line a file, saying where it is and where it goes", async () => {
    const error = await failure(resolveModel(name, { ...options, endpoint: "https://huggingface.co", localFilesOnly: true }));
    expect(error).toBeInstanceOf(HubError);
    expect(error.message).toContain(`put config.json from https://huggingface.co/${name} into ${resolve("MERT-v1-95M")}\n`);
  });

  test("a hub that is down is noticed, and the cached copy serves", async () => {
    const online = await resolveModel(name, options);
    await hub.close();
    const notices: string[] = [];
    expect(await resolveModel(name, { ...options, onNotice: (message) => notices.push(message) })).toEqual(online);
    expect(notices[0]).toMatch(/can't be reached \(ECONNREFUSED\).*cached copy/);
    hub = await fakeHub({});
  });

  test("a snapshot that lacks its weights does not count as cached", async () => {
    await resolveModel(name, options);
    await rm(blob());
    expect(messageOf(await failure(resolveModel(name, { ...options, localFilesOnly: true })))).toContain("is not in the cache");
    expect((await resolveModel(name, options)).revision).toBe(commit);
  });
});

describe("trust", () => {
  test("the token goes to the endpoint and not to the host of large files", async () => {
    await resolveModel(name, { ...options, token: "hf_secret" });
    for (const { path, authorization } of hub.seen) expect(authorization).toBe(path.startsWith("cdn/") ? undefined : "Bearer hf_secret");
    expect(hub.seen.some(({ path }) => path === weightsPath)).toBe(true);
  });

  test.each(["..\\..\\evil.pt", "C:evil.pt"])("a file name that leads out of the cache is refused: %s", async (file) => {
    await hub.close();
    hub = await fakeHub({ "some/model": { commit, files: { [file]: "x" } } });
    const error = await failure(resolveModel("some/model", { ...options, endpoint: hub.endpoint }));
    expect(error.message).toContain("would lead out of the cache folder");
    expect(bodies()).toEqual([]);
  });

  test.each(["..", "../../evil", "a/b"])("an ETag that is no file name is refused: %s", async (etag) => {
    hub.fault = ({ method }, response) => method === "HEAD" && Boolean(response.writeHead(200, { etag: `"${etag}"` }).end());
    expect((await failure(resolveModel(name, options))).message).toMatch(/invalid ETag|out of the cache folder/);
    expect(await readdir(cacheDir)).toEqual([]);
  });

  test("a revision that leads out of the cache is refused", async () => {
    expect((await failure(resolveModel(name, { ...options, revision: "../../../x" }))).message).toContain("The revision");
  });
});

describe("names", () => {
  test("a misspelt short name gets the nearest ones", async () => {
    expect((await failure(resolveModel("MERT-v1-95", options))).message).toContain("Did you mean m-a-p/MERT-v1-95M");
    expect((await failure(resolveModel("something", options))).message).toContain("Known are music2vec-v1, MERT-v0");
  });

  test.each(["./foo", "/no/such/folder", "a/b/c", "model.safetensors", "..\\foo"])(
    "a path that does not exist is named as such: %s",
    async (path) => {
      const error = await failure(resolveModel(path, options));
      expect(error.message).toBe(`There is no file or folder ${path} (looked at ${resolve(path)}).`);
      expect(hub.seen).toEqual([]);
    },
  );
});
