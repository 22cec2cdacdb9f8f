// Hubs that misbehave, many processes at once, and full disks: in the end there is the right file or a clear error, and never a bad cache.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeHub, fakeHub, type Seen, sha256 } from "../../test/fixtures/fake-hub.ts";
import { smallDisk } from "../../test/fixtures/small-disk.ts";
import { HubError, NotFoundError } from "../base/errors.ts";
import { seeded } from "../base/random.ts";
import { type ResolveOptions, resolveModel } from "./resolve.node.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const name = "m-a-p/MERT-v1-95M";
const weights = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7919 + (i >> 8)) & 255));
const files: Record<string, string | Buffer> = {
  "config.json": '{"hidden_size": 768}',
  "preprocessor_config.json": "{}",
  "model.safetensors": weights,
};
const weightsPath = `cdn/${encodeURIComponent(name)}/model.safetensors`;

let hub: FakeHub;
let cacheDir: string;
let options: ResolveOptions;
beforeEach(async () => {
  hub = await fakeHub({ [name]: { commit, files, large: ["model.safetensors"] } });
  cacheDir = await mkdtemp(join(tmpdir(), "ostinato-faults-"));
  const network = { attempts: 3, backoffMs: 2, stallMs: 100, abandonedMs: 20_000 };
  options = { cacheDir, endpoint: hub.endpoint, token: "", localFilesOnly: false, network };
});
afterEach(async () => {
  await hub.close();
  await rm(cacheDir, { recursive: true, force: true });
});

const repo = (folder = cacheDir) => join(folder, "models--m-a-p--MERT-v1-95M");
const failure = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error) => error as Error,
  );

/** Whether each blob is what its name says, and each file of the snapshot what the hub holds. */
async function checkCache(folder = cacheDir): Promise<void> {
  const blobs = await readdir(join(repo(folder), "blobs")).catch(() => []);
  for (const blob of blobs.filter((each) => !each.endsWith(".incomplete"))) {
    const bytes = await readFile(join(repo(folder), "blobs", blob));
    const git = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    expect([sha256(bytes), git]).toContain(blob);
  }
  for (const file of await readdir(join(repo(folder), "snapshots", commit)).catch(() => [])) {
    const found = await readFile(join(repo(folder), "snapshots", commit, file)).catch(() => undefined); // a link to a blob that is gone
    if (found) expect(found.equals(Buffer.from(files[file]!)), file).toBe(true);
  }
}

