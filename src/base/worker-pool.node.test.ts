import { afterAll, expect, test } from "vitest";
import { temporaryFolder } from "../../test/fixtures/audio.ts";
import { ConfigError } from "./errors.ts";
import { WorkerLostError, workerPool, workerUrl } from "./worker-pool.node.ts";

// A worker made for these tests; the built pool file gives it its side of the conversation.
const built = workerUrl(import.meta.url, "./worker-pool.node.js");
const errors = workerUrl(import.meta.url, "./errors.js");
const folder = temporaryFolder();
const script = folder.write(
  "worker.mjs",
  `import { serveJobs } from "${built}";
   import { ConfigError } from "${errors}";
   serveJobs(async (job, cx) => {
     if (job.crash) process.exit(3);
     if (job.throwOutside) { setTimeout(() => { throw new Error("outside") }); return new Promise(() => {}); }
     if (job.hang) for (;;);
     if (job.sleepMs) return { value: await new Promise((done) => setTimeout(done, job.sleepMs, 7)) };
     if (job.refuse) throw new ConfigError("refused");
     if (job.count) {
       let sent = 0;
       while (sent < job.count && (await cx.emit(sent))) sent++;
       return { value: sent };
     }
     const value = job.bytes.map((b) => b + 1);
     return { value, transfer: [value.buffer] };
   });`,
);
type Job = { bytes?: Uint8Array; count?: number; crash?: true; hang?: true; refuse?: true; throwOutside?: true; sleepMs?: number };
const pool = workerPool<Job, Uint8Array | number, number>({
  url: new URL(`file://${script}`),
  size: 2,
  stallSeconds: 2,
  revive: ({ name, message }) => (name === "ConfigError" ? new ConfigError(message) : new Error(message)),
});
afterAll(async () => {
  await pool.close();
  folder.remove();
});

const work = (n: number) => pool.run({ bytes: Uint8Array.of(n) });

test("jobs beyond the number of workers wait their turn", async () => {
  const results = await Promise.all(Array.from({ length: 9 }, (_, n) => work(n)));
  expect(results).toEqual(Array.from({ length: 9 }, (_, n) => Uint8Array.of(n + 1)));
});

test("buffers that are handed over move instead of being copied", async () => {
  const bytes = new Uint8Array(8);
  await pool.run({ bytes }, { transfer: [bytes.buffer] });
  expect(bytes.byteLength).toBe(0);
});

test("an error in a job keeps the worker and gets its class back", async () => {
  await expect(pool.run({ refuse: true })).rejects.toThrow(ConfigError);
});

test("a worker that dies or throws outside its job fails that job alone and is replaced", async () => {
  const [dead, outside, ...alive] = await Promise.allSettled([
    pool.run({ crash: true }),
    pool.run({ throwOutside: true }),
    ...[1, 2, 3, 4].map(work),
  ]);
  expect(dead).toMatchObject({ status: "rejected", reason: expect.any(WorkerLostError) });
  expect(outside).toMatchObject({ status: "rejected", reason: expect.objectContaining({ message: expect.stringContaining("outside") }) });
  expect(alive.every(({ status }) => status === "fulfilled")).toBe(true);
});

test("a worker that hangs is stopped after the stall time", async () => {
  await expect(pool.run({ hang: true })).rejects.toThrow("no progress for 2 s");
});

test("a worker is not taken for stalled while the main thread is blocked", async () => {
  const job = pool.run({ sleepMs: 1000 });
  await new Promise((resolve) => setTimeout(resolve, 300)); // the job has reached the worker
  const end = performance.now() + 2500; // beyond the stall time of 2 s
  while (performance.now() < end);
  expect(await job).toBe(7);
});

test("a signal ends a job, even one that does not listen", async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await expect(pool.run({ hang: true }, { signal: controller.signal })).rejects.toThrow("enough");
  await expect(pool.run({ bytes: Uint8Array.of(1) }, { signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
  expect(await work(1)).toEqual(Uint8Array.of(2));
});

test("parts arrive in order, no faster than they are taken, until no more are wanted", async () => {
  const parts: number[] = [];
  expect(await pool.run({ count: 5 }, { onPart: (part) => parts.push(part) > 0 })).toBe(5);
  expect(parts).toEqual([0, 1, 2, 3, 4]);
  const few: number[] = [];
  const sent = await pool.run({ count: 1000 }, { onPart: (part) => few.push(part) < 3 });
  expect(few).toEqual([0, 1, 2]);
  expect(sent).toBe(3);
});

test("the compiled worker is found from source and from the build alike", () => {
  expect(workerUrl("file:///a/src/b/src/audio/x.node.ts", "./w.js").href).toBe("file:///a/src/b/dist/audio/w.js");
  const built = new URL("../../dist/audio/", import.meta.url);
  const worker = new URL("decode-worker.node.js", built).href;
  expect(workerUrl(new URL("decode.node.js", built).href, "./decode-worker.node.js").href).toBe(worker);
});

test("the compiled worker of a bundle is that of the installed package, and an error names the packages where it is not installed", () => {
  const bundle = new URL("../../server.mjs", import.meta.url).href;
  expect(workerUrl(bundle, "./decode-worker.node.js").href).toMatch(/\/dist\/audio\/decode-worker\.node\.js$/);
  expect(() => workerUrl("file:///nowhere/server.mjs", "./decode-worker.node.js")).toThrow(/--external:ostinato/);
});