describe("any mixture of faults", () => {
  const faults: Record<string, (response: ServerResponse, bytes: Buffer, start: number) => unknown> = {
    dropped: (response) => response.socket?.destroy(),
    "dropped half-way": (response, bytes) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.destroy());
    },
    stalled: () => {},
    "stalled half-way": (response, bytes) =>
      response.writeHead(200, { "content-length": bytes.length }).write(bytes.subarray(0, bytes.length / 2)),
    "cut short": (response, bytes) => response.writeHead(200).end(bytes.subarray(0, bytes.length / 3)),
    "too long": (response, bytes) => response.writeHead(200).end(Buffer.concat([bytes, bytes])),
    corrupt: (response, bytes) => {
      const wrong = Buffer.from(bytes);
      if (wrong.length > 0) wrong[wrong.length >> 1]! ^= 1;
      response.writeHead(200, { "content-length": wrong.length }).end(wrong);
    },
    "from another place": (response, bytes, start) =>
      response.writeHead(206, { "content-range": `bytes ${start + 5}-${bytes.length - 1}/${bytes.length}` }).end(bytes.subarray(start + 5)),
    "a place it was not asked for, called the right one": (response, bytes, start) =>
      response
        .writeHead(206, { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
        .end(bytes.subarray(0, bytes.length - start)),
    "no such range": (response) => response.writeHead(416).end(),
    "a log-in page": (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>log in</html>"),
    "redirected without end": (response) => response.writeHead(302, { location: "/again" }).end(),
    "429": (response) => response.writeHead(429, { "retry-after": "0" }).end(),
    "500": (response) => response.writeHead(500).end(),
    "503 with a date": (response) => response.writeHead(503, { "retry-after": new Date(Date.now() - 1000).toUTCString() }).end(),
    "401": (response) => response.writeHead(401).end(),
    "403": (response) => response.writeHead(403).end(),
    "404": (response) => response.writeHead(404).end(),
  };
  const kinds = Object.keys(faults);

  test("never leaves a bad cache, and what goes through is right", async () => {
    const rng = seeded(7);
    const met = new Set<string>();
    hub.fault = ({ method, path, range }: Seen, response) => {
      if (rng() > 0.35 || /\/again$/.test(path))
        return /\/again$/.test(path) && Boolean(faults["redirected without end"]!(response, weights, 0));
      const kind = kinds[Math.floor(rng() * kinds.length)]!;
      met.add(kind);
      const content = path === weightsPath ? weights : Buffer.from(files[path.split("/").at(-1)!] ?? "{}");
      faults[kind]!(response, method === "HEAD" ? Buffer.alloc(0) : content, Number(/\d+/.exec(range ?? "")?.[0] ?? 0));
      return true;
    };
    let [whole, refused] = [0, 0];
    for (let round = 0; round < 40; round++) {
      try {
        const found = await resolveModel(name, options);
        expect((await readFile(found.files.weights[0]!)).equals(weights)).toBe(true);
        await rm(repo(), { recursive: true });
        whole++;
      } catch (error) {
        expect(error instanceof HubError || error instanceof NotFoundError, String(error)).toBe(true);
        refused++;
      }
      await checkCache();
    }
    expect([whole > 5, refused > 5, met.size]).toEqual([true, true, kinds.length]);
    hub.fault = () => false;
    await resolveModel(name, options);
    await checkCache();
  });
});

test("storage that refuses a signed address past its time is asked again by way of the hub", async () => {
  let expired = 2;
  hub.fault = ({ path }, response) => path === weightsPath && expired-- > 0 && Boolean(response.writeHead(403).end());
  await resolveModel(name, options);
  await checkCache();
  hub.fault = ({ path }, response) => path === weightsPath && Boolean(response.writeHead(403).end());
  await rm(repo(), { recursive: true });
  expect((await failure(resolveModel(name, options))).message).toMatch(/after 3 attempts: 127\.0\.0\.1:\d+ answered 403/);
});

test("a hub that gives no hashes is held to the length it promises", async () => {
  hub.fault = ({ method, path }, response) => {
    if (!path.endsWith("config.json")) return false;
    const content = files[path.split("/").at(-1)!]!;
    if (method === "HEAD") response.writeHead(200, { etag: '"v1"', "content-length": content.length }).end();
    else response.writeHead(200).end(`${String(content)}, and more`);
    return true;
  };
  expect((await failure(resolveModel(name, options))).message).toContain("arrived twice with a content that does not match");
  expect(await readdir(join(repo(), "blobs"))).toEqual([]);
});

interface Child {
  /** Every line so far. */
  readonly lines: string[];
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves once it has received a byte of the weights. */
  readonly receiving: Promise<void>;
}

/** `resolveModel` in a process of its own. */
function fetchInChild(own: ResolveOptions = options): Child {
  const script = fileURLToPath(new URL("../../test/fixtures/hub-child.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ name, options: own })], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  let noticed = () => {};
  const receiving = new Promise<void>((resolve) => {
    noticed = resolve;
  });
  child.stdout.on("data", (part: Buffer) => {
    lines.push(...part.toString().trimEnd().split("\n"));
    if (lines.some((line) => line.startsWith("model.safetensors "))) noticed();
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { lines, ended, receiving, kill: (signal) => void child.kill(signal) };
}

/** Lets the weights trickle, so that there is a half-way to be killed at. */
function trickle(bytesAtOnce: number): void {
  hub.fault = ({ method, path, range }, response) => {
    if (path !== weightsPath || method !== "GET") return false;
    const start = Number(/\d+/.exec(range ?? "")?.[0] ?? 0);
    const span = start > 0 ? { "content-range": `bytes ${start}-${weights.length - 1}/${weights.length}` } : {};
    response.writeHead(start > 0 ? 206 : 200, { "content-length": weights.length - start, ...span });
    let at = start;
    const timer = setInterval(() => {
      response.write(weights.subarray(at, at + bytesAtOnce));
      at += bytesAtOnce;
      if (at >= weights.length || response.destroyed) {
        clearInterval(timer);
        response.end();
      }
    }, 5);
    return true;
  };
}

describe("processes that want the same model at once", () => {
  const bodies = () => hub.seen.filter(({ method, path }) => method === "GET" && path === weightsPath);

  test("fetch it once", async () => {
    trickle(20_000);
    const children = [1, 2, 3, 4].map(() => fetchInChild());
    expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
    expect(new Set(children.map(({ lines }) => lines.at(-1)))).toEqual(new Set([`folder ${join(repo(), "snapshots", commit)}`]));
    expect(bodies()).toHaveLength(1);
    await checkCache();
    expect(await readdir(join(cacheDir, ".locks/models--m-a-p--MERT-v1-95M"))).toEqual([]);
  });

  test("go on where one of them was killed", async () => {
    trickle(2_000);
    const first = fetchInChild();
    await first.receiving;
    const others = [1, 2].map(() => fetchInChild());
    await new Promise((done) => setTimeout(done, 200));
    first.kill("SIGKILL");
    await first.ended;
    trickle(50_000);
    expect(await Promise.all(others.map(({ ended }) => ended))).toEqual([0, 0]);
    expect(bodies()).toHaveLength(2);
    expect(bodies()[1]!.range).toMatch(/^bytes=[1-9]\d*-$/);
    await checkCache();
  });

  const patient = () => ({ ...options, network: { ...options.network!, stallMs: 5000, abandonedMs: 300 } });
  const suspendFirst = async (machine: string | undefined) => {
    await mkdir(join(repo(), "blobs"), { recursive: true });
    await writeFile(join(repo(), "blobs", `${sha256(weights)}.incomplete`), weights.subarray(0, 5000)); // so that it appends
    trickle(2_000);
    const sleeper = fetchInChild({ ...patient(), network: { ...patient().network, ...(machine && { machine }) } });
    await sleeper.receiving;
    sleeper.kill("SIGSTOP");
    trickle(50_000);
    return sleeper;
  };

  test("name one that is suspended, and leave it its lock", async () => {
    const sleeper = await suspendFirst(undefined);
    const second = fetchInChild(patient());
    expect(await second.ended).toBe(1);
    expect(second.lines.at(-1)).toMatch(/^error LockHeldError: Process \d+@.* is suspended: continue it \(kill -CONT \d+\) or end it/);
    sleeper.kill("SIGCONT");
    expect(await sleeper.ended).toBe(0);
    await checkCache();
  });

  test("do without one of another machine that is suspended, and it does no harm when it continues", async () => {
    const sleeper = await suspendFirst("another machine");
    const second = fetchInChild(patient());
    expect(await second.ended).toBe(0);
    await checkCache();
    sleeper.kill("SIGCONT");
    let awake = true;
    void sleeper.ended.then(() => {
      awake = false;
    });
    while (awake) await checkCache(); // at no moment does the blob differ from the hash in its name
    expect(await sleeper.ended).toBe(0);
    expect(sleeper.lines.at(-1)).toBe(`folder ${join(repo(), "snapshots", commit)}`);
    await checkCache();
    expect((await readdir(join(repo(), "blobs"))).filter((blob) => blob.endsWith(".incomplete"))).toEqual([]);
  });
});

const disk = smallDisk(256);
if (typeof disk !== "string") afterAll(disk.unmount);
describe.skipIf(typeof disk === "string")(`on a full disk${typeof disk === "string" ? ` (left out: ${disk})` : ""}`, () => {
  const onDisk = () => join((disk as { folder: string }).folder, "cache");
  afterEach(() => rm(onDisk(), { recursive: true, force: true }));

  test("a file that has no room is refused before it is fetched", async () => {
    const error = await failure(resolveModel(name, { ...options, cacheDir: onDisk() }));
    expect(error.message).toMatch(/model\.safetensors needs 1 MB more on the disk of .*Make room, or point --cache-dir/);
    expect(hub.seen.some(({ path }) => path === weightsPath)).toBe(false);
    await checkCache(onDisk());
  });

  test("a disk that fills up half-way says so and keeps what has arrived", async () => {
    hub.fault = ({ method, path }, response) => {
      if (method !== "HEAD" || !path.endsWith("model.safetensors")) return false;
      response.writeHead(302, { location: "/elsewhere", "x-linked-etag": `"${sha256(weights)}"` }).end(); // no length
      return true;
    };
    const error = await failure(resolveModel(name, { ...options, cacheDir: onDisk() }));
    expect(error).toBeInstanceOf(HubError);
    expect(error.message).toMatch(/model\.safetensors needs .* more on the disk of .*what has arrived is kept/);
    await checkCache(onDisk());
    const left = (await readdir(join(repo(onDisk()), "blobs"))).find((blob) => blob.endsWith(".incomplete"));
    const arrived = await readFile(join(repo(onDisk()), "blobs", left!));
    expect(arrived.length).toBeGreaterThan(50_000);
    expect(arrived.equals(weights.subarray(0, arrived.length))).toBe(true);
  });

  test("without room for even a lock it says so, and leaves no lock behind", async () => {
    const ballast = join((disk as { folder: string }).folder, "ballast");
    await resolveModel(name, { ...options, cacheDir: onDisk() }).catch(() => {}); // makes the folders
    await rm(join(repo(onDisk()), "snapshots"), { recursive: true });
    await rm(join(repo(onDisk()), "blobs"), { recursive: true });
    await writeFile(ballast, new Uint8Array(256 * 1024)).catch(() => {});
    const error = await failure(resolveModel(name, { ...options, cacheDir: onDisk() }));
    expect(error).toBeInstanceOf(HubError);
    expect(error.message).toMatch(/The disk of the cache .* is full .*Make room, or point --cache-dir/);
    await rm(ballast);
    expect(await readdir(join(onDisk(), ".locks/models--m-a-p--MERT-v1-95M"))).toEqual([]);
  });
});
